"""The live table of `seqlab compare`, from what runs say."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from seqlab.cli.live import Board, line
from seqlab.comparison.entries import Entry
from seqlab.comparison.workers import Update
from seqlab.configure import load_settings
from seqlab.settings import TrainExperiment


def entries() -> list[Entry]:
    experiment, _ = load_settings("temporal-order", overrides=["training.steps=200"])
    assert isinstance(experiment, TrainExperiment)
    return [
        Entry(label, experiment.model_copy(update={"seed": seed}), "hard")
        for label in ("a", "b")
        for seed in (1, 2, 3)
    ]


def shown(board: Board, width: int = 120) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(board.table(width))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_the_table_counts_seeds_and_shows_those_that_run() -> None:
    all_entries = entries()
    board = Board(all_entries)

    def say(place: int, kind: Any, **facts: Any) -> None:
        board.note(all_entries[place], Update(place, kind, facts))

    say(0, "reused", solved=True)
    say(1, "began", run="x")
    say(1, "step", step=50, loss=0.51234)
    say(2, "began", run="y")
    say(3, "began", run="z")
    say(3, "failed", message="no")
    say(4, "finished", solved=False, steps=200)
    a, b = (next(text for text in shown(board) if f"hard: {name}" in text) for name in "ab")
    assert "1/3" in a
    assert "seed 2 25% loss 0.512, seed 3 0%" in a
    assert a.split()[-2:] == ["1", "0"]  # solved, failed
    assert "2/3" in b
    assert "seed" not in b
    assert b.split()[-2:] == ["0", "1"]
    assert any("3 of 6 runs" in text for text in shown(board))


def test_a_narrow_table_keeps_names_and_counts_whole() -> None:
    all_entries = entries()
    board = Board(all_entries)
    board.note(all_entries[0], Update(0, "finished", {"solved": True}))
    board.note(all_entries[1], Update(1, "step", {"step": 50, "loss": 0.5}))
    narrow = shown(board, 40)
    assert any(text.split() == ["model", "seeds", "solved", "failed"] for text in narrow)
    assert any(text.split() == ["hard:", "a", "1/3", "1", "0"] for text in narrow)


def test_ends_are_worded() -> None:
    entry = entries()[0]

    def worded(kind: Any, **facts: Any) -> str:
        return line(entry, Update(0, kind, facts))

    assert worded("finished", solved=True, sequences_to_solve=6400, steps=200) == (
        "hard: a, seed 1: solved after 6,400 sequences"
    )
    assert worded("finished", solved=False, steps=200).endswith("200 steps, not solved")
    assert worded("finished", solved=None, steps=1).endswith("1 step")
    assert worded("failed", message="no") == "hard: a, seed 1: failed: no"
