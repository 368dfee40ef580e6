"""The n-gram model: the probabilities of seqlab.text.ngram, in chunks, padded, saved, and in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab.contracts import PAD, Spec, numpy_stream
from seqlab.errors import RunFolderError, SettingsError
from seqlab.models import SequenceModel, build_model, count_parameters
from seqlab.registry import resolve
from seqlab.session import begin, load_language_model, open_session, train
from seqlab.session.budget import measure
from seqlab.settings import Component, TrainExperiment, check, read_text
from seqlab.tasks import build_task
from seqlab.text import ngram
from seqlab.training import evaluate
from seqlab.training.checkpoints import load_weights, save_weights

SYMBOLS = 6
SPEC = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)


def text(length: int, seed: int = 1) -> np.ndarray:
    """Return a text with structure: some symbols are rare, and what follows depends on what stood before."""
    walk = numpy_stream(seed, "text").integers(-1, 2, size=length).cumsum()
    return np.abs(walk) % SYMBOLS


def build(order: int, counted: int = 500) -> SequenceModel:
    model = build_model(Component(name="ngram", order=order), SPEC, 1)
    if counted:
        model.count(text(counted))
    return model


@pytest.mark.parametrize("order", range(1, 9))
def test_the_outputs_are_the_log_probabilities_of_the_oracle(order: int) -> None:
    model = build(order).double()
    oracle = ngram.fit(text(500), SYMBOLS, order)
    read = np.concatenate([text(40, seed=2), [5, 0, 5, 0, 3, 0, 3]])  # some of it was never seen
    outputs, _ = model(torch.from_numpy(read)[None])
    for place in range(len(read)):
        texts = [np.append(read[: place + 1], symbol) for symbol in range(SYMBOLS)]
        expected = [oracle.log_probabilities(one)[-1] for one in texts]
        np.testing.assert_allclose(outputs[0, place].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_padding_and_chunks_change_nothing(order: int) -> None:
    model = build(order)
    rows = torch.from_numpy(np.stack([text(20, seed) for seed in (2, 3, 4)]))
    whole, end = model(rows)
    head, state = model(rows[:, :3])
    padded = torch.cat([torch.full((3, 4), PAD), rows[:, 3:]], 1)
    outputs, padded_end = model(padded, state)
    torch.testing.assert_close(torch.cat([head, outputs[:, 4:]], 1), whole)
    assert torch.equal(padded_end[0][0], end[0][0])
    torch.testing.assert_close(outputs[:, :4], head[:, -1:].expand(-1, 4, -1))  # the state is held
    assert end[0][0].shape == (3, order - 1)


def test_before_it_counts_all_symbols_are_alike() -> None:
    outputs, _ = build(4, counted=0)(torch.zeros(2, 3, dtype=torch.int64))
    torch.testing.assert_close(outputs.exp(), torch.full((2, 3, SYMBOLS), 1 / SYMBOLS))
    assert count_parameters(build(4, counted=0)) == 0


def test_its_parameters_are_its_grams_and_counting_again_begins_anew() -> None:
    model = build(3)
    for length in (500, 80):
        model.count(text(length))
        letters = "".join(map(str, text(length)))
        grams = {letters[start : start + k] for k in (1, 2, 3) for start in range(len(letters) - k + 1)}
        assert count_parameters(model) == len(grams)


def test_weights_go_into_a_fresh_model(tmp_path: Path) -> None:
    model, path = build(4), tmp_path / "best.safetensors"
    save_weights(path, model.state_dict())
    read = torch.from_numpy(text(30, seed=2))[None]
    for fresh in (build(4, counted=0), build(4, counted=90)):
        load_weights(path, fresh)
        torch.testing.assert_close(fresh(read)[0], model(read)[0], rtol=0, atol=0)
    with pytest.raises(RunFolderError, match="of another model"):
        load_weights(path, build(5, counted=0))


@pytest.mark.parametrize("name", ["kept_2", "keys_3", "weight_4"])
def test_arrays_that_do_not_belong_together_are_refused(name: str) -> None:
    state = build(4).state_dict()
    state[name] = state[name][:-1].clone()
    with pytest.raises(RuntimeError, match="size mismatch"):
        build(4, counted=0).load_state_dict(state)
    del state[name]
    with pytest.raises(RuntimeError, match=name):
        build(4, counted=0).load_state_dict(state)


def settings(extra: str = "", model: str = "{name: ngram, order: 5}") -> TrainExperiment:
    document = read_text(
        f"experiment: test\ntask: {{name: char-lm, corpus: miniature, period: 16}}\nmodel: {model}\n"
        f"training: {{steps: 40, batch_size: 4, averaging: 0.9, clip_norm: 1.0{extra}}}\n"
        "compute: {device: cpu}\n",
        source="test.yaml",
    )
    experiment = check(document)
    assert isinstance(experiment, TrainExperiment)
    return resolve(experiment, document)


def test_a_run_counts_the_text_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    run, session = begin(settings(), command="test")
    summary = train(run, session)
    task = session.task
    oracle = ngram.fit(task.text("train"), len(task.vocabulary), 5)
    held_out = task.text("test")
    for trial, block in (("stream", None), ("block-256", 256), ("block-64", 64)):
        expected = -oracle.log_probabilities(held_out, block=block)[1:].mean()
        assert summary["trials"][trial]["nats_per_character"] == pytest.approx(expected, abs=1e-5)
    assert summary["steps"] == 1
    assert summary["parameters"] == sum(len(level.kept) - 1 for level in oracle.levels)
    for checkpoint in ("best", "last"):
        model, vocabulary = load_language_model(run, checkpoint=checkpoint)
        assert vocabulary == task.vocabulary
        found = evaluate(model, task, task.evaluation("test", 0, 1))["loss"]
        assert found == pytest.approx(summary["held_out"]["loss"], abs=1e-9)


def test_its_speed_can_be_measured() -> None:
    assert measure(settings(), seconds=0).first_loss < 3


@pytest.mark.parametrize(
    ("task", "match"),
    [
        ({"name": "temporal-order", "difficulty": "easy"}, "predicts the next symbol"),
        ({"name": "adding"}, "ngram"),
    ],
)
def test_other_tasks_are_refused(task: dict[str, str], match: str) -> None:
    spec = build_task(Component(**task)).spec
    with pytest.raises(SettingsError, match=match):
        build_model(Component(name="ngram"), spec, 1)


def test_a_task_without_a_text_is_refused_before_a_run_begins() -> None:
    experiment = settings().model_copy(update={"task": Component(name="hello")})
    with pytest.raises(SettingsError, match="no text"):
        open_session(experiment)
