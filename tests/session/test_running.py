"""What a run leaves in its folder, whichever way it ends."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from seqlab.errors import (
    NonFiniteLossError,
    PluginError,
    RunFailedError,
    RunFolderError,
    UnknownNameError,
    UsageError,
)
from seqlab.plugins import admit
from seqlab.registry import resolve
from seqlab.session import begin, go_on, load_language_model, reopen, train
from seqlab.settings import TrainExperiment, check, read_text
from seqlab.training.loop import Validation

needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
HELLO = """
experiment: tiny
task: {name: hello}
model: {name: rnn, hidden_size: 8}
training: {steps: 300, batch_size: 1, learning_rate: 1e-2, evaluate_every: 20, stop_when: {accuracy: 1.0}}
"""


def settings(text: str, **training: object) -> TrainExperiment:
    document = read_text(text, source="test.yaml")
    for key, value in training.items():
        document = document.override(f"training.{key}", value)
    experiment = check(document)
    assert isinstance(experiment, TrainExperiment)
    return resolve(experiment, document)


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))


def test_a_finished_run_holds_all_that_is_promised() -> None:
    run, session = begin(settings(HELLO), command="seqlab train hello")
    train(run, session)
    summary = json.loads((run.path / "summary.json").read_text())
    assert summary["solved"] is True
    assert summary["sequences_to_solve"] == summary["steps"] == summary["sequences_seen"]
    assert summary["held_out"]["accuracy"] == 1.0
    assert summary["held_out"]["errors"] == 0
    assert summary["parameters"] == 8 * 4 + 8 * 8 + 8 + 4 * 8 + 4
    assert summary["wall_seconds"] > 0
    info = run.info()
    assert (info.status, info.experiment, info.model, info.seed) == ("finished", "tiny", "rnn", 1)
    assert info.command == "seqlab train hello"
    assert info.extra["device"] == "cpu"
    assert (run.samples / f"step-{summary['steps']:07d}.txt").read_text() == "hello\n"
    validations = [line for line in run.metrics() if "validation_loss" in line]
    assert validations[-1]["validation_accuracy"] == 1.0


def test_the_language_model_of_a_run_is_had_back_without_its_corpus() -> None:
    run, session = begin(settings(HELLO), command="test")
    train(run, session)
    for checkpoint in ("best", "last"):
        model, vocabulary = load_language_model(run, checkpoint=checkpoint)
        assert vocabulary.symbols == ("e", "h", "l", "o")
        outputs, _ = model(torch.as_tensor(vocabulary.encode("hell"))[None].long())
        assert vocabulary.decode(outputs[0].argmax(-1).numpy()) == "ello"


def test_no_steps_make_a_run_too() -> None:
    run, session = begin(settings(HELLO, steps=0), command="test")
    assert train(run, session)["steps"] == 0
    assert run.info().status == "finished"


def test_a_loss_that_explodes_keeps_the_last_good_checkpoint() -> None:
    text = """
