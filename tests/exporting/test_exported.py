"""Exported networks: without seqlab they compute what they compute with it."""

from __future__ import annotations

import importlib.util
import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from conftest import Command

from seqlab.contracts import Spec
from seqlab.errors import SettingsError, UsageError
from seqlab.exporting import export_network
from seqlab.models import SequenceModel, build_model
from seqlab.registry import names
from seqlab.runs import Run
from seqlab.session import load_network
from seqlab.settings import Component

TEXT = Spec("tokens", 7, "classes", 7, causal=True)
FEATURES = Spec("features", 3, "values", 2, causal=True)
CANNOT = {"slstm", "guess", "ngram", "skip-gram"}
"""Read step by step and are not exported: what torch cannot trace, what counts, and what is no network of steps."""

WITH_CONTEXT = {
    "captioner", "draw", "encoder-decoder", "glimpse-network", "lrcn", "memory-network", "relation-network",
}  # fmt: skip


def built(name: str, spec: Spec = TEXT, **options: object) -> SequenceModel:
    return build_model(Component(name=name, **{"hidden_size": 8, **options}), spec, 1).eval()


def exported(model: SequenceModel, folder: Path, form: str = "pytorch") -> ModuleType:
    export_network(model, form, folder, title="a network", vocabulary=None, facts={"outputs": "classes"})
    found = importlib.util.spec_from_file_location("exported", folder / "model.py")
    module = importlib.util.module_from_spec(found)  # type: ignore[arg-type]
    found.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def read_in_pieces(model: SequenceModel, inputs: torch.Tensor) -> torch.Tensor:
    first, state = model(inputs[:, :4])
    return torch.cat([first, model(inputs[:, 4:], state)[0]], 1)


QUICK = [
    ("lstm", TEXT, {"layers": 2}),
    pytest.param("gru", FEATURES, {"reset": "before"}, marks=pytest.mark.slow),
    ("transformer", TEXT, {"window": 4, "heads": 2, "layers": 1}),
]
OTHERS = sorted(set(names("model")) - CANNOT - {"lstm", "gru", "transformer"})


@torch.no_grad()
def same(model: SequenceModel, folder: Path) -> None:
    stream, spec = torch.Generator().manual_seed(3), model.spec
    shape = (5, 9) if spec.inputs == "tokens" else (5, 9, spec.input_size)
    inputs = (
        torch.randint(spec.input_size, shape, generator=stream)
        if spec.inputs == "tokens"
        else torch.randn(shape, generator=stream)
    )
    network = exported(model, folder).load()
    torch.testing.assert_close(read_in_pieces(network, inputs), model(inputs)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "spec", "options"), QUICK)
