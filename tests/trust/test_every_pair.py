"""Every model in every task, at the smallest sizes: it learns and is judged, or there is a reason why not."""

from __future__ import annotations

import random
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from seqlab import registry
from seqlab.configure import load_settings
from seqlab.errors import SettingsError
from seqlab.session import open_session
from seqlab.settings import TrainExperiment

QUICK = ("rnn", "lstm", "mingru")


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "smallest.py"))


@pytest.mark.parametrize("model", QUICK)
def test_a_network_of_one_unit_learns_from_one_sequence(script: dict[str, Any], model: str) -> None:
    places = {place.name: place for place in script["places"]()}
    for name in ("temporal-order", "adding, least", "char-lm, least", "permutations, least"):
        assert check(script, places[name], model)


def test_pairs_drawn_at_random_learn_or_say_why_not(script: dict[str, Any]) -> None:
    draw, places = random.Random(1), list(script["places"]())
    for _ in range(5):
        check(script, draw.choice(places), draw.choice(registry.names("model")))


@pytest.mark.slow
@pytest.mark.parametrize("model", registry.names("model"))
def test_a_model_learns_in_every_task_or_says_why_not(script: dict[str, Any], model: str) -> None:
    learned = [check(script, place, model) for place in script["places"]()]
    assert any(learned), "a model that nothing can be learned with"
    assert not all(learned), "one takes tokens, features or a source, and no more than two of these"


def check(script: dict[str, Any], place: Any, model: str) -> bool:
    """Let a model learn somewhere; return whether it did, and see that it is told why not."""
    reason, without = script["outcome"](place, model)
    if reason is None:
        assert not without, "figures that are no numbers, though the loss is one"
        return True
    assert model in reason or re.search(r"Th(e|is) task|\b(model|task)\.\w", reason), reason
    return False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("task.longest=2",), "The task dyck has nothing in its validation part"),
        (("trials={short: {task: {longest: 2}}}",), "The trial 'short' of dyck has nothing in its test part"),
    ],
)
def test_a_part_without_a_sequence_is_told_before_a_run_begins(words: tuple[str, ...], said: str) -> None:
    experiment, _ = load_settings("dyck", overrides=["task.kinds=1", *words])
    assert isinstance(experiment, TrainExperiment)
    with pytest.raises(SettingsError, match=said):
        open_session(experiment)


def test_what_a_trial_makes_of_the_settings_is_told_with_its_name() -> None:
    experiment, _ = load_settings("mqar", overrides=["task.length=32"])
    assert isinstance(experiment, TrainExperiment)
    with pytest.raises(SettingsError) as caught:
        open_session(experiment)
    assert caught.value.message.startswith("In the trial 'pairs-16' (task.pairs=16): task.pairs is 16, but")
    assert "trials={}" in str(caught.value.hint)
    open_session(experiment.model_copy(update={"trials": {}}))
