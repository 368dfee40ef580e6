"""Tables and prose fit the terminal: no word and no number is ever cut, however narrow it is."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from seqlab.cli.tables import fit, layout, wrap

word = st.text(st.sampled_from("abc0123.,[]한"), min_size=1, max_size=6)
cell = st.lists(word, max_size=5).map(" ".join)


def rendered(columns: list[str], rows: list[list[str]], room: int) -> list[str]:
    console = Console(file=io.StringIO(), width=room)
    console.print(layout(columns, rows, room))
    return console.file.getvalue().splitlines()


@given(st.data(), st.integers(30, 200))
def test_every_word_is_whole_at_every_width(data: st.DataObject, room: int) -> None:
    count = data.draw(st.integers(2, 7))
    columns = data.draw(st.lists(word, min_size=count, max_size=count))
    rows = data.draw(st.lists(st.lists(cell, min_size=count, max_size=count), min_size=1, max_size=4))
    shown = rendered(columns, rows, room)
    found = " ".join(shown).split()
    for one in " ".join(text for row in rows for text in row).split():
        assert found.count(one) >= 1
    assert all(len(line) <= room for line in shown)


def test_a_wide_letter_where_a_line_ends_is_not_cut_for_the_space_behind_it() -> None:
    shown = rendered(["a", "b"], [["", "0 000 00000한 0"], ["0 0 0000 000000 000000", ""]], 30)
    assert "00000한" in " ".join(shown).split()


def test_columns_are_as_wide_as_they_need_to_be_where_there_is_room() -> None:
    assert fit(["run", "held out"], [["a-b", "accuracy 0.5"]], 80) == [3, 12]


def test_names_in_the_first_column_are_never_broken() -> None:
    assert fit(["model", "x"], [["rnn learning_rate=1", "1"]], 22) == [19, 1]
    assert fit(["model", "x"], [["rnn learning_rate=1", "1"]], 21) is None


def test_what_does_not_fit_is_stacked() -> None:
    shown = rendered(["model", "solved", "accuracy"], [["lstm", "5/5 [0.57, 1.00]", "0.1234567890"]], 25)
    assert [line.split() for line in shown] == [
        ["lstm"], ["solved", "5/5", "[0.57,"], ["1.00]"], ["accuracy", "0.1234567890"]
    ]  # fmt: skip
    assert [line.startswith("  ") for line in shown] == [False, True, True, True]
    assert all(len(line) <= 25 for line in shown)


@given(st.lists(cell, max_size=4).map("\n".join), st.integers(12, 60))
def test_prose_keeps_its_words_and_its_width(text: str, room: int) -> None:
    shown = wrap(text, room)
    assert shown.split() == text.split()
    assert all(len(line) <= room for line in shown.splitlines() if " " in line.strip())


def on_terminal(width: int, folder: Path, *words: str) -> str:
    """Return what a command shows on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    settings = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    source = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "seqlab", *words], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder,
        env={**settings, "TERM": "xterm", "PYTHONPATH": source, "SEQLAB_RUNS_DIR": str(folder / "runs")},
    )  # fmt: skip
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(parts).decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("width", [40, 80])
def test_on_a_terminal_lines_end_at_words(width: int, tmp_path: Path) -> None:
    shown = on_terminal(width, tmp_path, "list", "lags")
    assert all(len(line) <= width for line in shown.splitlines())
    summary = "Which of X and Y came first and second, among distractors"
    assert summary in " ".join(shown.split())
    refused = on_terminal(width, tmp_path, "config", "no-such-experiment")
    assert len(refused.splitlines()) > 2
    assert all(len(line) <= width for line in refused.splitlines())
    assert "char-shakespeare" in refused
