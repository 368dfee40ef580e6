"""`seqlab gradients` and `seqlab train cures`: exit codes, numbers, pictures and refusals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command

from seqlab.cli.cells import cells
from seqlab.cli.gradients import gradients
from seqlab.cli.inspect import inspect
from seqlab.cli.train import train
from seqlab.errors import SettingsError, UsageError

QUICK = ["training.steps=12", "training.stop_when={}"]
TINY = ["hidden_size=5", "lags=12", "burn_in=3", "seeds=2", "input_std=[0.1]"]
RADII = (0.5, 0.9, 1.0, 1.1, 1.5)


@pytest.fixture
def trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., None]]:
    """Yield a function that trains hello where `seqlab_command` looks for its runs."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    threads = torch.get_num_threads()

    def of(*words: str, **settings: Any) -> None:
        train("hello", [*words, *QUICK], quiet=True, **settings)
        capsys.readouterr()

    yield of
    torch.set_num_threads(threads)


def test_a_run_is_measured_drawn_and_told(
    trained: Callable[..., None],
    seqlab_command: Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    trained("model.hidden_size=3", model="lstm")
    done = seqlab_command("gradients", "--at", "4", "--json", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [moment["label"] for moment in told["moments"]] == ["start", "step 4", "trained (best weights)"]
    assert (tmp_path / "out" / "gradients.png").read_bytes()[1:4] == b"PNG"
    rows = list(csv.DictReader((tmp_path / "out" / "gradients.csv").open()))
    assert len(rows) == 3 * 3  # hell has three lags
    for moment in told["moments"]:
        (layer,) = moment["layers"]
        mine = [float(row["spectral"]) for row in rows if row["at"] == moment["label"]]
        assert mine == pytest.approx(layer["spectral"]["mean"], rel=1e-5)
        assert layer["within_bounds"]
    gradients(at="4", as_csv=True, quiet=True)
    assert list(csv.DictReader(io.StringIO(capsys.readouterr().out))) == rows
    gradients(quiet=True)
    shown = capsys.readouterr()
    assert "The bounds from the singular values hold at every lag." in shown.out
    assert "Next: seqlab gradients --at 1,6 for points between" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"as_json": True, "as_csv": True}, "Both --json and --csv are given"),
        ({"at": "4,13"}, "--at 13 lies behind the end: this run has 12 steps"),
        ({"at": "x"}, "--at 'x' names no steps"),
    ],
)
def test_wrong_words_are_refused_before_work(
    trained: Callable[..., None], words: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trained()
    with pytest.raises(UsageError, match=said):
        gradients(**words)
    assert "measuring" not in capsys.readouterr().err


def test_a_model_that_counts_has_no_states(trained: Callable[..., None], seqlab_command: Command) -> None:
    trained(task="char-lm[corpus=miniature]", model="ngram")
    refused = seqlab_command("gradients")
    assert refused.returncode == 2
    assert "The model ngram counts, and has no states" in refused.stderr
    assert "Traceback" not in refused.stderr
    for command in (inspect, lambda: cells(None)):
        with pytest.raises(SettingsError, match="The model ngram counts, and has no states"):
            command()


def test_an_unknown_run_is_refused(seqlab_command: Command) -> None:
    unknown = seqlab_command("gradients", "nobody")
    assert unknown.returncode == 2
    assert "'nobody'" in unknown.stderr


def test_cures_are_measured_drawn_and_told(seqlab_command: Command) -> None:
    done = seqlab_command("train", "cures", *TINY, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (row,) = told["rows"]
    gaussian = row["columns"]["Gaussian start"]
    for model, radius in zip(gaussian, RADII, strict=True):
        assert model["name"] == f"rnn[start=gaussian,spectral_radius={radius}]"
        assert model["spectral_radius"] == pytest.approx([radius] * 2)
        assert len(model["spectral"]["mean"]) == 12
    paths = [Path(path) for path in told["figures"]]
    assert paths[0].read_bytes()[1:4] == b"PNG"
    assert json.loads((paths[0].parent / "cures.json").read_text())["rows"] == told["rows"]
    table = list(csv.DictReader((paths[0].parent / "cures.csv").open()))
    assert len(table) == 12 * sum(map(len, row["columns"].values()))
    last = [line for line in table if line["model"] == gaussian[4]["name"]][-1]
    assert (last["at"], last["lag"]) == ("input std 0.1", "12")
    assert float(last["spectral"]) == pytest.approx(gaussian[4]["spectral"]["mean"][-1], rel=1e-5)


def test_cures_refuse_a_model_that_is_no_cell(seqlab_command: Command) -> None:
    refused = seqlab_command("train", "cures", *TINY, "columns={a: [ngram]}", "--quiet")
    assert refused.returncode == 2, refused.stderr
    assert "ngram" in refused.stderr
    assert "Traceback" not in refused.stderr
