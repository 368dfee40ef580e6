"""Texts written by compiled code are those of the sampler that they stand in for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from seqlab import generation
from seqlab.contracts import Spec, torch_stream
from seqlab.errors import RunFailedError
from seqlab.fused import many
from seqlab.fused.kernels import Kernel
from seqlab.fused.many import write_texts
from seqlab.generation import Sampling
from seqlab.models import SequenceModel, build_model
from seqlab.models.counting.ngram import NGram
from seqlab.settings import Component

SYMBOLS = 11
SPEC = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
PRIME = np.array([3, 0, 7, 7])
CELLS: list[dict[str, Any]] = [
    {"name": "rnn"},
    {"name": "irnn", "spectral_radius": 0.5},
    {"name": "lstm"},
    {"name": "gru", "reset": "after"},
    {"name": "gru", "reset": "before"},
]


def build(cell: dict[str, Any], hidden_size: int = 13, layers: int = 2) -> SequenceModel:
    """Build a network whose scores are far from uniform."""
    model = build_model(Component(**cell, hidden_size=hidden_size, layers=layers), SPEC, 1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith("W"):
                parameter.uniform_(-1, 1, generator=torch_stream(7, name))
        if cell["name"] == "irnn":  # whose states are large
            model.readout.weight.div_(5)  # type: ignore[union-attr,operator]
    return model


def as_lists(texts: list[Any]) -> list[list[int]]:
    return [text.tolist() for text in texts]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(map(str, cell.values())))
@pytest.mark.parametrize(("hidden_size", "layers", "count"), [(13, 2, 40), (100, 1, 5), (100, 1, 40)])
def test_texts_are_those_of_the_sampler(
    cell: dict[str, Any], hidden_size: int, layers: int, count: int
) -> None:
    model = build(cell, hidden_size, layers)
    sampling = Sampling(120, 0.8, seed=3)
    expected = as_lists(generation.generate_many(model, PRIME, sampling, count))
    assert as_lists(write_texts(model, PRIME, sampling, count, [])) == expected
    assert len(set(map(tuple, expected))) > count / 3, "too sure to tell anything"


def test_a_text_goes_on_from_one_call_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sampling = build({"name": "lstm"}), Sampling(100, 1.0)
    whole = as_lists(write_texts(model, PRIME, sampling, 3, []))
    monkeypatch.setattr("seqlab.fused.many.AT_ONCE", 7)
    assert as_lists(write_texts(model, PRIME, sampling, 3, [])) == whole
    assert as_lists(write_texts(model, PRIME, Sampling(1, 1.0), 3, [])) == [text[:1] for text in whole]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_texts_end_with_the_stop_text(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlab.fused.many.AT_ONCE", 16)
    model, sampling = build({"name": "gru"}), Sampling(200, 1.5)
    stop = generation.generate_many(model, PRIME, sampling, 1)[0].tolist()[40 : 40 + length]
    expected = as_lists(generation.generate_many(model, PRIME, sampling, 6, stop=stop))
    assert as_lists(write_texts(model, PRIME, sampling, 6, stop)) == expected
    assert len({len(text) for text in expected}) > 1


def test_scores_that_are_not_finite_are_refused() -> None:
    model = build({"name": "gru"})
    with torch.no_grad():
        model.cells[0].input.weight[:, 5] = torch.nan  # type: ignore[index,union-attr]
    with pytest.raises(RunFailedError, match="not finite"):
        write_texts(model, PRIME, Sampling(200, 5.0), 4, [])


def test_many_texts_are_written_by_compiled_code_whatever_was_compiled_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build({"name": "lstm"})
    for there in (True, False):
        monkeypatch.setattr(Kernel, "is_compiled", lambda _, there=there: there)
        assert many.can_write(model, Sampling(100), 64)
    assert not many.can_write(model, Sampling(10**9), 3)
    assert not many.can_write(NGram(SPEC), Sampling(100), 64)
    for other in (Sampling(100, 0), Sampling(100, top_k=5), Sampling(100, min_p=0.1)):
        assert not many.can_write(model, other, 64)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not many.can_write(model, Sampling(100), 64)


@pytest.mark.parametrize("compiled", [True, False])
def test_either_way_the_texts_are_the_same(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model, sampling, told = build({"name": "rnn"}), Sampling(30), list[str]()
    monkeypatch.setattr(many, "can_write", lambda *_: compiled)
    monkeypatch.setattr(Kernel, "is_compiled", lambda _: False)
    texts = many.generate_many(model, PRIME, sampling, 9, announce=told.append)
    assert as_lists(texts) == as_lists(generation.generate_many(model, PRIME, sampling, 9))
    assert bool(told) == compiled
