"""The read-out, o(t) = V h(t) + d, its loss, and the error that goes back.

``wanted``, T v vectors, holds the class or the value that is asked for, NaN where nothing is. Both the loss
and what is right are those of :class:`seqlab.tasks.Task`: the mean cross-entropy in nats, or squared error.
"""

from __future__ import annotations

import math
from typing import Any

from seqlab.fused._lanes import fill, lane, lanes_of, load, select, store, total
from seqlab.fused._marking import inlined, part
from seqlab.fused.products import add_outer, add_product, add_sums, arrange_both, clear_vectors, fill_rows
from seqlab.fused.vector import exp


@inlined
def prepare_readout(n: Any, P: Any, F: Any, B: Any) -> None:
    """Arrange V in F, and its transpose in B."""
    arrange_both(P, n.V, n.O, n.H, F, B)


@part
def asked(v: int, wanted: Any, T: int) -> tuple[int, int]:
    """Return the first step at which something is asked (T where nothing is), and how many answers are."""
    first, count = T, 0
    for k in range(T * v):
        want = load(wanted, k)
        here = int(total(select(want == want, fill(want, 1.0), fill(want, 0.0))))
        if here > 0 and first == T:
            first = k // v
        count += here
    return first, count


@inlined
def answers(n: Any, P: Any, F: Any, T: int, first: int, h: Any, out: Any) -> None:
    """Write o(t) in rows (t - first) O to (t - first + 1) O of ``out``, for t from ``first`` on."""
    for t in range(first, T):
        row = (t - first) * n.O * n.v
        fill_rows(n.v, P, n.d, n.O, out, row)
        add_product(n.v, F, n.V, n.O, n.H, h, t * n.H * n.v, out, row)


@part
def squared_error(v: int, wanted: Any, T: int, first: int, count: int, out: Any) -> float:
    """Return the share of the mean squared error; write its gradient in the place of the values ``out``."""
    loss = 0.0
    for k in range(first * v, T * v):
        want = load(wanted, k)
        difference = select(want == want, load(out, k - first * v) - want, fill(want, 0.0))
        loss += total(difference * difference)
        store(out, k - first * v, difference * (2.0 / count))
    return loss / count


@part
def cross_entropy(v: int, wanted: Any, T: int, O: int, first: int, count: int, out: Any) -> float:
    """Return the share of the mean cross-entropy; write its gradient in the place of the scores ``out``."""
    loss, lanes = 0.0, lanes_of(out)
    for k in range(first * v, T * v):
        want = load(wanted, k)
        begin = (k // v - first) * O * v + k % v
        end = begin + O * v
        zero, greatest = fill(want, 0.0), load(out, begin)
        for row in range(begin + v, end, v):
            score = load(out, row)
            greatest = select(score > greatest, score, greatest)
        denominator, chosen, symbol = zero, zero, zero
        for row in range(begin, end, v):
            score = load(out, row) - greatest
            chosen = select(want == symbol, score, chosen)
            share = exp(score)
            denominator = denominator + share
            symbol = symbol + 1.0
            store(out, row, share)
        scale = select(want == want, fill(want, 1.0 / count) / denominator, zero)
        right = select(want == want, fill(want, -1.0 / count), zero)
        symbol = zero
        for row in range(begin, end, v):
            store(out, row, load(out, row) * scale + select(want == symbol, right, zero))
            symbol = symbol + 1.0
        for i in range(lanes):
            if not math.isnan(wanted[k * lanes + i]):
                loss += math.log(lane(denominator, i)) - lane(chosen, i)
    return loss / count


@part
def tally(v: int, wanted: Any, T: int, O: int, first: int, out: Any, wrong: Any) -> int:
    """Count the answers that are right; note in ``wrong``, a row, the sequences in which one is not."""
    correct = 0
    for i in range(v):
        store(wrong, i, fill(load(wanted, 0), 0.0))
    for k in range(first * v, T * v):
        want = load(wanted, k)
        begin = (k // v - first) * O * v + k % v
        greatest, answer = load(out, begin), fill(want, 0.0)
        for o in range(1, O):
            score = load(out, begin + o * v)
            answer = select(score > greatest, fill(want, o), answer)
            greatest = select(score > greatest, score, greatest)
        one, zero = fill(want, 1.0), fill(want, 0.0)
        correct += int(total(select(answer == want, one, zero)))
        answered = select(answer == want, zero, select(want == want, one, zero))
        store(wrong, k % v, load(wrong, k % v) + answered)
    return correct


@inlined
def readout_gradients(n: Any, T: int, first: int, h: Any, errors: Any, G: Any, room: Any) -> None:
    """Add dJ/dV and dJ/dd to ``G`` from dJ/do."""
    v, step, K = n.v, n.O * n.v, n.H * n.v
    if first < T:
        add_outer(v, errors, 0, step, n.O, h, first * K, K, n.H, T - first, G, n.V, room)
        add_sums(v, errors, 0, step, n.O, T - first, G, n.d, room)


@inlined
def readout_errors(n: Any, B: Any, T: int, first: int, errors: Any, above: Any) -> None:
    """Write dJ(t)/dh(t) = V^T dJ/do(t) of the steps from ``first`` on."""
    K = n.H * n.v
    for t in range(first, T):
        clear_vectors(above, t * K, K)
        add_product(n.v, B, n.V, n.H, n.O, errors, (t - first) * n.O * n.v, above, t * K)


@part
def add_error(n: Any, t: int, first: int, above: Any, dh: Any) -> None:
    """Add to ``dh`` what comes from above to h(t), if t is not before ``first``."""
    if t >= first:
        K = n.H * n.v
        for j in range(K):
            store(dh, j, load(dh, j) + load(above, t * K + j))
