from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode
from torch.testing import assert_close

from seqlab.contracts import PAD, Signal, Spec, Written
from seqlab.errors import SettingsError
from seqlab.models import SequenceModel, build_model, count_parameters
from seqlab.models.attention import _aligning
from seqlab.models.attention._aligning import Additive, Alignment
from seqlab.settings import Component

SOURCE = Signal("tokens", 6)
SPEC = Spec("tokens", 5, "classes", 5, causal=True, context={"source": SOURCE}, writes=Written(4, 4, 9))
FORMS = [
    {"attention": "none"},
    {"attention": "dot", "bidirectional": True},
    {"attention": "additive", "cell": "lstm", "layers": 2, "bidirectional": True},
    {"attention": "additive", "input_feeding": True, "cell": "rnn"},
    {"attention": "dot", "reverse_source": True, "tied": True},
]


def made(**options: Any) -> SequenceModel:
    component = Component(**{"name": "encoder-decoder", "hidden_size": 4, **options})
    return build_model(component, SPEC, seed=1).double().eval()


def answered(model: SequenceModel, source: Tensor, inputs: Tensor) -> Tensor:
    outputs: Tensor = model(inputs, model.start({"source": source}, len(inputs)))[0]
    return outputs


@pytest.mark.parametrize("score", ["additive", "dot"])
def test_attention_is_what_its_equations_say(score: str) -> None:
    alignment = Alignment(score, 3, 2).double()
    generator = torch.Generator().manual_seed(1)
    for weight in alignment.parameters():
        weight.data.normal_(generator=generator)
    m = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    d = torch.randn(2, 5, 2, generator=generator, dtype=torch.float64)
    there = torch.tensor([[True] * 4, [False, False, True, True]])
    memory = alignment.remember(m, there)
    found, weights = alignment(d, memory), alignment.weights(d, memory)
    key = alignment.score.key.weight
    for row in range(2):
        places = [s for s in range(4) if there[row, s]]
        for t in range(5):
            scores = []
            for s in places:
                if score == "dot":
                    scores.append(d[row, t] @ (key @ m[row, s]) / 2**0.5)
                else:
                    query = alignment.score.query
                    unit = torch.tanh(query.weight @ d[row, t] + query.bias + key @ m[row, s])
                    scores.append(alignment.score.v @ unit)
            a = torch.stack(scores).exp() / torch.stack(scores).exp().sum()
            c = sum(share * m[row, s] for share, s in zip(a, places, strict=True))
            y = torch.tanh(alignment.combine.weight @ torch.cat([c, d[row, t]]))
            assert_close(weights[row, t, places], a)
            assert_close(found[row, t], y)
    assert weights[1, :, :2].abs().max() == 0


class Largest(TorchFunctionMode):
    """Notes how many numbers the largest tensor has that is computed."""

    count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor):
            self.count = max(self.count, found.numel())
        return found


def test_additive_scores_hold_a_few_steps_at_a_time_and_learn_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, steps, places, size = 3, 11, 13, 16
    score = Additive(size, size).double()
    generator = torch.Generator().manual_seed(1)
    for weight in score.parameters():
        weight.data.normal_(generator=generator)
    queries = torch.randn(rows, steps, size, generator=generator, dtype=torch.float64).requires_grad_()
    keys = torch.randn(rows, places, size, generator=generator, dtype=torch.float64).requires_grad_()
    weighing = torch.randn(rows, steps, places, generator=generator, dtype=torch.float64)
    layer = rows * places * size  # of one step

    def computed() -> tuple[list[Tensor], int, int]:
        kept: list[int] = []

        def note(tensor: Tensor) -> Tensor:
            kept.append(tensor.numel())
            return tensor

        with saved_tensors_hooks(note, lambda tensor: tensor), Largest() as forwards:
            found = score(queries, keys)
        slopes = torch.autograd.grad(
            (found * weighing).sum(), [queries, keys, score.v, *score.query.parameters()]
        )
        return [found, *slopes], forwards.count, max(kept)

    whole, largest, most_kept = computed()
    assert largest == most_kept == layer * steps
    monkeypatch.setattr(_aligning, "UNITS", 2 * layer)
    few, largest, most_kept = computed()
    assert largest == 2 * layer
    assert most_kept < layer * 2, "the layer is kept for the gradient"
    assert_close(few, whole, rtol=1e-12, atol=1e-12)
    monkeypatch.setattr(_aligning, "UNITS", 1)
    with torch.no_grad(), Largest() as alone:
        assert_close(score(queries, keys), whole[0])
    assert alone.count == layer


def numbers(model: SequenceModel) -> dict[str, NDArray[np.float64]]:
    return {name: weight.detach().numpy() for name, weight in model.named_parameters()}


