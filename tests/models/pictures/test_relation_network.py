"""The relation network: its equations with loops over pairs, and that in training it answers only what is asked."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from seqlab.contracts import PAD, Batch, Signal, Spec, torch_stream
from seqlab.models import build_model
from seqlab.models._variants import exact
from seqlab.models.pictures.relation_network import RelationNetwork
from seqlab.settings import Component

SPEC = Spec("tokens", 4, "classes", 3, True, {"picture": Signal("features", 2, ("row", "column"))})


def network(**options: Any) -> RelationNetwork:
    chosen = {"hidden_size": 5, "channels": 3, **options}
    model = exact(build_model(Component(name="relation-network", **chosen), SPEC, 1))
    assert isinstance(model, RelationNetwork)
    return model.eval()


def question() -> Batch:
    draw = torch_stream(1, "question")
    inputs = torch.tensor([[PAD, 1, 2], [0, 3, 1]])
    mask = torch.tensor([[False, False, True]] * 2)
    picture = torch.rand(2, 13, 20, 2, generator=draw, dtype=torch.float64)
    return Batch(inputs, torch.tensor([2, 0]), mask, context={"picture": picture})


def relu(x: Tensor) -> Tensor:
    return x.clamp(min=0)


@pytest.mark.parametrize("layers", [1, 3])
def test_answers_are_those_of_the_equations(layers: int) -> None:
    model, batch = network(layers=layers, relates="all"), question()
    outputs, _ = model(batch.inputs, model.start(batch.context, 2))
    (cell,) = model.reader.cells
    places = model.grid(batch.context["picture"]).flatten(1, 2)
    assert places.shape == (2, 2 * 3, 5)  # 13 x 20 pixels, halved three times
    for row in range(2):
        state = cell.start(1)  # type: ignore[operator]
        for step, symbol in enumerate(batch.inputs[row].tolist()):
            if symbol == PAD:
                continue
            state = cell.step(model.embedding.weight.t()[symbol][None], state)  # type: ignore[operator]
            gathered = torch.zeros(5, dtype=torch.float64)
            for one in places[row]:
                for other in places[row]:
                    pair = relu(
                        model.one.weight @ one
                        + model.other.weight @ other
                        + model.asked.weight @ state[0][0]
                        + model.asked.bias
                    )
                    for layer in model.relate:
                        pair = relu(layer.weight @ pair + layer.bias)  # type: ignore[operator]
                    gathered += pair / 6
            told = relu(model.gather.weight @ gathered + model.gather.bias)
            torch.testing.assert_close(outputs[row, step], model.readout.weight @ told + model.readout.bias)


@pytest.mark.parametrize("layers", [1, 3])
def test_what_stands_to_the_place_asked_about_is_found_by_the_equations(layers: int) -> None:
    model, batch = network(layers=layers), question()
    outputs, _ = model(batch.inputs, model.start(batch.context, 2))
    looks = list(model.alignments(batch.inputs, model.start(batch.context, 2)).values())
    (cell,) = model.reader.cells
    grid = model.grid(batch.context["picture"])
    assert grid.shape == (2, 4, 5, 5)  # 13 x 20 pixels, halved twice
    where = [
        torch.tensor([2 * r / 3 - 1, 2 * c / 4 - 1], dtype=torch.float64) for r in range(4) for c in range(5)
    ]
    for row in range(2):
        places, state = list(grid[row].flatten(0, 1)), cell.start(1)  # type: ignore[operator]
        for step, symbol in enumerate(batch.inputs[row].tolist()):
            if symbol == PAD:
                continue
            state = cell.step(model.embedding.weight.t()[symbol][None], state)  # type: ignore[operator]
            h = state[0][0]
            scores = [(model.key.weight @ m) @ (model.query.weight @ h) / 5**0.5 for m in places]
            asked = torch.stack(scores).softmax(0)
            it = sum(weight * m for weight, m in zip(asked, places, strict=True))
            at = sum(weight * x for weight, x in zip(asked, where, strict=True))
            related = []
            for m, x in zip(places, where, strict=True):
                apart = torch.cat([x - at, (x - at).square().sum()[None]])
                sums = model.one.weight @ m + model.other.weight @ it + model.apart.weight @ apart
                g = relu(sums + model.asked.weight @ h + model.asked.bias)
                for layer in model.relate:
                    g = relu(layer.weight @ g + layer.bias)  # type: ignore[operator]
                related.append(g)
            found = torch.stack([model.stands.weight[0] @ g for g in related]).softmax(0)
            mean = sum(related) / 20
            other = sum(weight * m for weight, m in zip(found, places, strict=True))
            told = relu(model.gather.weight @ torch.cat([mean, other]) + model.gather.bias)
            torch.testing.assert_close(outputs[row, step], model.readout.weight @ told + model.readout.bias)
            torch.testing.assert_close(looks[0][row, step], asked)
            torch.testing.assert_close(looks[1][row, step], found)


def test_in_training_only_what_is_asked_is_answered_and_the_loss_is_the_same() -> None:
    model, batch = network(), question()

    class Judge:
        def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
            return torch.nn.functional.cross_entropy(*batch.select(outputs))

    answered: list[int] = []
    answer = model._answer
    model._answer = lambda places, h: answered.append(len(h)) or answer(places, h)  # type: ignore[method-assign, func-returns-value]
    learned = model.learn(Judge(), batch)
    assert learned is not None
    assert answered == [2]
    outputs, _ = model(batch.inputs, model.start(batch.context, 2))
    whole = Judge().loss(outputs, batch)
    weights = list(model.parameters())
    torch.testing.assert_close(learned, whole)
    torch.testing.assert_close(torch.autograd.grad(learned, weights), torch.autograd.grad(whole, weights))
