"""The steps of a neural Turing machine over a whole sequence, for the compiler.

Row by row and step by step in plain loops: what is computed is small, and what costs time in torch is to say
it. :class:`seqlab.models.memory.ntm.NTM` has the equations, and the same in a few lines of torch.

Shapes: B rows, T steps, H units, G sums of the controller (4 H, or H without a cell), A heads of which the
first R read, N slots of W numbers, K numbers by which the heads are told what to do.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seqlab.models.memory._turing import ADDRESS, part


@part
def _add(total: Any, row: Any, times: Any) -> None:
    for place in range(len(total)):
        total[place] += times * row[place]


@part
def _dot(one: Any, other: Any, total: Any) -> Any:
    for place in range(len(one)):
        total += one[place] * other[place]
    return total


@part
def _sigmoid(x: Any, one: Any) -> Any:
    return one / (one + math.exp(-x))


@part
def _tanh(x: Any, one: Any) -> Any:
    """Return tanh by exp, which a loop of several lanes at a time can do: to 1e-7 in float32, absolutely."""
    return one - (one + one) / (one + math.exp(x + x))


@part
def _softplus(x: Any, one: Any) -> Any:
    return math.log(one + math.exp(x)) if x < 20 * one else x


@part
def _softmax(scores: Any, found: Any, zero: Any) -> None:
    most = scores[0]
    for place in range(1, len(scores)):
        most = max(most, scores[place])
    total = zero
    for place in range(len(scores)):
        found[place] = math.exp(scores[place] - most)
        total += found[place]
    for place in range(len(scores)):
        found[place] /= total


@part
def _activate(acts: Any, heads: int, width: int, one: Any) -> None:
    """Turn sums into what heads are told, in place: keys and addresses, then what to erase and to add."""
    each = width + ADDRESS
    for head in range(heads):
        mine = acts[head * each : (head + 1) * each]
        for place in range(width):
            mine[place] = _tanh(mine[place], one)
        mine[width] = _softplus(mine[width], one)
        mine[width + 1] = _sigmoid(mine[width + 1], one)
        _softmax(mine[width + 2 : width + 5], mine[width + 2 : width + 5], one - one)
        mine[width + 5] = one + _softplus(mine[width + 5], one)
    writes = acts[heads * each :]
    for place in range(len(writes)):
        x = writes[place]
        writes[place] = _sigmoid(x, one) if (place // width) % 2 == 0 else _tanh(x, one)


@part
def _control(gates: Any, h: Any, c_before: Any, c: Any, has_cell: bool, one: Any) -> None:
    """Turn sums into gates, in place, and set h and, of an LSTM, c."""
    size = len(h)
    for unit in range(size):
        if has_cell:
            i, f = _sigmoid(gates[unit], one), _sigmoid(gates[size + unit], one)
            z, o = _tanh(gates[2 * size + unit], one), _sigmoid(gates[3 * size + unit], one)
            gates[unit], gates[size + unit], gates[2 * size + unit], gates[3 * size + unit] = i, f, z, o
            c[unit] = f * c_before[unit] + i * z
            h[unit] = o * _tanh(c[unit], one)
        else:
            gates[unit] = _tanh(gates[unit], one)
            h[unit] = gates[unit]
            c[unit] = c_before[unit]


@part
def _norms(memory: Any, norms: Any, small: Any) -> None:
    norms[:] = small
    for place in range(len(memory)):
        line = memory[place]
        for slot in range(len(norms)):
            norms[slot] += line[slot] * line[slot]
    for slot in range(len(norms)):
        norms[slot] = math.sqrt(norms[slot])


@part
def _shift(v: Any, found: Any, up: Any, stay: Any, down: Any) -> None:
    """Set found(i) = up v(i + 1) + stay v(i) + down v(i - 1), in a circle."""
    last = len(v) - 1
    for slot in range(1, last):
        found[slot] = up * v[slot + 1] + stay * v[slot] + down * v[slot - 1]
    found[0] = up * v[1] + stay * v[0] + down * v[last]
    found[last] = up * v[0] + stay * v[last] + down * v[last - 1]


@part
def _address(
    told: Any,
    memory: Any,
    norms: Any,
    before: Any,
    content: Any,
    shifted: Any,
    weights: Any,
    tiny: Any,
    one: Any,
) -> None:
    """Find a head's weights from its key and address, and from its weights before."""
    width, slots = memory.shape
    small, floor = tiny[0], tiny[1]
    key, strength, gate, sharpness = told[:width], told[width], told[width + 1], told[width + 5]
    scale = strength / math.sqrt(_dot(key, key, small))
    weights[:] = one - one
    for place in range(width):
        _add(weights, memory[place], key[place])
    for slot in range(slots):
        weights[slot] *= scale / norms[slot]
    _softmax(weights, content, one - one)
    for slot in range(slots):
        weights[slot] = gate * content[slot] + (one - gate) * before[slot]
    _shift(weights, shifted, told[width + 2], told[width + 3], told[width + 4])
    for slot in range(slots):
        weights[slot] = sharpness * math.log(shifted[slot] + floor)
    _softmax(weights, weights, one - one)