def test_a_step_is_what_is_computed_by_hand() -> None:
    model = made(cell="rnn", attention="additive")
    w = numbers(model)

    def step(of: str, x: NDArray[np.float64], h: NDArray[np.float64]) -> NDArray[np.float64]:
        U, W, b = (w[f"{of}.cells.0.{name}"] for name in ("input.weight", "W", "input.bias"))
        return np.tanh(U @ x + W @ h + b)  # type: ignore[no-any-return]

    source, inputs = [3, 0, 5], [4, 2]
    h, m = np.zeros(4), []
    for symbol in source:
        h = step("encoder", w["reading.weight"][:, symbol], h)
        m.append(h)
    wanted = []
    for symbol in inputs:
        h = step("decoder", w["embedding.weight"][:, symbol], h)
        query = w["alignment.score.query.weight"] @ h + w["alignment.score.query.bias"]
        e = np.array(
            [w["alignment.score.v"] @ np.tanh(query + w["alignment.score.key.weight"] @ s) for s in m]
        )
        c = (np.exp(e) / np.exp(e).sum()) @ np.array(m)
        y = np.tanh(w["alignment.combine.weight"] @ np.concatenate([c, h]))
        wanted.append(w["readout.weight"] @ y + w["readout.bias"])
    found = answered(model, torch.tensor([source]), torch.tensor([inputs]))
    np.testing.assert_allclose(found[0].detach().numpy(), wanted)


def test_what_attention_made_goes_into_the_next_step_where_that_is_asked_for() -> None:
    model = made(cell="rnn", attention="dot", input_feeding=True)
    inputs, source = torch.tensor([[4, 2, 1]]), torch.tensor([[3, 0, 5]])
    state = model.start({"source": source}, 1)
    first, state = model(inputs[:, :1], state)
    told = state[0][3]
    assert_close(first[:, 0], model.readout(told))
    changed = ((*state[0][:3], told + 1), *state[1:])
    assert not torch.equal(model(inputs[:, 1:2], changed)[0], model(inputs[:, 1:2], state)[0])


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_a_row_is_answered_alone_as_beside_longer_sources_and_answers(options: dict[str, Any]) -> None:
    model = made(**options)
    source = torch.tensor([[1, 2, 3, 4, 5], [PAD, PAD, PAD, 0, 3], [PAD, 5, 5, 1, 0]])
    inputs = torch.tensor([[4, 1, 2], [PAD, 4, 0], [PAD, PAD, 4]])
    together = answered(model, source, inputs)
    for row, (there, read) in enumerate(zip(source, inputs, strict=True)):
        alone = answered(model, there[there != PAD][None], read[read != PAD][None])
        assert_close(together[row, read != PAD], alone[0])


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_every_place_of_the_source_changes_the_answer(options: dict[str, Any]) -> None:
    model, source, inputs = made(**options), torch.tensor([[1, 2, 3, 4]]), torch.tensor([[4, 1]])
    before = answered(model, source, inputs)
    for place in range(4):
        changed = source.clone()
        changed[0, place] = 5
        assert not torch.allclose(answered(model, changed, inputs), before)


def test_a_reversed_source_is_read_from_its_end_and_places_keep_their_order() -> None:
    plain, reverse = made(attention="dot"), made(attention="dot", reverse_source=True)
    reverse.load_state_dict(plain.state_dict())
    source, inputs = torch.tensor([[1, 2, 3, PAD]]).roll(1), torch.tensor([[4, 1]])
    backwards = torch.tensor([[PAD, 3, 2, 1]])
    assert_close(answered(reverse, source, inputs), answered(plain, backwards, inputs))
    looked = [
        model.alignments(inputs, model.start({"source": read}, 1))["attention"]
        for model, read in ((reverse, source), (plain, backwards))
    ]
    assert_close(looked[0][:, :, 1:], looked[1][:, :, 1:].flip(2))


@pytest.mark.parametrize("options", FORMS[1:], ids=str)
def test_alignments_sum_to_one_over_the_places_that_are_there(options: dict[str, Any]) -> None:
    model = made(**options)
    source, inputs = torch.tensor([[1, 2, 3], [PAD, 0, 3]]), torch.tensor([[4, 1], [4, 3]])
    (looked,) = model.alignments(inputs, model.start({"source": source}, 2)).values()
    assert looked.shape == (2, 2, 3)
    assert_close(looked.sum(2), torch.ones(2, 2, dtype=torch.float64))
    assert looked[1, :, 0].abs().max() == 0
    assert not made(attention="none").alignments(inputs, ())


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_a_source_without_any_place_is_answered_alike_however_much_padding_it_has(
    options: dict[str, Any],
) -> None:
    model, inputs = made(**options), torch.tensor([[4, 1]])
    one, other = (answered(model, torch.full((1, width), PAD), inputs) for width in (1, 4))
    assert torch.isfinite(one).all()
    assert_close(one, other)


def test_a_tied_read_out_is_the_embedding() -> None:
    assert count_parameters(made()) - count_parameters(made(tied=True)) == 5 * 4
    model = made(tied=True)
    assert model.state_dict().keys() == made().state_dict().keys() - {"embedding.weight"}


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError, match="nothing to feed"):
        made(attention="none", input_feeding=True)
    with pytest.raises(SettingsError, match="both ways"):
        made(bidirectional=True, reverse_source=True)
    with pytest.raises(SettingsError, match="one source before the first step, not 0"):
        build_model(Component(name="encoder-decoder"), Spec("tokens", 5, "classes", 5, True), 1)
