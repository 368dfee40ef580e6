"""seqlab from Python: silent, checked as the command line is, and good to look at in a notebook."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import seqlab
from seqlab.errors import UsageError
from seqlab.notebook import Records
from seqlab.registry import load
from seqlab.runs import list_runs
from seqlab.runs.difference import difference
from seqlab.tasks import Task

SHORT = {"training.steps": 40, "training.stop_when": {}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path


def test_importing_seqlab_is_light() -> None:
    code = """
import sys, seqlab
assert {"train", "compare", "load_run"} <= set(dir(seqlab))
print([name for name in sys.modules if name.startswith("seqlab")], {"torch", "yaml"} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['seqlab'] set()\n"
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        seqlab.trian  # noqa: B018


def test_a_run_is_trained_silently_and_can_be_looked_at(capfd: pytest.CaptureFixture[str]) -> None:
    run = seqlab.train("hello", model="lstm", seed=3, **SHORT)
    assert capfd.readouterr() == ("", "")
    assert run.info().command == f"seqlab.train('hello', model='lstm', seed=3, **{SHORT!r})"
    assert run.summary()["steps"] == 40
    assert [line["step"] for line in run.metrics() if "loss" in line] == [1, 20, 40]
    accuracy = run.summary()["held_out"]["accuracy"]
    assert repr(run) == f"<run {run.id}: finished, accuracy {accuracy:.4g} (guessing 0.5)>"
    for html in (run._repr_html_(), run.metrics()._repr_html_(), run.summary()._repr_html_()):
        assert html.startswith("<table>")
    assert run.id in run._repr_html_()
    assert seqlab.load_run("hello-lstm") == run == seqlab.load_run()


def test_a_runs_pictures(tmp_path: Path) -> None:
    picture = seqlab.train("hello", **SHORT).plot()
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert len(picture.figure.axes) == 3  # loss, accuracy, norm of the gradient
    assert [path.name for path in picture.save(tmp_path / "curves")] == ["curves.png", "curves.svg"]


def test_the_trained_model_has_the_best_weights() -> None:
    run = seqlab.train("hello", **SHORT)
    best = safetensors.torch.load_file(run.best_weights)
    model = run.model()
    assert not model.training
    assert all(torch.equal(weight, best[name]) for name, weight in model.state_dict().items())


def test_progress_is_printed_when_it_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    seqlab.train("hello", progress=True, **SHORT)
    out, err = capfd.readouterr()
    assert out == ""
    assert "step 40/40, loss" in err


def test_a_changed_cell_of_ones_own_is_trained_as_it_is_now(tmp_path: Path) -> None:
    text = """
from seqlab.models import Cell, Input
import torch
class Mine(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
    def step(self, x, state):
        return (LEAK * torch.tanh(self.input(x) + state[0]),)
"""
    runs = []
    for leak in ("0.5", "0.125"):
        (tmp_path / "mine.py").write_text(text.replace("LEAK", leak))
        runs.append(seqlab.train("hello", model="mine.py", **{"training.steps": 1}))
    assert runs[0].metrics()[0]["loss"] != runs[1].metrics()[0]["loss"]
    assert list(difference(*runs).environment) == ["plugins.model"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"experiment": "helo"}, "Did you mean 'hello'"),
        ({"experiment": "hello", "model": "lsmt"}, "Did you mean 'lstm'"),
        ({"experiment": "hello", "training.stepps": 3}, "Did you mean 'steps'"),
        ({"experiment": "hello", "training.learning_rate": float("nan")}, "training.learning_rate is nan"),
        ({"experiment": "hello", "training.steps": object}, "training.steps is <class 'object'>"),
        ({"experiment": "rnn-vs-lstm"}, "not an experiment in which one model learns one task"),
        ({"config": "nowhere.yaml"}, "nowhere.yaml"),
        (
            {"experiment": "hello", "model": torch.nn.LSTM(3, 4)},
            "model is an object of LSTM; a run builds its own",
        ),
        ({"experiment": "hello", "model": torch.nn.LSTM}, "model is LSTM, which is no model of seqlab's"),
        ({"experiment": "hello", "task": type("Mine", (Task,), {})}, "no file"),
        ({}, "give config='FILE'"),
        ({"experiment": "hello", "task.name": "parity.py"}, "add: task='parity.py'"),
    ],
)
def test_what_is_wrong_is_explained_before_anything_runs(words: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        seqlab.train(**words)
    assert told in str(refused.value)
    assert list_runs() == []


def test_numbers_of_numpy_are_settings() -> None:
    run = seqlab.train("hello", **{"training.learning_rate": np.float64(0.5), "training.steps": np.int64(0)})
    assert run.settings()["training.learning_rate"] == 0.5


def test_a_comparison(capfd: pytest.CaptureFixture[str]) -> None:
    study = seqlab.compare(["rnn", "lstm"], on="hello", seeds=[4], **SHORT)
    assert capfd.readouterr() == ("", "")
    assert [row["model"] for row in study.table] == ["rnn", "lstm"]
    assert all(
        not isinstance(value, str) for row in study.table for key, value in row.items() if key != "model"
    )
    assert study.table[0]["parameters"] > 0
    assert [(run.info().model, run.info().seed) for run in study.runs] == [("rnn", 4), ("lstm", 4)]
    assert study.verdict in repr(study)
    html = study._repr_html_()
    assert "<table>" in html
    assert '<img alt="comparison" src="data:image/png;base64,iVBOR' in html
    assert json.loads((study.folder / "comparison.json").read_text())["models"]
    again = seqlab.compare(["rnn", "lstm"], on="hello", seeds=[4], **SHORT)
    assert [run.id for run in again.runs] == [run.id for run in study.runs]  # nothing was trained twice


def test_the_record_of_a_comparison_says_all_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlab.api._carry_out", lambda design, jobs, progress: design.command)
    told = seqlab.compare(["gru"], on="char-shakespeare", seeds=1, preset="minute", match_parameters=True)
    assert told == (
        "seqlab.compare(['gru'], on='char-shakespeare', seeds=1, preset='minute', match_parameters=True)"
    )


@pytest.mark.parametrize(
    ("models", "words", "told"),
    [
        ("rnn", {}, "Write a list"),
        ([], {}, "nothing to compare"),
        (["rnn", "lsmt"], {}, "Did you mean 'lstm'"),
        (["rnn"], {"training.stepps": 3}, "Did you mean 'steps'"),
    ],
)
def test_what_cannot_be_compared(models: list[str], words: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        seqlab.compare(models, **words)
    assert told in str(refused.value)
    assert list_runs() == []


def test_a_long_table_shows_its_ends_and_escapes_what_it_holds() -> None:
    html = Records({"step": number, "<i>": "&"} for number in range(100))._repr_html_()
    assert html.count("<tr>") == 22
    assert "<td>9</td>" in html
    assert "<td>10</td>" not in html
    assert "<td>99</td>" in html
    assert "<th>&lt;i&gt;</th>" in html
    assert "<td>&amp;</td>" in html


@pytest.mark.slow
def test_a_notebook(folder: Path) -> None:
    """Every cell runs; a run, its figures and a comparison are tables and pictures; nothing is printed."""
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    cells = [
        'import seqlab\nrun = seqlab.train("temporal-order", model="lstm", **{"training.steps": 20})\nrun',
        "run.metrics()",
        "run.summary()",
        "run.plot()",
        'seqlab.compare(["rnn", "lstm"], seeds=2, **{"training.steps": 20})',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    where = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
    shown = [list(cell["outputs"]) for cell in notebook["cells"]]
    assert [len(outputs) for outputs in shown] == [1] * 5  # the result alone
    kinds = [set(outputs[0]["data"]) - {"text/plain"} for outputs in shown]
    assert kinds == [{"text/html"}, {"text/html"}, {"text/html"}, {"image/png"}, {"text/html"}]


def test_a_class_of_a_file_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "paced.py").write_text(CELL)
    monkeypatch.syspath_prepend(str(tmp_path))
    run = seqlab.train("hello", model=importlib.import_module("paced").Paced, **SHORT)
    assert run.info().model == f"{tmp_path / 'paced.py'}:Paced"
    assert seqlab.train("hello", model=load("model", "gru"), **SHORT).info().model == "gru"


CELL = """
import torch
from seqlab.models import Cell, Input

class Paced(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)

    def step(self, x, state):
        return (torch.tanh(self.input(x) + state[0]),)
"""