@part
def _write(memory: Any, after: Any, weights: Any, erase: Any, add: Any, one: Any) -> None:
    for place in range(len(memory)):
        was, new, e, a = memory[place], after[place], erase[place], add[place]
        for slot in range(len(weights)):
            new[slot] = was[slot] + weights[slot] * (a - e * was[slot])


def read_sequence(
    sums: Any, W: Any, P: Any, bias: Any, m: Any, c: Any, gates: Any, acts: Any, weights: Any, content: Any,
    shifted: Any, memory: Any, readers: int, has_cell: bool, tiny: Any,
) -> None:  # fmt: skip
    """Read a sequence, and keep what the way back needs.

    Args:
        sums: U x(t) + b, (T, B, G).
        W: what the controller makes of [h; r] before, transposed: (H + R W, G).
        P: what tells the heads, transposed, (H, K), and its ``bias``, (K,).
        m: [h; r], (T + 1, B, H + R W), the start in place 0, as in c (T + 1, B, H), ``weights``
            (T + 1, B, A, N) and ``memory`` (T + 1, B, W, N); all is filled.
        gates: (T, B, G), ``acts`` (T, B, K), ``content`` and ``shifted`` (T, B, A, N): to be filled.
        readers: R.
        has_cell: whether the controller is an LSTM.
        tiny: SMALL, FLOOR and 1, in the type of all else.
    """
    steps, rows, _ = sums.shape
    size, one = len(P), tiny[2]
    norms, h = np.empty(memory.shape[3], memory.dtype), np.empty((rows, size), memory.dtype)
    for t in range(steps):
        np.dot(m[t], W, gates[t])
        for row in range(rows):
            _add(gates[t, row], sums[t, row], one)
            _control(gates[t, row], h[row], c[t, row], c[t + 1, row], has_cell, one)
            m[t + 1, row, :size] = h[row]
        np.dot(h, P, acts[t])
        for row in range(rows):
            _add(acts[t, row], bias, one)
            _use_memory(
                acts[t, row], weights[t, row], content[t, row], shifted[t, row], weights[t + 1, row],
                memory[t, row], memory[t + 1, row], m[t + 1, row, size:], norms, readers, tiny,
            )  # fmt: skip


@part
def _use_memory(
    told: Any, before: Any, content: Any, shifted: Any, weights: Any, memory: Any, after: Any, reads: Any,
    norms: Any, readers: int, tiny: Any,
) -> None:  # fmt: skip
    """Do a step of all heads, of a row."""
    heads, width, one = len(weights), len(memory), tiny[2]
    each = width + ADDRESS
    _activate(told, heads, width, one)
    _norms(memory, norms, tiny[0])
    for head in range(heads):
        _address(
            told[head * each :], memory, norms, before[head], content[head], shifted[head], weights[head],
            tiny, one,
        )  # fmt: skip
    for head in range(readers):
        for place in range(width):
            reads[head * width + place] = _dot(memory[place], weights[head], one - one)
    for writer in range(heads - readers):
        into = told[heads * each + 2 * writer * width :]
        _write(
            memory if writer == 0 else after, after, weights[readers + writer], into[:width],
            into[width : 2 * width], one,
        )  # fmt: skip
