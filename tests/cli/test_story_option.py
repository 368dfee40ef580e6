"""`seqlab train --story`: stories of a user's own, from the command to what is judged."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab.runs import Run

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = ("model.hidden_size=4", "training.steps=2", "training.evaluate_every=2", "compute.threads=1")


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    """Twelve stories, of which one is held out for validation and one for the test."""
    path = tmp_path / "cats_train.txt"
    lines = [
        f"1 The cat is {number} years old.\n2 How old is the cat?\t{number}\t1\n" for number in range(12)
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_stories_are_learned_and_their_file_is_on_record(
    seqlab_command: Command, stories: Path, tmp_path: Path
) -> None:
    trained = seqlab_command("train", "stories-lstm", "--story", stories, *SMALL)
    assert trained.returncode == 0, trained.stderr
    assert "of 1 sequences wrong" in trained.stdout
    (folder,) = (path.parent for path in tmp_path.rglob("run.json"))
    info = Run(folder).info()
    assert info.extra["corpus"]["source"] == str(stories)
    assert info.data_hash == info.extra["corpus"]["sha256"]
    stories.write_text(stories.read_text(encoding="utf-8") + "1 A dog barks.\n", encoding="utf-8")
    judged = seqlab_command("judge", "latest")
    assert "cats_train.txt" in judged.stderr


def test_what_is_no_file_of_stories_is_refused(seqlab_command: Command, stories: Path) -> None:
    refused = seqlab_command("train", "hello", "--story", stories)
    assert refused.returncode == 2
    assert "hello reads no stories: --story is for the task stories" in refused.stderr
    stories.write_text("1 The cat sleeps.\nThe dog barks.\n", encoding="utf-8")
    wrong = seqlab_command("train", "stories-lstm", "--story", stories)
    assert wrong.returncode == 2
    assert "cats_train.txt, line 2, is none of a story: it begins with 'The'" in wrong.stderr
    missing = seqlab_command("train", "stories-lstm", "--story", "3")
    assert missing.returncode == 2
    assert "task.story=1 to 20" in missing.stderr


def test_without_an_experiment_they_are_read_from_a_memory(seqlab_command: Command, stories: Path) -> None:
    trained = seqlab_command("train", "--story", stories, *SMALL, "--dry-run", "--json")
    assert trained.returncode == 0, trained.stderr
    assert '"experiment": "cats_train"' in trained.stdout
    assert '"model": "memory-network"' in trained.stdout
