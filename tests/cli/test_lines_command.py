"""Lines of a user's own: trained on, and written as whole lines that are said to be new or not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Command

QUICK = ("model.hidden_size=8", "training.steps=3", "training.batch_size=8", "training.evaluate_every=3")
NAMES = [f"{first}{middle}{last}" for first in "bdkm" for middle in "aeiou" for last in ("n", "ra", "lle")]


@pytest.fixture
def trained(seqlab_command: Command, tmp_path: Path) -> Command:
    (tmp_path / "names.txt").write_text("".join(f"{name}\n" for name in NAMES))
    done = seqlab_command("train", "lines", "--text", "names.txt", "--model", "ngram[order=3]", "--quiet")
    assert done.returncode == 0, done.stderr
    return seqlab_command


def test_lines_of_a_file_are_learned_and_whole_new_ones_written(trained: Command, tmp_path: Path) -> None:
    done = trained("sample", "--count", 20)
    lines = done.stdout.splitlines()
    assert len(lines) == 20
    known = re.search(r"Of 20, (\d+) stand in the training part and (\d+) are new", done.stderr)
    assert known is not None
    assert int(known[1]) + int(known[2]) == 20
    assert int(known[2]) >= sum(line not in NAMES for line in lines)
    assert "The median edit distance from the nearest of the training part is" in done.stderr
    data = json.loads(trained("sample", "--count", 20, "--json").stdout)
    assert [text["text"].removesuffix("\n") for text in data["texts"]] == lines
    assert data["novelty"]["training"] == int(known[1])
    assert trained("sample").stdout == f"{lines[0]}\n"


def test_a_line_goes_on_from_its_beginning(trained: Command) -> None:
    lines = trained("sample", "--prime", "ba", "--count", 30, "--temperature", 1).stdout.splitlines()
    assert all(line.startswith("ba") for line in lines)
    read = json.loads(
        trained("sample", "--prime", "\nba", "--count", 30, "--temperature", 1, "--json").stdout
    )
    assert [text["text"].strip("\n") for text in read["texts"]] == lines, "the end before it is read anyway"


def test_without_its_text_a_run_writes_all_the_same(trained: Command, tmp_path: Path) -> None:
    (tmp_path / "names.txt").unlink()
    done = trained("sample", "--count", 2)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    assert "Whether they are new is not known" in done.stderr


def test_what_is_memorised_is_looked_for_in_whole_lines(trained: Command) -> None:
    data = json.loads(trained("novel", "--length", 300, "--json").stdout)
    assert data["length"] == 300
    assert data["passages"]


def test_blocks_are_written_below_their_numbers(seqlab_command: Command, tmp_path: Path) -> None:
    (tmp_path / "tunes.txt").write_text("".join(f"X:{n}\nABC|\n\n" for n in range(20)))
    words = ("train", "lines", "--text", "tunes.txt", "task.unit=block", *QUICK, "-q")
    assert seqlab_command(*words).returncode == 0
    done = seqlab_command("sample", "--count", 2, "--length", 5)
    assert done.stdout.startswith("--- 1 of 2 ---\n")
    assert "\x1c" not in done.stdout


def test_a_file_that_has_no_lines_is_refused_in_a_sentence(seqlab_command: Command, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("just one line\n")
    done = seqlab_command("train", "lines", "--text", "one.txt")
    assert done.returncode == 2
    assert "has 1 different line; at least 10 are wanted" in done.stderr
    assert not (tmp_path / "runs").exists()
