"""Hard attention: where it looks, and its gradient against the exact one of the expectation."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from seqlab.contracts import PAD, Batch, Signal, Spec, Written, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import build_model
from seqlab.models._variants import exact
from seqlab.models.pictures.captioner import Captioner
from seqlab.settings import Component
from seqlab.tasks.pictures.digit_captions import DigitCaptions

PICTURE = {"picture": Signal("features", 2, ("row", "column"))}
SPEC = Spec("tokens", 4, "classes", 4, True, PICTURE, Written(3, 3, 5))
ASKED = torch.tensor([[3, 0], [3, 1]])
WANTED = torch.tensor([[0, 3], [1, 2]])
PLACES = 3


class Summed:
    """A task whose loss is the mean cross-entropy of what counts."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return torch.nn.functional.cross_entropy(*batch.select(outputs))


def captioner(**options: Any) -> Captioner:
    options = {"soft_updates": 0, **options}
    model = exact(
        build_model(
            Component(
                **{"name": "captioner", "hidden_size": 4, "channels": 2, "attention": "hard", **options}
            ),
            SPEC,
            1,
        )
    )
    assert isinstance(model, Captioner)
    for weight in model.parameters():  # so that places differ in how likely they are
        weight.data *= 2
    return model


def batch(mask: Tensor | None = None) -> Batch:
    picture = torch.randn(2, 3, 9, 2, dtype=torch.float64, generator=torch_stream(1, "picture"))
    return Batch(ASKED, WANTED, mask, context={"picture": picture})


