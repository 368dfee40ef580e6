"""The glimpse network: its equations with numbers worked out by hand, what teaches it to look, and that it does."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from seqlab.contracts import Batch, Signal, Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import build_model
from seqlab.models._variants import exact
from seqlab.models.pictures._patches import patches
from seqlab.models.pictures.glimpse_network import GlimpseNetwork, _gains
from seqlab.settings import Component, Training
from seqlab.tasks import Task
from seqlab.training import evaluate, fit, new_learner

SPEC = Spec("tokens", 2, "classes", 3, True, {"picture": Signal("features", 1, ("row", "column"))})


def network(spec: Spec = SPEC, **options: Any) -> GlimpseNetwork:
    chosen = {"hidden_size": 5, "patch": 2, "scales": 2, "zoom": 2, **options}
    model = exact(build_model(Component(name="glimpse-network", **chosen), spec, 1))
    assert isinstance(model, GlimpseNetwork)
    return model.eval()


def question(rows: int = 4, looks: int = 2) -> Batch:
    draw = torch_stream(1, "question")
    mask = torch.zeros(rows, looks, dtype=torch.bool)
    mask[:, -1] = True
    return Batch(
        torch.randint(0, 2, (rows, looks), generator=draw),
        torch.randint(0, 3, (rows,), generator=draw),
        mask,
        context={"picture": torch.rand(rows, 6, 9, 1, generator=draw, dtype=torch.float64)},
    )


def relu(x: Tensor) -> Tensor:
    return x.clamp(min=0)


def told_by_hand(model: GlimpseNetwork, batch: Batch, places: Tensor | None = None) -> tuple[Tensor, ...]:
    """Return outputs (B, T, O), means of places (B, T, 2) and the rewards expected (B, T)."""
    (cell,) = model.core.cells
    picture, state = batch.context["picture"], cell.start(len(batch.inputs))  # type: ignore[operator]
    outputs, means, expected = [], [], []
    for step in range(batch.inputs.shape[1]):
        h = state[0]
        mean = torch.tanh(h @ model.locate.weight.t() + model.locate.bias)
        place = mean if places is None else places[:, step]
        centre = (place + 1) / 2 * torch.tensor([5.0, 8.0])
        seen = relu(model.see(patches(picture, centre, 2, 2, 2).flatten(1)))
        where = relu(model.place(place))
        g = relu(model.both(torch.cat([seen, where], 1)) + model.embedding.weight.t()[batch.inputs[:, step]])
        means.append(mean)
        expected.append((h @ model.expect.weight.t() + model.expect.bias)[:, 0])
        state = cell.step(g, state)  # type: ignore[operator]
        outputs.append(model.readout(state[0]))
    return tuple(torch.stack(parts, 1) for parts in (outputs, means, expected))


def test_answers_and_places_are_those_of_the_equations() -> None:
    model, batch = network(), question()
    start = model.start(batch.context, 4)
    outputs, means, _ = told_by_hand(model, batch)
    torch.testing.assert_close(model(batch.inputs, start)[0], outputs)
    edges = model.windows(batch.inputs, start)["glimpse"]
    assert edges.shape == (4, 2, 2, 4)
    centre = (means + 1) / 2 * torch.tensor([5.0, 8.0]) + 0.5
    for scale, side in enumerate((2, 4)):
        torch.testing.assert_close(edges[:, :, scale, :2], centre - side / 2)
        torch.testing.assert_close(edges[:, :, scale, 2:], centre + side / 2)
    assert (means[:, 0] == 0).all()  # the first look is at the middle


def test_the_gradient_is_that_of_the_loss_and_of_reinforce() -> None:
    """With the places that were drawn held, everything is worked out by hand."""
    model, batch = network(spread=0.4), question()
    model.train()
    model.noise.manual_seed(3)
    outputs, path, _ = model._look(batch.inputs, model.start(batch.context, 4))
    places = path.places.detach()
    assert len(places.flatten(0, 1).unique(dim=0)) == 8
    model.noise.manual_seed(3)

    class Judge:
        def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
            return torch.nn.functional.cross_entropy(outputs[:, -1], batch.targets)

    loss = model.learn(Judge(), batch)
    assert loss is not None
    found = torch.autograd.grad(loss, list(model.parameters()))
    outputs, means, expected = told_by_hand(model, batch, places)
    reward = outputs[:, -1].softmax(-1)[torch.arange(4), batch.targets][:, None].detach()
    reward = reward * torch.tensor([0.25, 1.0])  # the first look is taught a quarter of what the second gains
    error = Judge().loss(outputs, batch)
    assert loss.item() == pytest.approx(error.item())
    names, weights = zip(*model.named_parameters(), strict=True)
    log_probs = -((places - means) ** 2).sum(-1) / (2 * 0.4**2)
    taught = -((reward - expected).detach() * log_probs).sum(1).mean()
    of_loss, of_looking, of_reward = (
        torch.autograd.grad(term, weights, allow_unused=True, retain_graph=True)
        for term in (error, taught, (reward - expected).square().mean())
    )
    for name, gradient, *parts in zip(names, found, of_loss, of_looking, of_reward, strict=True):
        if not name.startswith("expect"):
            parts = parts[:2]  # what is expected teaches itself alone
        by_hand = sum(part for part in parts if part is not None)
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(gradient, by_hand, msg=lambda told, name=name: f"{name}: {told}")


class Choosing(GlimpseNetwork):
    """Looks at one of two points at each of two looks; which, is held."""

    way = (0, 0)

    def _choose(self, h: Tensor, keys: Tensor, looks: Tensor) -> tuple[Tensor, Tensor]:
        chosen = self.way[int(looks[0])]
        place = torch.tensor([[-0.5, 0.3], [0.4, -0.2]], dtype=h.dtype)[chosen]
        return place.expand(len(h), 2), self.locate(h).log_softmax(-1)[:, chosen]


@pytest.mark.parametrize("answers", ["last", "each"])
def test_the_mean_of_its_gradient_over_all_paths_is_the_exact_one_of_the_expected_reward(
    answers: str,
) -> None:
    """Two looks of two points each: every path counts by its probability, so that nothing is drawn."""
    model = exact(Choosing(SPEC, hidden_size=5, patch=2, discount=1.0)).train()
    model.initialise(torch_stream(1, "weights"))
    batch = question(rows=1)
    if answers == "each":
        batch = Batch(batch.inputs, batch.targets.expand(1, 2), context=batch.context)

    class Judge:
        def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
            return torch.nn.functional.cross_entropy(*batch.select(outputs))

    weights = [weight for name, weight in model.named_parameters() if not name.startswith("expect")]
    found, expected = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    reward = torch.zeros((), dtype=torch.float64)
    for model.way in product((0, 1), repeat=2):
        outputs, path, _ = model._look(batch.inputs, model.start(batch.context, 1))
        probability = path.log_probs.sum().exp()
        reward = reward + probability * outputs[0, -1].softmax(-1)[batch.targets.flatten()[-1]].detach()
        learned, loss = model.learn(Judge(), batch), Judge().loss(outputs, batch)
        assert learned is not None
        for total, term in ((found, learned), (expected, loss)):
            gradients = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
            for sum_, gradient in zip(total, gradients, strict=True):
                if gradient is not None:
                    sum_ += probability.detach() * gradient
    for sum_, gradient in zip(
        expected, torch.autograd.grad(-reward, weights, allow_unused=True), strict=True
    ):
        if gradient is not None:
            sum_ += gradient
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-14)
    assert found[[name for name, _ in model.named_parameters()].index("locate.weight")].abs().max() > 1e-6


def test_a_look_gains_what_it_makes_more_probable_and_a_share_of_what_later_ones_do() -> None:
    outputs = torch.zeros(1, 3, 2)
    outputs[0, :, 1] = torch.tensor([0.0, 2.0, 1.0])
    first, second, third = outputs[0].softmax(-1)[:, 1].tolist()
    batch = Batch(torch.zeros(1, 3, dtype=torch.int64), torch.ones(1, 3, dtype=torch.int64))
    late = third - second
    middle = second - first + 0.5 * late
    assert _gains(outputs, batch, 0.5)[0].tolist() == pytest.approx([first + 0.5 * middle, middle, late])
    assert _gains(outputs, batch, 1)[0].tolist() == pytest.approx([third, third - first, late])
    last = Batch(batch.inputs, batch.targets, torch.tensor([[False, False, True]]))
    assert _gains(outputs, last, 0.5)[0].tolist() == pytest.approx([third / 4, third / 2, third])


class Lamp(Task):
    """A lamp in one of the two ends of a row of pixels is bright or dark; a sign in the middle says in which."""

    def __init__(self) -> None:
        self.spec = Spec(
            "tokens", 1, "classes", 2, True, {"picture": Signal("features", 1, ("row", "column"))}
        )

    def batch(self, split: str, index: int, size: int, seed: int) -> Batch:
        draw = torch_stream(seed, "lamp", split, index)
        left, bright, other = (torch.randint(0, 2, (size,), generator=draw) for _ in range(3))
        picture = torch.zeros(size, 1, 9, 1)
        picture[:, 0, 4, 0] = left * 2.0 - 1
        rows = torch.arange(size)
        picture[rows, 0, 8 * (1 - left), 0] = bright * 2.0 - 1
        picture[rows, 0, 8 * left, 0] = other * 2.0 - 1
        mask = torch.tensor([[False, True]]).expand(size, 2)
        return Batch(torch.zeros(size, 2, dtype=torch.int64), bright, mask, context={"picture": picture})


@pytest.mark.slow
@pytest.mark.parametrize(("looking", "least", "most"), [("learned", 0.9, 1), ("random", 0, 0.75)])
def test_it_learns_where_to_look(looking: str, least: float, most: float) -> None:
    """Who looks at the wrong end is right half of the time; one look at the sign and one at the lamp suffice."""
    task = Lamp()
    chosen = {"hidden_size": 16, "patch": 3, "scales": 1, "spread": 0.5, "looking": looking}
    model = build_model(Component(name="glimpse-network", **chosen), task.spec, 1)
    settings = Training(steps=300, batch_size=64, optimizer="adam", learning_rate=0.01, evaluate_every=1000)
    list(fit(new_learner(model, settings), task, settings, seed=1))
    found = evaluate(model, task, task.evaluation("test", 400, 1))["accuracy"]
    assert least <= found <= most


def test_answers_that_are_no_classes_are_refused() -> None:
    spec = Spec("tokens", 2, "bits", 3, True, SPEC.context)
    with pytest.raises(SettingsError, match="right or wrong; this task asks for bits"):
        network(spec)
