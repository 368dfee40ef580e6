"""A run whose text lies elsewhere now, or whose weights are not there (yet)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run

TINY = (
    "model.hidden_size=4", "training.steps=2", "training.batch_size=2", "task.period=8",
    "training.evaluate_every=2", "training.engine=torch", "-q",
)  # fmt: skip


@pytest.fixture
def moved(tmp_path: Path, seqlab_command: Command) -> Run:
    """Return a finished run whose text has been moved from old.txt to new.txt; other.txt is another text."""
    (tmp_path / "old.txt").write_text("to be or not to be\n" * 20)
    done = seqlab_command("train", "--text", "old.txt", *TINY, "--json")
    assert done.returncode == 0, done.stderr
    shutil.move(tmp_path / "old.txt", tmp_path / "new.txt")
    (tmp_path / "other.txt").write_text("to be or not to be\n" * 21)
    return Run(Path(json.loads(done.stdout)["path"]))


@pytest.mark.parametrize("command", ["resume", "judge", "novel", "replay", "inspect"])
def test_a_text_that_has_gone_is_said_with_how_to_name_where_it_is(
    moved: Run, seqlab_command: Command, command: str
) -> None:
    if command == "resume":
        moved.update_info(status="interrupted")
    before = len(list(moved.path.parent.iterdir()))
    done = seqlab_command(command, moved.path)
    assert done.returncode == 2
    assert f"seqlab resume {moved.id} --text PATH" in done.stderr
    assert "old.txt" in done.stderr
    assert len(list(moved.path.parent.iterdir())) == before, "nothing was begun"


def test_a_run_goes_on_with_the_same_text_elsewhere_and_with_no_other(
    moved: Run, seqlab_command: Command
) -> None:
    moved.update_info(status="interrupted")
    summary = moved.summary_path.read_bytes()
    other = seqlab_command("resume", moved.path, "--text", "other.txt")
    assert other.returncode == 2
    assert "was trained on data with SHA-256" in other.stderr
    assert seqlab_command("resume", moved.path, "--text", "gone.txt").returncode == 2
    done = seqlab_command("resume", moved.path, "--text", "new.txt", "-q")
    assert done.returncode == 0, done.stderr
    assert json.loads(moved.summary_path.read_bytes())["held_out"] == json.loads(summary)["held_out"]


def test_a_finished_run_is_told_where_its_text_is(moved: Run, seqlab_command: Command) -> None:
    done = seqlab_command("resume", "latest", "--text", "new.txt")
    assert done.returncode == 0, done.stderr
    assert seqlab_command("novel", moved.path).returncode == 0
    assert moved.settings()["task.corpus"].endswith("new.txt")


def test_a_run_is_found_by_its_text_as_it_was_typed(moved: Run, seqlab_command: Command) -> None:
    for typed, found in (
        ("old.txt", True),
        ("./old.txt", True),
        ("ld.txt", False),
        (moved.path.parents[1] / "old.txt", True),
    ):
        done = seqlab_command("runs", "--where", f"task.corpus={typed}")
        assert done.returncode == 0, done.stderr
        assert (moved.id in done.stdout) is found, typed


def test_a_run_of_no_text_has_none_that_could_be_moved(seqlab_command: Command) -> None:
    seqlab_command("train", "temporal-order", "training.steps=1", "training.engine=torch", "-q")
    done = seqlab_command("resume", "temporal-order", "--text", "new.txt")
    assert done.returncode == 2
    assert "was not trained on a text" in done.stderr


def test_what_stands_in_for_a_text_is_not_trained_on_again(
    tmp_path: Path, seqlab_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = b"To be, or not to be, that is the question.\n" * 20
    monkeypatch.setattr("seqlab.text.corpora.SHAKESPEARE_SHA256", hashlib.sha256(play).hexdigest())
    (tmp_path / "tinyshakespeare.txt").write_bytes(play)
    there = {
        "SEQLAB_DATA_DIR": str(tmp_path),
        "SEQLAB_OFFLINE": "1",
        "SEQLAB_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = seqlab_command("train", "char-shakespeare", *TINY, env=there)
    assert done.returncode == 0, done.stderr
    again = seqlab_command("replay", "latest", env={**there, "SEQLAB_DATA_DIR": ""})
    assert again.returncode == 2
    assert "was trained on data with SHA-256" in again.stderr
    assert "The miniature text stands in" in again.stderr
    assert len([run for run in (tmp_path / "runs").iterdir() if run.name.startswith("char-")]) == 1


def test_weights_that_are_not_there_are_called_missing(moved: Run, seqlab_command: Command) -> None:
    for file, other, words in (
        (moved.best_weights, "last", ("sample",)),
        (moved.last_checkpoint, "best", ("sample", "--checkpoint", "last")),
    ):
        kept = file.rename(file.with_name("kept"))
        done = seqlab_command(words[0], moved.path, *words[1:])
        assert done.returncode == 2
        assert f"{file.name} is missing" in done.stderr
        assert f"--checkpoint {other}" in done.stderr
        kept.rename(file)
