"""The read-out, o(t) = V h(t) + d, its loss, and the error that goes back.

``wanted`` (T, LANES) holds the class or the value that is asked for, NaN where nothing is. Both the loss and
what is right are those of :class:`seqlab.tasks.Task`: the mean cross-entropy in nats, or squared error.
"""

from __future__ import annotations

import math
from typing import Any

from seqlab.fused._compiling import compiled, part
from seqlab.fused._lanes import fill, lane, load, select, store, total
from seqlab.fused.products import add_outer, add_product, add_sums, fill_rows, transpose
from seqlab.fused.vector import exp


@part
def asked(wanted: Any, T: int) -> tuple[int, int]:
    """Return the first step at which something is asked (T where nothing is), and how many answers are."""
    first, count = T, 0
    for t in range(T):
        want = load(wanted, t)
        here = int(total(select(want == want, fill(want, 1.0), fill(want, 0.0))))
        if here > 0 and first == T:
            first = t
        count += here
    return first, count


@compiled
def answers(n: Any, P: Any, T: int, first: int, h: Any, out: Any) -> None:
    """Write o(t) in rows (t - first) O to (t - first + 1) O of ``out``, for t from ``first`` on."""
    for t in range(first, T):
        fill_rows(P, n.d, n.O, out, (t - first) * n.O)
        add_product(P, n.V, n.O, n.H, h, (t + 1) * n.H, out, (t - first) * n.O)


@part
def squared_error(wanted: Any, T: int, first: int, count: int, out: Any) -> float:
    """Return the mean squared error and write its gradient in the place of the values ``out``."""
    loss = 0.0
    for t in range(first, T):
        want = load(wanted, t)
        difference = select(want == want, load(out, t - first) - want, fill(want, 0.0))
        loss += total(difference * difference)
        store(out, t - first, difference * (2.0 / count))
    return loss / count


@part
def cross_entropy(wanted: Any, T: int, O: int, first: int, count: int, out: Any) -> float:
    """Return the mean cross-entropy in nats and write its gradient in the place of the scores ``out``."""
    loss = 0.0
    for t in range(first, T):
        row, want = (t - first) * O, load(wanted, t)
        zero = fill(want, 0.0)
        greatest = load(out, row)
        for o in range(1, O):
            score = load(out, row + o)
            greatest = select(score > greatest, score, greatest)
        denominator, chosen = zero, zero
        for o in range(O):
            score = load(out, row + o) - greatest
            chosen = select(want == o, score, chosen)
            share = exp(score)
            denominator = denominator + share
            store(out, row + o, share)
        scale = select(want == want, fill(want, 1.0 / count) / denominator, zero)
        right = select(want == want, fill(want, -1.0 / count), zero)
        for o in range(O):
            store(out, row + o, load(out, row + o) * scale + select(want == o, right, zero))
        for i in range(wanted.shape[1]):
            if not math.isnan(wanted[t, i]):
                loss += math.log(lane(denominator, i)) - lane(chosen, i)
    return loss / count


@part
def tally(wanted: Any, T: int, O: int, first: int, out: Any, wrong: Any) -> int:
    """Count the answers that are right; note in ``wrong`` (1, LANES) the sequences in which one is not."""
    correct = 0
    store(wrong, 0, fill(load(wanted, 0), 0.0))
    for t in range(first, T):
        row, want = (t - first) * O, load(wanted, t)
        greatest, answer = load(out, row), fill(want, 0.0)
        for o in range(1, O):
            score = load(out, row + o)
            answer = select(score > greatest, fill(want, o), answer)
            greatest = select(score > greatest, score, greatest)
        one, zero = fill(want, 1.0), fill(want, 0.0)
        correct += int(total(select(answer == want, one, zero)))
        answered = select(answer == want, zero, select(want == want, one, zero))
        store(wrong, 0, load(wrong, 0) + answered)
    return correct


@part
def readout_gradients(n: Any, P: Any, T: int, first: int, h: Any, errors: Any, Vt: Any, G: Any) -> None:
    """Add dJ/dV and dJ/dd to ``G`` from dJ/do, and write the transpose of V, for the way back."""
    add_outer(errors, 0, n.O, n.O, h, (first + 1) * n.H, n.H, n.H, T - first, G, n.V)
    add_sums(errors, 0, n.O, n.O, T - first, G, n.d)
    transpose(P, n.V, n.O, n.H, Vt, 0, n.O)


@part
def add_readout_error(n: Any, t: int, first: int, Vt: Any, errors: Any, dh: Any) -> None:
    """Add dJ(t)/dh(t) = V^T dJ/do(t) to ``dh``."""
    if t >= first:
        add_product(Vt, 0, n.H, n.O, errors, (t - first) * n.O, dh, 0)
