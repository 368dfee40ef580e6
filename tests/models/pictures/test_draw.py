"""DRAW: filters against loops, the price of a code against an integral, the equations by hand, and that it learns."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from seqlab.contracts import Batch, Signal, Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import build_model
from seqlab.models._variants import exact
from seqlab.models.pictures._filters import filters
from seqlab.models.pictures.draw import Code, Draw
from seqlab.settings import Component, Training
from seqlab.tasks import Task, build_task
from seqlab.training import evaluate, fit, new_learner

SPEC = Spec("tokens", 2, "bits", 30, True, {"picture": Signal("features", 1, ("row", "column"))})


def draw(spec: Spec = SPEC, **options: Any) -> Draw:
    chosen = {"hidden_size": 4, "code": 3, "patch": 2, **options}
    model = exact(build_model(Component(name="draw", **chosen), spec, 1))
    assert isinstance(model, Draw)
    return model.eval()


def pictures(rows: int = 3) -> Tensor:
    return torch.rand(rows, 5, 6, 1, generator=torch_stream(1, "pictures"), dtype=torch.float64)


def filter_by_hand(said: list[float], size: tuple[int, int], count: int, axis: int) -> list[list[float]]:
    middle = (size[axis] + 1) / 2 * (said[axis] + 1) - 1
    apart = (max(size) - 1) / max(count - 1, 1) * math.exp(said[3])
    found = []
    for i in range(count):
        mean = middle + (i - (count - 1) / 2) * apart
        row = [math.exp(-((a - mean) ** 2) / (2 * math.exp(said[2]))) for a in range(size[axis])]
        found.append([share / sum(row) for share in row])
    return found


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_is_read_and_written_is_that_of_the_oracle(count: int) -> None:
    said = [[0.1, -0.3, 0.2, -0.5, 0.4], [-0.6, 0.5, -0.7, 0.1, -0.3]]
    where = filters(torch.tensor(said, dtype=torch.float64), (5, 6), count)
    picture = pictures(2)
    patch = torch.rand(2, count, count, 1, generator=torch_stream(1, "patch"), dtype=torch.float64)
    read, written = where.read(picture), where.write(patch)
    assert read.shape == patch.shape
    for row in range(2):
        down, right = (filter_by_hand(said[row], (5, 6), count, axis) for axis in (0, 1))
        for i in range(count):
            for j in range(count):
                seen = sum(
                    down[i][r] * right[j][c] * float(picture[row, r, c, 0])
                    for r in range(5)
                    for c in range(6)
                )
                assert float(read[row, i, j, 0]) == pytest.approx(math.exp(said[row][4]) * seen, rel=1e-6)
        for r in range(5):
            for c in range(6):
                drawn = sum(
                    down[i][r] * right[j][c] * float(patch[row, i, j, 0])
                    for i in range(count)
                    for j in range(count)
                )
                assert float(written[row, r, c, 0]) == pytest.approx(drawn / math.exp(said[row][4]), rel=1e-6)


def test_filters_of_a_distance_cover_what_their_window_says() -> None:
    where = filters(torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0]]), (7, 7), 3)
    assert where.middle.tolist() == [[3, 3]]  # of 7 pixels, the fourth
    assert where.apart.tolist() == [3]  # so that the outermost filters are on the outermost pixels
    assert where.windows().tolist() == [[[-1, -1, 8, 8]]]


def test_the_price_of_a_code_is_the_divergence() -> None:
    """Against the integral of q log(q / p), by the rule of rectangles."""
    mean, spread = 0.7, 0.6
    z = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    q = torch.distributions.Normal(torch.tensor(mean, dtype=torch.float64), spread)
    p = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    integral = (q.log_prob(z).exp() * (q.log_prob(z) - p.log_prob(z))).sum() * (z[1] - z[0])  # type: ignore[no-untyped-call]
    code = Code(torch.tensor([[mean, 0.0]]).double(), torch.tensor([[math.log(spread), 0.0]]).double())
    assert code.price().item() == pytest.approx(integral.item(), rel=1e-8)


@pytest.mark.parametrize("attention", [True, False])
def test_canvases_and_what_is_paid_are_those_of_the_equations(attention: bool) -> None:
    model, picture = draw(attention=attention), pictures()
    inputs = torch.tensor([[0, 1]] * 3)
    state = model.start({"picture": picture}, 3)
    outputs, end = model(inputs, state)
    keys = state[0][3]
    (encoder,), (decoder,) = model.encoder.cells, model.decoder.cells
    e, d = encoder.start(3), decoder.start(3)  # type: ignore[operator]
    canvas, paid = torch.zeros(3, 5, 6, 1, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for step in range(2):
        missing = picture - 1 / (1 + (-canvas).exp())
        if model.look_at is None:
            sight = torch.cat([picture, missing], -1)
        else:
            where = filters(model.look_at(d[0]), (5, 6), 2)
            sight = torch.cat([where.read(picture), where.read(missing)], -1)
        told = model.embedding.weight.t()[inputs[:, step]]
        e = encoder.step(torch.cat([sight.flatten(1), d[0], told[:, :4]], 1), e)  # type: ignore[operator]
        mean, log_spread = model.mean(e[0]), model.log_spread(e[0])
        noise = torch.stack(
            [
                torch.randn(
                    3,
                    generator=torch.Generator().manual_seed(int(key) + step * (2**31 - 1)),
                    dtype=torch.float64,
                )
                for key in keys
            ]
        )
        d = decoder.step(torch.cat([mean + log_spread.exp() * noise, told[:, 4:]], 1), d)  # type: ignore[operator]
        paid += ((mean**2 + (2 * log_spread).exp() - 1) / 2 - log_spread).sum(1)
        stroke = model.stroke(d[0])
        if model.draw_at is None:
            canvas = canvas + stroke.view(3, 5, 6, 1)
        else:
            canvas = canvas + filters(model.draw_at(d[0]), (5, 6), 2).write(stroke.view(3, 2, 2, 1))
        torch.testing.assert_close(outputs[:, step], canvas.flatten(1))
    torch.testing.assert_close(model.paid(end), paid)
    assert sorted(model.windows(inputs, state)) == (["read", "write"] if attention else [])


def test_in_training_the_price_of_a_code_rises_to_what_it_is() -> None:
    model, inputs = draw(rising=3), torch.zeros(3, 2, dtype=torch.int64)
    state = model.start({"picture": pictures()}, 3)

    def paid(updates: int, *, training: bool) -> Tensor:
        model.updates = updates
        model.noise.manual_seed(1)
        return model.train(training).paid(model(inputs, state)[1]).detach()

    whole = paid(3, training=True)
    for updates, share in ((0, 0.25), (1, 0.5), (2, 0.75), (100, 1.0)):
        torch.testing.assert_close(paid(updates, training=True), share * whole)
    torch.testing.assert_close(paid(0, training=False), paid(3, training=False))


def test_what_is_imagined_follows_from_the_generator_alone() -> None:
    model, inputs = draw(), torch.zeros(4, 3, dtype=torch.int64)
    first, again, other = (
        model.imagine(inputs, (5, 6), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert first.shape == (4, 3, 30)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.slow
def test_it_learns_which_of_two_pictures_it_is() -> None:
    """Two pictures, as often, of 16 pixels: what they cost is log 2, where each pixel by itself would be 11.1."""
    task = build_task(Component(name="digit-drawing", steps=2, white="half", turn=False))
    shown = torch.zeros(2, 4, 4, 1)
    shown[0, :2], shown[1, 2:] = 1, 1

    def batch(split: str, index: int, size: int, seed: int) -> Batch:
        which = torch.randint(0, 2, (size,), generator=torch_stream(seed, split, index))
        targets = shown[which].flatten(1)[:, None].expand(-1, 2, -1)
        mask = torch.tensor([[False, True]]).expand(size, -1)
        inputs = torch.zeros(size, 2, dtype=torch.int64)
        return Batch(inputs, targets, mask, context={"picture": shown[which]})

    task.batch = batch  # type: ignore[method-assign]
    task.evaluation = partial(Task.evaluation, task)  # type: ignore[method-assign]
    task.spec = Spec("tokens", 1, "bits", 16, True, task.spec.context)
    model = build_model(Component(name="draw", hidden_size=16, code=2, patch=3, rising=50), task.spec, 1)
    settings = Training(steps=300, batch_size=32, optimizer="adam", learning_rate=5e-3, evaluate_every=1000)
    list(fit(new_learner(model, settings), task, settings, seed=1))
    found = evaluate(model, task, task.evaluation("test", 400, 1))
    assert math.log(2) - 0.05 < found["bound"] < 2 * math.log(2)
    assert 0 < found["code"] < found["bound"]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(SettingsError, match="as bits; this task asks for classes"):
        draw(Spec("tokens", 2, "classes", 30, True, SPEC.context))
    model = draw()
    with pytest.raises(SettingsError, match="of 24 numbers; this task asks for 30"):
        model.start({"picture": torch.zeros(1, 4, 6, 1)}, 1)
