"""Steps are no more than the passes over the data that the settings allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.comparison.study import identity_of
from seqlab.configure import load_training
from seqlab.engines import take_engine
from seqlab.session import begin, go_on, open_session, train
from seqlab.session.identity import identify
from seqlab.tasks import build_task

SMALL = ("task.period=10", "training.batch_size=4", "model.hidden_size=4", "compute.threads=1")


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A text of 2,000 characters, 1,800 of them for training: 45 steps of 4 x 10 are a pass."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    (tmp_path / "short.txt").write_text("abcdefghi " * 200)
    return f"task.corpus={tmp_path / 'short.txt'}"


def test_a_short_text_is_read_so_many_times_and_each_pass_is_validated(text: str) -> None:
    session = open_session(load_training("char-shakespeare", overrides=[text, *SMALL]))
    training = session.experiment.training
    assert (training.passes, training.steps, training.evaluate_every) == (8, 360, 45)
    assert session.sizing == (
        "360 steps instead of 3,400: these are training.passes=8 passes over the data, beyond which it would be "
        "learned by heart."
    )


@pytest.mark.parametrize(
    ("words", "steps"),
    [(["training.steps=400"], 400), (["training.passes=null"], 3400), (["training.passes=99"], 3400)],
)
def test_steps_that_are_given_are_made(text: str, words: list[str], steps: int) -> None:
    session = open_session(load_training("char-shakespeare", overrides=[text, *SMALL, *words]))
    assert (session.experiment.training.steps, session.sizing) == (steps, None)


def test_steps_and_passes_that_are_both_given_both_hold(text: str) -> None:
    words = [text, *SMALL, "training.steps=400", "training.passes=1"]
    assert open_session(load_training("char-shakespeare", overrides=words)).experiment.training.steps == 45


def test_data_without_an_end_take_all_steps() -> None:
    session = open_session(load_training("hello", overrides=["training.passes=1"]))
    assert session.experiment.training.steps == 300
    assert session.sizing == (
        "training.passes=1 changes nothing: the data of this task have no end. training.steps says how long it "
        "is trained."
    )


def test_a_run_of_a_short_text_is_found_again_and_gone_on_with(text: str) -> None:
    words = [text, *SMALL, "training.passes=0.1"]
    experiment = load_training("char-shakespeare", overrides=words)
    run, session = begin(experiment, command="")
    assert train(run, session)["steps"] == 5
    again = go_on(run)
    assert (again.experiment.training.steps, again.sizing) == (5, None)
    task = build_task(experiment.task)
    taken, _ = take_engine(experiment, task)
    assert identity_of(taken) == identify(session.experiment, task, session.device)
