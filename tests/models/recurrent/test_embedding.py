"""Networks that read symbols as vectors: what they compute, and who takes them."""

from __future__ import annotations

import pytest
import torch

from seqlab import fused
from seqlab.analysis.states import trace
from seqlab.contracts import PAD, Spec
from seqlab.errors import SettingsError
from seqlab.fused.many import can_write
from seqlab.generation import Sampling
from seqlab.models import Recurrent, build_model
from seqlab.registry import resolve
from seqlab.settings import Component, TrainExperiment, check, read_text
from seqlab.tasks import build_task

SPEC = Spec("tokens", 9, "classes", 9, causal=True)


def network(**options: object) -> Recurrent:
    model = build_model(Component(name="lstm", hidden_size=6, **options), SPEC, 1)
    assert isinstance(model, Recurrent)
    return model.double()


def inputs() -> torch.Tensor:
    x = torch.randint(9, (4, 7), generator=torch.Generator().manual_seed(1))
    x[0, :3] = PAD
    return x


def test_an_embedding_is_a_factor_of_the_input_weights() -> None:
    embedded, plain = network(embedding_size=3), network()
    assert embedded.embedding is not None
    weights = embedded.state_dict()
    vectors = weights.pop("embedding.weight")  # (3, 9)
    weights["cells.0.input.weight"] = weights["cells.0.input.weight"] @ vectors
    plain.load_state_dict(weights)
    torch.testing.assert_close(embedded(inputs()), plain(inputs()))
    torch.testing.assert_close(embedded.vectors(), vectors.t())
    torch.testing.assert_close(trace(embedded, inputs()).outputs[1:], embedded(inputs())[0][1:])


def test_a_tied_read_out_is_the_embedding() -> None:
    tied = network(embedding_size=6, tied=True)
    assert tied.vectors() is tied.readout.weight
    torch.testing.assert_close(tied.embed(torch.tensor([[4]]))[0, 0], tied.readout.weight[4])
    beside = network(embedding_size=6)
    assert sum(p.numel() for p in beside.parameters()) - sum(p.numel() for p in tied.parameters()) == 9 * 6
    tied(inputs())[0].sum().backward()
    assert tied.readout.weight.grad is not None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tied": True}, "model.embedding_size=6"),
        ({"tied": True, "embedding_size": 5}, "it is 5"),
    ],
)
def test_what_cannot_be_tied_is_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError) as error:
        network(**options)
    assert told in str(error.value)


def test_features_are_not_embedded() -> None:
    spec = Spec("features", 2, "values", 1, causal=True)
    with pytest.raises(SettingsError, match="not looked up"):
        build_model(Component(name="rnn", embedding_size=2), spec, 1)


def test_compiled_code_leaves_it_to_torch() -> None:
    document = read_text(
        "experiment: words\ntask: {name: hello}\nmodel: {name: rnn, hidden_size: 4, embedding_size: 3}\n",
        source="test.yaml",
    )
    experiment = check(document)
    assert isinstance(experiment, TrainExperiment)
    experiment = resolve(experiment, document)
    assert fused.why_not(experiment, build_task(experiment.task)) == "it knows no embedding (embedding_size)"
    assert not can_write(network(embedding_size=3), Sampling(10), 64)
    assert can_write(network(), Sampling(10), 64)