def test_what_is_exported_computes_the_same(
    name: str, spec: Spec, options: dict[str, object], tmp_path: Path
) -> None:
    same(built(name, spec, **options), tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_model_that_reads_step_by_step_is_exported(name: str, tmp_path: Path) -> None:
    if name in WITH_CONTEXT:
        with pytest.raises(SettingsError, match=r"before the first step|reads features"):
            built(name)
    else:
        same(built(name), tmp_path / "out")


def test_what_reads_a_context_or_from_the_end_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    both = Spec("tokens", 7, "classes", 7, causal=False)
    with pytest.raises(SettingsError, match="it reads from the end, too"):
        exported(built("lstm", both, bidirectional=True), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        exported(built("lstm"), tmp_path / "full")
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["lstm", pytest.param("ntm", marks=pytest.mark.slow)])
def test_the_graph_of_onnx_computes_the_same(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = built(name, FEATURES)
    network = exported(model, tmp_path / "out", "onnx").load()
    inputs = torch.randn(9, 3, generator=torch.Generator().manual_seed(3))
    first, state = network.read(inputs[:4].tolist())
    found = first + network.read(inputs[4:].tolist(), state)[0]
    with torch.no_grad():
        torch.testing.assert_close(torch.tensor(found), model(inputs[None])[0][0], rtol=1e-5, atol=1e-6)


WITHOUT = "import sys, runpy; sys.modules['seqlab'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


def without_seqlab(folder: Path, *words: str, text: str = "") -> str:
    """Run a script of a folder by a Python that cannot import seqlab."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {WITHOUT}", *words],
        cwd=folder, input=text, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("tokens", [pytest.param("char", marks=pytest.mark.slow), "word"])
def test_the_script_writes_what_the_run_writes(
    seqlab_command: Command, tmp_path: Path, tokens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.txt").write_text("the cat's hat, the rat. naïve cafe\u0301!\n" * 60)
    sizes = ("model.hidden_size=8", "training.steps=20", "training.batch_size=4", "task.period=8")
    words = ("train", "-q", "--text", "text.txt", f"task.tokens={tokens}", *sizes)
    assert seqlab_command(*words).returncode == 0
    done = seqlab_command("export", "latest", "--to", "pytorch", "--output", "out")
    assert done.returncode == 0, done.stderr
    asked = ("--prime", "the cafe\u0301", "--length", "30", "--temperature", "0")
    wanted = seqlab_command("sample", "latest", *asked).stdout
    assert without_seqlab(tmp_path / "out", "sample.py", *asked).strip() == wanted.strip()
    write = script(tmp_path / "out", "sample.py", monkeypatch)["main"]
    for words in (("--prime", ""), ("--temperature", "-1"), ("--temperature", "nan")):
        monkeypatch.setattr(sys, "argv", ["sample.py", *words])
        with pytest.raises(SystemExit) as leaving:
            write()
        assert leaving.value.code == 2


def script(folder: Path, name: str, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what a script of a folder has by name."""
    with patch.context() as here:
        here.syspath_prepend(folder)
        found = runpy.run_path(str(folder / name))
        for beside in ("model", "words"):
            sys.modules.pop(beside)
    return found


@pytest.mark.slow
def test_the_script_answers_by_name(
    seqlab_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = ("model.hidden_size=4", "training.steps=2", "training.test_sequences=8", "--model", "gru")
    assert (
        seqlab_command("train", "temporal-order", "-q", *sizes, "training.evaluation_sequences=8").returncode
        == 0
    )
    done = seqlab_command("export", "latest", "--to", "pytorch", "--output", "out", "--json")
    told = json.loads(done.stdout)
    assert told["files"] == ["model.py", "predict.py", "weights.safetensors", "words.json", "words.py"]
    names = json.loads((tmp_path / "out" / "words.json").read_text())
    sequence = json.dumps(names["inputs"][:3])
    answer = json.loads(without_seqlab(tmp_path / "out", "predict.py", "--last", text=sequence))
    (path,) = (tmp_path / "runs").glob("temporal-order-*")
    with torch.no_grad():
        scores = load_network(Run(path))(torch.tensor([[0, 1, 2]]))[0][0, -1]
    assert list(answer["probabilities"].values()) == pytest.approx(scores.softmax(0).tolist(), abs=1e-6)
    assert answer["answer"] == names["answers"][int(scores.argmax())]
    read = script(tmp_path / "out", "predict.py", monkeypatch)["read"]
    assert read(["X", 0]) == [names["inputs"].index("X"), 0]
    for wrong, said in (
        ([], "no sequence"), (None, "no sequence"), ([8], "numbers from 0 to 7"), ([-1], "step 0 is -1"),
        ([0, 1.5], "step 1 is 1.5"), ([[0.5]], "the network reads symbols"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            read(wrong)
    with pytest.raises(SystemExit, match="reads no texts"):
        read("Xa")


def test_what_is_read_as_scaled_is_said_to_be(
    seqlab_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{n % 7},{n % 5}\n" for n in range(60)))
    sizes = ("model.hidden_size=3", "task.window=4", "training.steps=1", "task.differences=true")
    assert seqlab_command("train", "--data", "t.csv", "-q", *sizes).returncode == 0
    done = seqlab_command("export", "latest", "--to", "pytorch", "--output", "out")
    assert "scaled by what is not in the folder" in " ".join(done.stderr.split())
    with pytest.raises(ValueError, match=r"step 1 is \[1\], but the network reads lists of 2 numbers"):
        script(tmp_path / "out", "predict.py", monkeypatch)["read"]([[0.5, 1], [1]])
    refused = seqlab_command("export", "latest", "--to", "pytorch", "--output", "t.csv/out")
    assert refused.returncode == 2
    assert "'t.csv/out' cannot be written" in refused.stderr


@pytest.mark.slow
def test_the_script_labels_texts_as_the_run_does(seqlab_command: Command, tmp_path: Path) -> None:
    rows = [
        f"{word} {number},{kind}"
        for number in range(30)
        for word, kind in (("red rose", "a"), ("blue sea", "b"))
    ]
    (tmp_path / "table.csv").write_text("\n".join(["body,kind", *rows]))
    words = ("train", "--data", "table.csv", "--text", "body", "--label", "kind", "-q", "training.steps=8")
    assert seqlab_command(*words, "model.hidden_size=6", "training.evaluate_every=8").returncode == 0
    (tmp_path / "asked.txt").write_text("a rose\nthe blue 7\n")
    wanted = seqlab_command("predict", "latest", "asked.txt", "--json")
    assert seqlab_command("export", "latest", "--to", "pytorch", "--output", "out").returncode == 0
    found = without_seqlab(tmp_path / "out", "predict.py", "--last", text='"a rose"\n"the blue 7"\n')
    for told, answer in zip(
        json.loads(wanted.stdout)["answers"], map(json.loads, found.splitlines()), strict=True
    ):
        assert answer["answer"] == told["label"]


def test_the_script_forecasts_in_the_units_of_the_table(seqlab_command: Command, tmp_path: Path) -> None:
    values = [100 + 50 * ((7 * k) % 5) + k % 3 for k in range(200)]
    (tmp_path / "table.csv").write_text("\n".join(["sold", *map(str, values)]))
    words = ("train", "--data", "table.csv", "-q", "training.steps=4", "model.hidden_size=4", "task.window=8")
    done = seqlab_command(*words, "task.horizon=2", "task.season=5")
    assert done.returncode == 0, done.stderr
    told = json.loads(seqlab_command("forecast", "latest", "--json").stdout)
    done = seqlab_command("export", "latest", "--to", "pytorch", "--output", "out")
    assert "scaled" not in done.stderr
    sequence = json.dumps([[value] for value in values[-8:]])
    found = json.loads(without_seqlab(tmp_path / "out", "predict.py", "--last", text=sequence))
    (sold,) = told["forecasts"]
    wanted = zip(sold["lower"], sold["values"], sold["upper"], strict=True)
    for place, step in enumerate(
        wanted
    ):  # of an untrained network quantiles may cross: a forecast puts them in order
        assert sorted(found[3 * place : 3 * place + 3]) == pytest.approx(step, rel=1e-5)