def forced(model: Captioner, places: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each step of a caption, in turn, look at these places."""
    left = list(places)
    monkeypatch.setattr(model, "_choose", lambda weights: torch.full((len(weights),), left.pop(0)))


def test_the_mean_gradient_is_the_exact_one_of_the_expected_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all ways to look twice at three places, each of which counts by its probability.

    One row at a time, since rows look by themselves; the baseline does not matter.
    """
    task, model = Summed(), captioner(entropy=0)
    parameters = dict(model.named_parameters())
    for row, baseline in product(range(2), (0.0, -1.3)):
        one = batch().row(row)
        wanted = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
        found = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
        for places in product(range(PLACES), repeat=2):
            forced(model, places, monkeypatch)
            looked = model._looked(one.inputs, model.start(one.context, 1))
            logs = looked.logs[0, torch.arange(2), torch.tensor(places)]
            probability = logs.sum().exp()
            loss = task.loss(model.readout(looked.told), one)
            for name, gradient in gradients(probability * loss, parameters).items():
                wanted[name] += gradient
            model.baseline.fill_(baseline)
            forced(model, places, monkeypatch)
            learned = model.learn(task, one)
            assert learned is not None
            assert learned.item() == pytest.approx(loss.item(), rel=1e-9)
            for name, gradient in gradients(learned, parameters).items():
                found[name] += probability.detach() * gradient
        for name in parameters:
            torch.testing.assert_close(found[name], wanted[name], rtol=1e-9, atol=1e-12, msg=name)
        assert wanted["score.v"].abs().max() > 1e-3


def gradients(value: Tensor, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    found = torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(parameters, found, strict=True) if gradient is not None}


def test_the_baseline_follows_the_mean_of_what_words_are_worth() -> None:
    model = captioner()
    before = float(model.baseline)
    assert before == pytest.approx(-torch.log(torch.tensor(4.0)).item())
    loss = model.train().learn(Summed(), batch())
    assert loss is not None
    assert float(model.baseline) == pytest.approx(0.9 * before - 0.1 * loss.item(), rel=1e-5)


def test_the_entropy_pulls_towards_looking_everywhere() -> None:
    """The gradient that it adds, against that of the mean entropy of the steps that count."""
    mask = torch.tensor([[True, True], [False, True]])
    asked = batch(mask)
    added = []
    for entropy in (0.0, 0.5):
        model = captioner(entropy=entropy).eval()  # the likeliest place, so that both look alike
        loss = model.learn(Summed(), asked)
        assert loss is not None
        added.append(gradients(loss, dict(model.named_parameters())))
    looked = model._looked(asked.inputs, model.start(asked.context, 2))
    mean = -(looked.logs.exp() * looked.logs).sum(-1)[mask].mean()
    for name, gradient in gradients(-0.5 * mean, dict(model.named_parameters())).items():
        torch.testing.assert_close(added[1][name] - added[0][name], gradient, rtol=1e-9, atol=1e-12)


@torch.no_grad()
def test_it_looks_at_one_place_which_is_drawn_in_training_and_else_the_likeliest() -> None:
    model, state = captioner(), None
    asked = torch.tensor([[PAD, 3, 0, 2]]).expand(400, -1)
    picture = batch().context["picture"][:1].expand(400, -1, -1, -1)
    state = model.start({"picture": picture}, 400)
    model.noise.manual_seed(1)
    drawn = model.train()._looked(asked[:, :2], state)
    assert drawn.chosen is not None
    shares = torch.bincount(drawn.chosen[:, 1], minlength=PLACES) / 400
    torch.testing.assert_close(shares.double(), drawn.logs[0, 1].exp(), atol=0.08, rtol=0)
    likeliest = model.eval()._looked(asked, state)
    assert likeliest.chosen is not None
    assert torch.equal(likeliest.chosen, likeliest.logs.argmax(-1))
    (values, *_), *_ = state
    told = torch.tanh(
        model.combine(torch.cat([values[:1, likeliest.chosen[0, 1]], state_after(model, asked, state)], -1))  # type: ignore[misc]
    )
    torch.testing.assert_close(likeliest.told[:1, 1], told)


def state_after(model: Captioner, asked: Tensor, state: Any) -> Tensor:
    """Return h after the first symbol."""
    parts: Tensor = model(asked[:1, :2], tuple(tuple(part[:1] for part in group) for group in state))[1][1][0]
    return parts


def test_it_learns_from_classes_alone() -> None:
    values = Spec("tokens", 4, "values", 1, True, PICTURE)
    with pytest.raises(SettingsError, match="which learns from how likely classes are, not values"):
        build_model(Component(name="captioner", attention="hard"), values, 1)


def test_the_first_updates_are_soft() -> None:
    hard, soft = captioner(soft_updates=2), captioner(attention="soft")
    for updates, is_soft in ((0, True), (1, True), (2, False)):
        hard.updates = updates
        loss = hard.train().learn(Summed(), batch())
        state = soft.start(batch().context, 2)
        assert loss is not None
        outputs, _ = soft(ASKED, state)
        assert (loss.item() == pytest.approx(Summed().loss(outputs, batch()).item())) == is_soft


def test_what_is_chosen_at_padding_teaches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caption with padding in front, whatever is chosen there, against the same without."""
    model = captioner().eval()
    one, parameters = batch().row(0), dict(model.named_parameters())
    padded = Batch(
        torch.tensor([[PAD, 3, 0]]),
        torch.tensor([[0, 0, 3]]),
        torch.tensor([[False, True, True]]),
        context=one.context,
    )
    learned = []
    for asked, places in ((one, (0, 1)), (padded, (0, 0, 1)), (padded, (2, 0, 1))):
        forced(model, places, monkeypatch)
        model.baseline.fill_(-1)
        loss = model.learn(Summed(), asked)
        assert loss is not None
        learned.append(gradients(loss, parameters))
    for name, gradient in learned[0].items():
        for other in learned[1:]:
            torch.testing.assert_close(other[name], gradient, rtol=1e-9, atol=1e-12, msg=name)


def test_it_learns_with_padding_and_the_loss_shown_is_the_tasks() -> None:
    task = DigitCaptions()
    model = build_model(
        Component(name="captioner", attention="hard", soft_updates=0, hidden_size=4, channels=2), task.spec, 1
    )
    shown = task.batch("train", 0, 8, 1)
    loss = model.train().learn(task, shown)
    assert loss is not None
    assert 1.5 < loss.item() < 3.5  # about log 11
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in model.parameters())
