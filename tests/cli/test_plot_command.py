"""`seqlab plot`: curves of runs, what they are called, and what cannot be drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command, table

from seqlab.runs import Run


def test_plot_draws_into_the_runs_folder(make: Callable[..., Run], seqlab_command: Command) -> None:
    run = make()
    done = seqlab_command("plot")
    assert done.returncode == 0
    header, row, png, svg = table(done.stdout)
    assert header == ["run", "training loss, 0.3333 to 1 nats", "first", "last"]
    assert row == [run.id, "█▃▁", "1", "0.3333"]
    assert [png[0], svg[0]] == [str(run.figures / "curves.png"), str(run.figures / "curves.svg")]
    assert (run.figures / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (run.figures / "curves.svg").read_bytes().startswith(b"<?xml")


def test_plot_lays_runs_over_each_other(
    make: Callable[..., Run], seqlab_process: Command, seqlab_command: Command, tmp_path: Path
) -> None:
    first, second = make(seed=1), make(seed=2)
    done = seqlab_process(
        "plot", "hello-rnn-s1", "latest", second.id, "--json", env={"PYTHONIOENCODING": "ascii"}
    )
    data = json.loads(done.stdout)
    assert [item["id"] for item in data["runs"]] == [first.id, second.id]
    assert data["runs"][0]["sparkline"].isascii()
    assert sorted(data["figures"]) == [
        str(first.figures / f"curves-overlaid.{kind}") for kind in ("png", "svg")
    ]
    seqlab_command("plot", "hello-rnn-s1", "latest", "--output", tmp_path / "new" / "pictures")
    assert {path.name for path in (tmp_path / "new" / "pictures").iterdir()} == {"curves.png", "curves.svg"}


def test_runs_in_one_picture_are_called_by_what_differs(
    make: Callable[..., Run], seqlab_command: Command, tmp_path: Path
) -> None:
    runs = [make(seed=1), make(seed=2), make(model="lstm", seed=1)]
    ids = [run.id for run in runs]
    told = json.loads(seqlab_command("plot", *ids, "--json").stdout)["runs"]
    assert [item["label"] for item in told] == ["rnn, seed 1", "rnn, seed 2", "lstm, seed 1"]
    assert told[0]["limits"] == told[2]["limits"] == [20 / 60, 1.0]  # one scale for all
    words = ["--label", "small", "--label", "large", "--title", "Two $izes", "--format", "svg,PDF"]
    done = seqlab_command("plot", *ids[:2], *words, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert [row[0] for row in table(done.stdout)[1:3]] == ["small", "large"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"curves.svg", "curves.pdf"}
    svg = (tmp_path / "out" / "curves.svg").read_text()
    assert all(f"<!-- {text} -->" in svg for text in ("small", "large", "Two $izes"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--label", "a", "--label", "b"], "1 run, but 2 of --label"),
        (["--format", "pgn"], "Did you mean 'png'?"),
    ],
)
def test_what_no_picture_can_have_is_refused(
    words: list[str], told: str, make: Callable[..., Run], seqlab_command: Command
) -> None:
    make()
    done = seqlab_command("plot", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_metrics_without_figures_cannot_be_plotted(make: Callable[..., Run], seqlab_command: Command) -> None:
    run = make()
    run.metrics_path.write_text('{"step": "one", "loss": "much"}\n')
    done = seqlab_command("plot")
    assert done.returncode == 2
    assert "no line has a step and a loss" in done.stderr


def test_what_cannot_be_plotted_is_told(
    make: Callable[..., Run], seqlab_command: Command, tmp_path: Path
) -> None:
    run = make()
    (tmp_path / "file").write_text("")
    done = seqlab_command("plot", "--output", tmp_path / "file")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is a file, not a folder" in done.stderr
    run.metrics_path.unlink()
    done = seqlab_command("plot")
    assert (done.returncode, done.stdout) == (2, "")
    assert "has recorded nothing yet" in done.stderr
