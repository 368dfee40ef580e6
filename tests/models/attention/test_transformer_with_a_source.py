"""The transformer with a source, held against torch's own layers in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from seqlab.contracts import PAD, Signal, Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import build_model
from seqlab.models.attention import _source, transformer
from seqlab.models.attention._source import Looking
from seqlab.models.attention.transformer import Transformer
from seqlab.settings import Component

SPEC = Spec("tokens", 5, "classes", 5, causal=True, context={"source": Signal("tokens", 6)})
D, HEADS = 8, 2


def made(**options: object) -> Transformer:
    settings = {"name": "transformer", "hidden_size": D, "heads": HEADS, "layers": 2, **options}
    model = build_model(Component(**settings), SPEC, seed=1).double().eval()
    assert isinstance(model, Transformer)
    generator = torch_stream(1, "wide")  # so that probabilities differ
    for name, weight in model.named_parameters():
        if weight.dim() > 1 and "norm" not in name:
            weight.data.normal_(0, 0.5, generator=generator)
    return model


def copied(layer: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """Return one of torch's layers with these weights, whose biases and other gains are as if not there."""
    layer = layer.double().eval()
    for name, parameter in layer.named_parameters():
        parameter.data = weights[name] if name in weights else torch.full_like(parameter, "norm" in name)
    return layer


def torch_s_own(model: Transformer, source: Tensor, inputs: Tensor) -> Tensor:
    """Compute the outputs with torch's encoder and decoder layers."""
    assert model.source is not None
    sizes = (D, HEADS, 4 * D, 0.0, "gelu")
    form = {"batch_first": True, "norm_first": True, "bias": False}
    padded = source == PAD
    x = model.source.embedding(source)
    for block in model.source.blocks:
        weights = {
            "self_attn.in_proj_weight": block.mixer.qkv.weight, "self_attn.out_proj.weight": block.out.weight,
            "linear1.weight": block.up.weight, "linear2.weight": block.down.weight,
        }  # fmt: skip
        layer = copied(nn.TransformerEncoderLayer(*sizes, **form), weights)
        x = layer(x, src_key_padding_mask=padded)
    read = model.source.norm(x)
    y = model.embedding(inputs)  # type: ignore[misc]
    causal = nn.Transformer.generate_square_subsequent_mask(inputs.shape[1], dtype=torch.float64)
    for block in model.blocks:
        assert isinstance(block, Looking)
        weights = {
            "self_attn.in_proj_weight": block.mixer.qkv.weight, "self_attn.out_proj.weight": block.out.weight,
            "multihead_attn.in_proj_weight": torch.cat([block.look.q.weight, block.look.kv.weight]),
            "multihead_attn.out_proj.weight": block.look_out.weight,
            "linear1.weight": block.up.weight, "linear2.weight": block.down.weight,
        }  # fmt: skip
        layer = copied(nn.TransformerDecoderLayer(*sizes, **form), weights)
        y = layer(y, read, tgt_mask=causal, memory_key_padding_mask=padded)
    found: Tensor = model.readout(model.norm(y))
    return found


def test_it_computes_what_torch_s_own_layers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for positions, which torch's layers do not have: here nothing is turned."""
    for module in (_source, transformer):
        monkeypatch.setattr(module, "rotate", lambda x, place: x)
    model = made()
    source = torch.tensor([[1, 2, 3, 4], [PAD, PAD, 5, 0]])
    inputs = torch.tensor([[4, 1, 2], [4, 0, 0]])
    found, _ = model(inputs, model.start({"source": source}, 2))
    assert_close(found, torch_s_own(model, source, inputs))


def test_a_row_is_answered_alone_as_beside_longer_sources() -> None:
    model, inputs = made(), torch.tensor([[4, 1, 2], [4, 0, 3]])
    source = torch.tensor([[1, 2, 3, 4], [PAD, PAD, 5, 0]])
    together, _ = model(inputs, model.start({"source": source}, 2))
    for row in range(2):
        there = source[row : row + 1, source[row] != PAD]
        alone, _ = model(inputs[row : row + 1], model.start({"source": there}, 1))
        assert_close(together[row : row + 1], alone)


def test_a_source_without_any_place_is_answered_alike_however_much_padding_it_has() -> None:
    model, inputs = made(), torch.tensor([[4, 1, 2]])
    one, other = (
        model(inputs, model.start({"source": torch.full((1, width), PAD)}, 1))[0] for width in (1, 4)
    )
    assert torch.isfinite(one).all()
    assert_close(one, other)


def test_the_order_of_the_source_matters() -> None:
    model, inputs = made(), torch.tensor([[4, 1, 2]])
    one, other = (
        model(inputs, model.start({"source": torch.tensor([order])}, 1))[0]
        for order in ([1, 2, 3], [2, 1, 3])
    )
    assert not torch.allclose(one, other)


def test_each_head_says_where_it_looked_and_what_it_says_is_what_it_did() -> None:
    model, inputs = made(), torch.tensor([[4, 1, 2], [4, 0, 3]])
    state = model.start({"source": torch.tensor([[1, 2, 3, 4], [PAD, PAD, 5, 0]])}, 2)
    looked = model.alignments(inputs, state)
    assert list(looked) == [f"layer {layer}, head {head}" for layer in (1, 2) for head in (1, 2)]
    for weights in looked.values():
        assert_close(weights.sum(2), torch.ones(2, 3, dtype=torch.float64))
        assert weights[1, :, :2].abs().max() == 0
    block = model.blocks[0]
    assert isinstance(block, Looking)
    v = state[0][-2]  # (B, heads, S, d)
    heard, _ = block.hear(model._embed(inputs), state[0][:-3], None, None)
    seen = block.look(block.look_norm(heard), state[0][-3:], None)
    by_hand = torch.cat([looked[f"layer 1, head {head}"] @ v[:, head - 1] for head in (1, 2)], -1)
    assert_close(seen, by_hand)


def test_several_sources_are_refused() -> None:
    two = Spec("tokens", 5, "classes", 5, True, {"a": Signal("tokens", 6), "b": Signal("tokens", 6)})
    with pytest.raises(SettingsError, match="one source before the first step, not 2"):
        build_model(Component(name="transformer"), two, seed=1)
