"""What `seqlab sample` writes and where; that the line to type next gives what was announced."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import Command


@pytest.fixture
def hello(seqlab_command: Command) -> Command:
    """Train the four letters, after which `seqlab sample` writes them."""
    done = seqlab_command("train", "hello", "-q")
    assert done.returncode == 0, done.stderr
    return seqlab_command


def test_the_line_to_type_next_gives_what_was_announced(seqlab_command: Command) -> None:
    done = seqlab_command("train", "hello", "-q")
    words = re.search(r"Next: seqlab ([^,]*),", done.stderr)
    assert words is not None
    assert "hello" in done.stdout
    written = seqlab_command(*shlex.split(words[1]))
    assert written.stdout == "hello\n"
    following = re.search(r"Next: seqlab (.*)", written.stderr)
    assert following is not None
    assert "novel" not in following[1], "there is no text that it could be compared with"
    assert seqlab_command(*shlex.split(following[1])).returncode == 0
    shown = re.search(r"Next: seqlab ([^,]*),", seqlab_command("show").stderr)
    assert shown is not None
    assert seqlab_command(*shlex.split(shown[1])).stdout == "hello\n"


def test_texts_that_are_the_same_or_go_in_circles_are_called_so(hello: Command) -> None:
    assert "all 3 texts are the same" in hello("sample", "--count", 3).stderr
    for more in ((), ("--count", "2")):
        done = hello("sample", "--length", 300, *more)
        assert re.search(r"round in a circle of \d+ characters", done.stderr)
        assert "--repetition-penalty 1.2" in done.stderr
    assert "circle" not in hello("sample", "--temperature", 1, "--length", 300).stderr


def test_whether_a_text_came_to_its_end_is_told(hello: Command) -> None:
    words = ("sample", "--temperature", 1, "--length", 6, "--count", 20, "--stop", "o", "--json")
    texts = json.loads(hello(*words).stdout)["texts"]
    assert (
        {text["stopped"] for text in texts} == {text["text"].endswith("o") for text in texts} == {True, False}
    )
    assert all(text["stopped"] or text["tokens"] == 6 for text in texts)
    assert not json.loads(hello("sample", "--json").stdout)["texts"][0]["stopped"]


def test_a_text_a_line_and_a_text_a_file(hello: Command, tmp_path: Path) -> None:
    words = ("sample", "--temperature", 1, "--length", 9, "--count", 10)
    together = hello(*words).stdout
    lines = hello(*words, "--each", "line").stdout.splitlines()
    assert together == "".join(f"--- {n} of 10 ---\n{line}\n" for n, line in enumerate(lines, 1))
    ended = hello(*words, "--each", "line", "--stop", "o").stdout.splitlines()
    assert ended == [line.partition("o")[0] for line in lines]
    done = hello(*words, "--each", "file", "--output", "texts")
    assert "10 files" in done.stderr
    files = sorted((tmp_path / "texts").iterdir())
    assert [file.name for file in files] == [f"{number:02}.txt" for number in range(1, 11)]
    assert [file.read_text() for file in files] == [f"{line}\n" for line in lines]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--each file", "asks for a folder"),
        ("--each line --json", "Both --each and --json"),
        ("--output no/such/file", "there is no folder 'no/such'"),
        ("--output .", "is a folder"),
    ],
)
def test_what_could_not_be_written_is_refused_before_anything_is(
    seqlab_command: Command, words: str, said: str
) -> None:
    done = seqlab_command("sample", *words.split())
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("command", ["cells", "inspect", "gradients", "plot", "bench", "explain lstm"])
def test_a_folder_that_cannot_be_is_refused_before_anything_is_computed(
    seqlab_command: Command, tmp_path: Path, command: str
) -> None:
    (tmp_path / "file").touch()
    done = seqlab_command(*command.split(), "--output", "file/pictures")
    assert done.returncode == 2
    assert "'file/pictures' cannot be written" in done.stderr
