"""A network mixed with counts: its probabilities, its state, and a run that is judged and sampled with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab.contracts import Spec, numpy_stream
from seqlab.errors import Interrupted, RunFailedError, RunFolderError, SettingsError
from seqlab.generation import Sampling, generate, generate_many
from seqlab.generation import readers as reference
from seqlab.models import Mixture, Recurrent, SequenceModel, build_model
from seqlab.models.counting.ngram import NGram
from seqlab.registry import resolve
from seqlab.runs import Run
from seqlab.session import begin, load_language_model, open_session, reopen, train
from seqlab.settings import Component, TrainExperiment, check, read_text
from seqlab.text import ngram

SYMBOLS = 6
SPEC = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
SETTINGS = """
experiment: mixed
task: {name: char-lm, corpus: miniature, period: 16}
model: {name: gru, hidden_size: 8}
mixture: {order: 4, share: 0.3}
training: {steps: 12, batch_size: 4, learning_rate: 1e-2, evaluate_every: 6, checkpoint_every: 6}
compute: {device: cpu}
"""


def text(length: int, seed: int = 1) -> np.ndarray:
    """Return a text with structure: what follows depends on what stood before."""
    return np.abs(numpy_stream(seed, "text").integers(-1, 2, size=length).cumsum()) % SYMBOLS


def build(share: float, cell: str = "lstm") -> Mixture:
    network = build_model(Component(name=cell, hidden_size=7), SPEC, 1)
    with torch.no_grad():
        network.readout.weight.mul_(8)  # so that its scores are far from uniform
    counted = NGram(SPEC, order=3)
    counted.count(text(400))
    return Mixture(network, counted, share)


def settings(words: str = SETTINGS) -> TrainExperiment:
    document = read_text(words, source="test.yaml")
    experiment = check(document)
    assert isinstance(experiment, TrainExperiment)
    return resolve(experiment, document)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a finished run of a mixed model."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    made, session = begin(settings(), command="test")
    train(made, session)
    return made


@pytest.mark.parametrize("share", [0.01, 0.35, 0.99])
@torch.no_grad()
def test_probabilities_are_those_of_both_weighted(share: float) -> None:
    model, read = build(share).double(), text(60, seed=2)
    outputs, _ = model(torch.from_numpy(read)[None])
    own = model.network(torch.from_numpy(read)[None])[0].softmax(-1)
    oracle = ngram.fit(text(400), SYMBOLS, 3)
    for place in range(len(read)):
        texts = [np.append(read[: place + 1], symbol) for symbol in range(SYMBOLS)]
        counted = np.exp([oracle.log_probabilities(one)[-1] for one in texts])
        expected = (1 - share) * own[0, place].numpy() + share * counted
        np.testing.assert_allclose(outputs[0, place].exp().numpy(), expected, rtol=1e-6)
        assert outputs[0, place].exp().sum().item() == pytest.approx(1, abs=1e-6)


@torch.no_grad()
def test_in_chunks_it_says_what_it_says_of_the_whole() -> None:
    model, read = build(0.4), torch.from_numpy(np.stack([text(30), text(30, seed=3)]))
    whole, end = model(read)
    state, parts = None, []
    for chunk in read.split([1, 2, 13, 14], 1):
        outputs, state = model(chunk, state)
        parts.append(outputs)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    for one, other in zip(sum(state, ()), sum(end, ()), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_fast_sampler_writes_what_the_models_forward_pass_would(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, prime, sampling = build(0.3, cell), np.array([1, 2, 1]), Sampling(length=300, temperature=1.0)
    fast = list(generate(model, prime, sampling, index=1))
    beside_others = generate_many(model, prime, sampling, 3)[1].tolist()
    for rows in (None, 3):
        assert type(reference.open_reader(model, prime, rows)[0]).__name__ == "FastMixture"
    monkeypatch.setattr(reference, "reader_of", reference.TorchReader)
    slow = list(generate(model, prime, sampling, index=1))
    assert fast == slow == beside_others


def test_a_run_is_judged_with_and_without_the_counts(run: Run) -> None:
    summary = run.summary()
    assert summary is not None
    session = reopen(run)
    own, vocabulary = load_language_model(run, alone=True)
    mixed, _ = load_language_model(run)
    assert not isinstance(own, Mixture)
    assert isinstance(mixed, Mixture)
    held_out = session.task.text("validation").astype(np.int64)
    oracle = ngram.fit(session.task.text("train"), len(vocabulary), 4)
    with torch.no_grad():
        network = own(torch.from_numpy(held_out[:-1])[None])[0][0].double().softmax(-1).numpy()
    counted = np.exp(oracle.log_probabilities(held_out))
    expected = {"trials": 0.0, "mixture": 0.0}
    for place, symbol in enumerate(held_out[1:]):
        p, q = network[place, symbol], counted[place + 1]
        expected["trials"] -= np.log(p) / (len(held_out) - 1)
        expected["mixture"] -= np.log(0.7 * p + 0.3 * q) / (len(held_out) - 1)
    for which, nats in expected.items():
        assert summary[which]["stream"]["loss"] == pytest.approx(nats, rel=1e-5)
    assert summary["mixture"]["block-64"]["loss"] < summary["trials"]["block-64"]["loss"] - 0.1
    assert summary["held_out"] == summary["trials"]["stream"]


def test_counts_do_not_change_what_the_network_learns(run: Run) -> None:
    plain, session = begin(settings(SETTINGS.replace("mixture: {order: 4, share: 0.3}", "")), command="test")
    train(plain, session)
    assert plain.best_weights.read_bytes() == run.best_weights.read_bytes()
    assert "mixture" not in (plain.summary() or {})


def test_where_the_counts_cannot_be_kept_the_network_s_figures_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    made, session = begin(settings(), command="test")
    with monkeypatch.context() as patch:
        patch.setattr("seqlab.session.recording.save_counts", full)
        with pytest.raises(RunFailedError, match="No space left"):
            train(made, session)
    assert made.info().status == "failed"
    judged = made.summary()
    assert judged is not None
    assert judged["trials"]["stream"]["loss"] > 0
    assert isinstance(load_language_model(made)[0], Recurrent)  # the network alone
    train(made, reopen(made))
    summary = made.summary()
    assert summary is not None
    assert summary["trials"] == judged["trials"]
    assert summary["mixture"]["stream"]["loss"] < judged["trials"]["stream"]["loss"]


def test_before_its_end_a_run_is_the_network_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    made, session = begin(settings(), command="test")

    def stop(step: object) -> None:
        if getattr(step, "step", 0) == 6:
            raise KeyboardInterrupt

    with pytest.raises((Interrupted, KeyboardInterrupt)):
        train(made, session, watch=stop)
    assert not isinstance(load_language_model(made)[0], Mixture)
    train(made, reopen(made))
    assert isinstance(load_language_model(made)[0], Mixture)
    assert (made.summary() or {})["mixture"]["stream"]["loss"] > 0


def test_lost_counts_are_said_and_the_network_alone_goes_on(run: Run) -> None:
    run.ngram_weights.write_bytes(run.ngram_weights.read_bytes()[:100])
    with pytest.raises(RunFolderError, match=r"ngram\.safetensors is damaged[^\n]*\n.*--alone"):
        load_language_model(run)
    run.ngram_weights.unlink()
    with pytest.raises(RunFolderError, match=r"is missing: .*\n.*--alone"):
        load_language_model(run)
    assert isinstance(load_language_model(run, alone=True)[0], SequenceModel)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("task: {name: char-lm, corpus: miniature, period: 16}", "task: {name: echo}"),
            "echo has no text that could be counted",
        ),
        (
            ("task: {name: char-lm, corpus: miniature, period: 16}", "task: {name: hello}"),
            "hello has no text that could be counted",
        ),
        (("model: {name: gru, hidden_size: 8}", "model: {name: ngram}"), "ngram counts by itself"),
    ],
)
def test_where_nothing_can_be_mixed_it_is_refused(change: tuple[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        open_session(settings(SETTINGS.replace(*change)))
