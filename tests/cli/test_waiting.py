"""Nothing is silent for long: what is being done is known everywhere, and said after a while."""

from __future__ import annotations

from pathlib import Path
from threading import Timer
from threading import enumerate as threads

import pytest
from conftest import Command

import seqlab
from seqlab.cli import console
from seqlab.cli.console import Patience, tell, waiting
from seqlab.doing import doing, listening

TEXT = {
    "task.corpus": "miniature",
    "training.steps": 1,
    "model.hidden_size": 4,
    "mixture.share": 0.5,
    "mixture.order": 3,
}


def wait() -> None:
    for thread in threads():
        if isinstance(thread, Timer):
            thread.join()


def test_what_takes_long_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "PATIENCE", 0.0)
    with listening(Patience()):
        for _ in range(2):
            with doing("reading"):
                wait()
        with waiting("scoring", 10) as watch:
            watch(5)
            wait()
    assert capsys.readouterr().err == "reading ...\nscoring ...\n"


def test_what_is_quick_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(Patience()):
        with doing("reading"):
            tell("a line")  # silence begins again
        wait()  # for what is still to be said, were it not taken back
    assert capsys.readouterr().err == "a line\n"


def test_every_judgement_of_a_language_model_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    told: list[str | None] = []
    with listening(told.append):
        run = seqlab.train("char-shakespeare", **TEXT)
    trials = run.summary()["trials"]
    assert len(trials) > 1
    for what in ("opening the data", "judging on the validation set", "counting the training text"):
        assert any(one is not None and one.startswith(what) for one in told), what
    named = [one for one in told if one is not None and one.startswith("judging on the test set: ")]
    assert {one.partition(": ")[2] for one in named} >= {"block-64", "block-64, mixed with counts"}
    assert told[-1] is None


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_quiet_says_nothing(
    quiet: list[str], monkeypatch: pytest.MonkeyPatch, seqlab_command: Command
) -> None:
    told: list[str | None] = []
    monkeypatch.setattr(Patience, "__call__", lambda self, what: told.append(what))
    assert seqlab_command("train", "hello", "training.steps=1", *quiet).returncode == 0
    assert told[0] == "loading"
    assert ("judging on the test set" in told) == (not quiet)
