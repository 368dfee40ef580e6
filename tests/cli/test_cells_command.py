"""`seqlab cells`: what it says, writes and refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import Command

from seqlab.cli.cells import cells
from seqlab.cli.train import train
from seqlab.errors import TextError

TASK = "char-lm[corpus=miniature,period=16]"
QUICK = ["training.steps=2", "training.batch_size=4", "model.hidden_size=6"]


@pytest.fixture
def trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[pytest.CaptureFixture[str]]:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    threads = torch.get_num_threads()
    train("char-shakespeare", QUICK, task=TASK, model="lstm", quiet=True)
    capsys.readouterr()
    yield capsys
    torch.set_num_threads(threads)


def test_the_held_out_text_is_scored(trained: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    cells(characters=2_000, output=out, as_json=True)
    told = json.loads(trained.readouterr().out)
    assert told["units"] == 12
    assert told["characters"] == 2_000
    by_name = {one["feature"]: one for one in told["findings"]}
    assert by_name["position in line"]["measure"] == "rank correlation"
    assert by_name["inside a word"]["measure"] == "AUC"
    assert "inside a comment" in told["absent"]
    rows = list(csv.reader((out / "cells.csv").read_text().splitlines()))
    assert len(rows) == 1 + 12
    best = by_name["inside a word"]
    column = rows[0].index("inside a word (AUC)")
    areas = [float(row[column]) for row in rows[1:]]
    assert max(max(area, 1 - area) for area in areas) == pytest.approx(best["score"], abs=1e-5)
    assert all(Path(path).is_file() for path in told["figures"])


def test_a_text_of_ones_own_is_scored(trained: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("so it is\n" * 300)
    cells(text=own)
    said = trained.readouterr().out
    assert "inside a word\t" in said
    assert "the best of 12 units, on 2,700 characters" in said
    assert "not (or hardly) in this text: inside quotes" in said
    own.write_text("short\n")
    with pytest.raises(TextError, match="at least 2,000"):
        cells(text=own)


def test_a_run_that_has_learned_no_text_is_refused(seqlab_command: Command) -> None:
    seqlab_command("train", "hello", "-q")
    done = seqlab_command("cells", "hello")
    assert (done.returncode, done.stdout) == (2, "")
    assert "has not learned a text" in done.stderr
    assert "char-shakespeare" in done.stderr
