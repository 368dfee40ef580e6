"""The worked example comes out as printed, and its gradients are right in all three ways."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from seqlab.analysis import by_hand
from seqlab.analysis.by_hand import forwards_and_backwards, gradients_by_hand, worked_example


def test_the_steps_are_those_of_the_slide() -> None:
    steps = forwards_and_backwards()
    printed = [[0.5299, 0.4701], [0.5260, 0.4740], [0.5246, 0.4754], [0.5274, 0.4726]]
    for step, wanted in zip(steps, printed, strict=True):
        assert step.answer.tolist() == pytest.approx(wanted, abs=5e-5)
    assert steps[0].h.tolist() == pytest.approx([0.0997, 0, 0.0997], abs=5e-5)


def test_the_way_back_has_the_numbers_worked_out_with_a_pencil() -> None:
    *_, third, last = forwards_and_backwards()
    first, second = last.answer.tolist()
    assert last.d_o.tolist() == pytest.approx([first - 0.4, second - 0.5])
    assert last.d_h.tolist() == pytest.approx([-0.2 * (second - 0.5), 0.1 * (first - 0.4), 0])
    later = 0.1 * (1 - last.h[0] ** 2) * last.d_h[0]  # W has .1 from unit 0 to unit 0, and .2 from 0 to 2
    assert float(third.d_h[0]) == pytest.approx(float(-0.2 * third.d_o[1] + later))


def test_the_three_ways_agree_for_every_weight_of_every_cell() -> None:
    checks = worked_example().checks
    weights = {
        cell: {check.weight for check in checks if check.cell == cell} for cell in ("rnn", "lstm", "gru")
    }
    assert weights["rnn"] == weights["lstm"] == {"U", "b", "W", "V", "c"}
    assert weights["gru"] == {"U", "b", "W", "V", "c", "c_n"}
    for check in checks:
        assert check.from_autograd < 1e-12, check
        assert check.from_differences < 1e-8, check
        assert float(check.by_hand.abs().max()) > 1e-3


def test_a_wrong_equation_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = gradients_by_hand(forwards_and_backwards())

    def wrong(steps: list[by_hand.Step]) -> dict[str, torch.Tensor]:
        return {**right, "W": right["W"].t().contiguous()}

    monkeypatch.setattr(by_hand, "gradients_by_hand", wrong)
    broken = [check.weight for check in worked_example().checks if not check.agrees]
    assert broken == ["W"]
    assert_close(right["c"], sum(step.d_o for step in forwards_and_backwards()))