experiment: exploding
task: {name: temporal-order}
model: {name: rnn, nonlinearity: relu, hidden_size: 16}
training: {steps: 50, optimizer: sgd, learning_rate: 100, clip_norm: null, checkpoint_every: 1}
"""
    run, session = begin(settings(text), command="test")
    with pytest.raises(NonFiniteLossError):
        train(run, session)
    assert run.info().status == "failed"
    assert "gradient norm" in (run.path / "error.txt").read_text()
    saved = torch.load(run.last_checkpoint, weights_only=True)
    assert saved["counters"]["step"] >= 1
    assert all(torch.isfinite(tensor).all() for tensor in saved["model"].values())


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", b"PK\x03\x04" + b"\0" * 100])
def test_a_damaged_checkpoint_is_named(damage: bytes) -> None:
    run, session = begin(settings(HELLO), command="test")
    train(run, session)
    run.last_checkpoint.write_bytes(damage)
    with pytest.raises(RunFolderError, match=r"last\.pt cannot be read"):
        train(run, reopen(run))
    run.best_weights.write_bytes(damage)
    with pytest.raises(RunFolderError, match=r"best\.safetensors"):
        load_language_model(run)


def test_a_checkpoint_that_holds_code_is_refused(tmp_path: Path) -> None:
    """A pickle that would run a command when it is loaded."""
    run, _session = begin(settings(HELLO), command="test")
    witness = tmp_path / "it-ran"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (witness,)

    run.last_checkpoint.parent.mkdir(exist_ok=True)
    torch.save(Evil(), run.last_checkpoint)
    with pytest.raises(RunFolderError, match="cannot be read"):
        train(run, reopen(run))
    assert not witness.exists()


def test_weights_of_another_size_do_not_fit() -> None:
    run, session = begin(settings(HELLO), command="test")
    train(run, session)
    run.config_path.write_text(run.config_text().replace("hidden_size: 8", "hidden_size: 9"))
    with pytest.raises(RunFolderError, match=r"config.yaml is damaged, or was edited"):
        reopen(run)
    run.update_info(files={})  # as who has edited it does
    with pytest.raises(RunFolderError, match=r"does not fit|of another model"):
        train(run, reopen(run))


def test_a_model_that_answers_in_the_wrong_shape_is_refused_before_a_run_begins(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(
        "import torch\n"
        "from seqlab.models import SequenceModel\n"
        "class Wrong(SequenceModel):\n"
        "    '''Answers once where it should at every step.'''\n"
        "    def __init__(self, spec):\n"
        "        super().__init__(spec)\n"
        "        self.weight = torch.nn.Parameter(torch.zeros(spec.output_size))\n"
        "    def forward(self, inputs, state=None):\n"
        "        return self.weight.expand(len(inputs), -1), ()\n"
        "    def initialise(self, generator):\n"
        "        pass\n"
    )
    admit(str(file))
    text = HELLO.replace("{name: rnn, hidden_size: 8}", f"{{name: {file}}}")
    with pytest.raises(PluginError, match=r"must return outputs \(1, 4, 4\).*returned \(\(1, 4\)"):
        begin(settings(text), command="test")
    assert not (tmp_path / "runs").exists()


def test_an_unknown_metric_to_stop_at_is_refused_before_a_run_begins(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        begin(settings(HELLO, stop_when={"acuracy": 1.0}), command="test")
    assert not (tmp_path / "runs").exists()


TEXT = """
experiment: tiny
task: {name: char-lm, corpus: miniature, period: 8}
model: {name: MODEL}
training: {steps: 4, batch_size: 2, evaluate_every: 3, checkpoint_every: 100, engine: ENGINE}
mixture: {order: 2, share: 0.3}
"""


@pytest.mark.parametrize(
    ("model", "hint"), [("gru, hidden_size: 3", "mixture=null"), ("ngram", "a part of the text")]
)
def test_what_cannot_be_counted_is_refused_before_a_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, hint: str
) -> None:
    monkeypatch.setattr("seqlab.text.ngram.MAX_SYMBOLS", 50_000)
    text = TEXT.replace("MODEL", model).replace("ENGINE", "auto")
    if model == "ngram":
        text = text.replace("mixture: {order: 2, share: 0.3}", "")
    with pytest.raises(UsageError, match="counts at most 50,000 symbols; there are 58,343") as caught:
        begin(settings(text), command="test")
    assert hint in str(caught.value.hint)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("engine", ["torch", pytest.param("fused", marks=needs_numba)])
def test_a_checkpoint_is_there_before_a_model_is_judged_for_the_first_time(
    monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    text = TEXT.replace("MODEL", "gru, hidden_size: 3").replace("ENGINE", engine)
    whole, session = begin(settings(text), command="test")
    train(whole, session)

    def too_much(*_: object) -> Validation:
        raise MemoryError("too much")

    run, session = begin(settings(text), command="test")
    monkeypatch.setattr("seqlab.session.running.PAUSE", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr("seqlab.training.loop.validate", too_much)
        patch.setattr("seqlab.fused.member.validate", too_much)
        with pytest.raises(RunFailedError, match="too much"):
            train(run, session)
    assert run.last_checkpoint.is_file()
    train(run, go_on(run))
    assert (run.path / "metrics.jsonl").read_bytes() == (whole.path / "metrics.jsonl").read_bytes()
