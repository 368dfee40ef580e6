"""Numbers at their ends: the smallest models, batches and texts, growing losses, JSON that is always JSON."""

from __future__ import annotations

import json
import math
from inspect import signature
from pathlib import Path

import pytest
from conftest import Command

from seqlab import registry
from seqlab.configure import load_settings
from seqlab.engines import engine_of
from seqlab.errors import SettingsError
from seqlab.runs import Run
from seqlab.session import open_session
from seqlab.settings import TrainExperiment
from seqlab.training.checkpoints import read_weights, save_weights
from seqlab.training.loop import new_learner

TINY = (
    "training.steps=2", "training.batch_size=1", "training.evaluate_every=2", "training.evaluation_sequences=1",
    "training.test_sequences=1", "compute.threads=1",
)  # fmt: skip
TASKS = {"temporal-order": (), "adding": (), "char-shakespeare": ("task.corpus=miniature", "mixture=null")}


def smallest(model: str) -> str:
    """Return a model with one unit, where it has units."""
    return f"{model}[hidden_size=1]" if has_units(model) else model


def has_units(model: str) -> bool:
    return "hidden_size" in signature(registry.load("model", model).__init__).parameters


QUICK = ("rnn", "lstm", "mingru")


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in registry.names("model")
    ],
)
def test_a_model_of_one_unit_learns_from_one_sequence_or_says_why_not(name: str) -> None:
    learned, refused = 0, list[str]()
    for experiment, further in TASKS.items():
        try:
            settings, _ = load_settings(experiment, model=smallest(name), overrides=[*TINY, *further])
            assert isinstance(settings, TrainExperiment)
            session = open_session(settings)
        except SettingsError as error:  # it reads something else, or one unit is no even number of them
            refused.append(str(error))
            continue
        learner = new_learner(session.model, session.experiment.training)
        engine = engine_of(session.experiment.training.engine)
        for (step,) in engine.fit(session.experiment, session.task, [learner], [1]):
            assert step is None or math.isfinite(step.loss)
        assert learner.step in (1, 2)  # what counts is done after one pass
        learned += 1
    assert all(name in said or "hidden_size" in said for said in refused)
    assert bool(learned) != getattr(registry.load("model", name), "needs_context", False)


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_a_loss_that_grows_for_ever_is_said_and_nothing_but_json_is_printed(
    seqlab_command: Command, engine: str
) -> None:
    if engine == "fused":
        pytest.importorskip("numba")
    words = ("training.learning_rate=100", "training.optimizer=sgd", "training.clip_norm=null")
    sizes = ("training.steps=400", "training.test_sequences=4", "training.evaluation_sequences=4")
    done = seqlab_command("train", "adding", *words, *sizes, f"training.engine={engine}", "-q", "--json")
    assert done.returncode == 1
    assert "the loss is inf" in done.stderr
    shown = json.loads(seqlab_command("show", "latest", "--json").stdout, parse_constant=pytest.fail)
    assert shown["status"] == "failed"
    json.loads(seqlab_command("runs", "--json").stdout, parse_constant=pytest.fail)


def test_what_is_printed_of_a_network_without_a_number_in_it_is_json(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("To be, or not to be, that is the question.\n" * 40)
    words = ("training.steps=2", "model.hidden_size=4", "task.period=8", "mixture=null", "-q")
    assert seqlab_command("train", "--text", "text.txt", *words).returncode == 0
    (path,) = (tmp_path / "runs").iterdir()
    run = Run(path)
    nothing = {name: weights * math.nan for name, weights in read_weights(run.best_weights).items()}
    save_weights(run.best_weights, nothing)
    run.update_info(files={})
    told = 0
    for asked in (
        ("show",),
        ("runs",),
        ("judge",),
        ("score", "latest", "text.txt"),
        ("sample",),
        ("inspect",),
    ):
        done = seqlab_command(*asked, "--json")
        assert done.returncode in (0, 1)
        told += done.returncode == 0
        if done.stdout:
            json.loads(done.stdout, parse_constant=pytest.fail)
    assert told >= 4
