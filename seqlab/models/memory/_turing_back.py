"""The way back through the steps of a neural Turing machine; see :mod:`seqlab.models.memory._turing_read`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seqlab.models.memory._turing import ADDRESS, part
from seqlab.models.memory._turing_read import (
    _add,
    _dot,
    _norms,
    _shift,
    _tanh,
    _write,
)


@part
def _from_softmax(found: Any, given: Any, back: Any, zero: Any) -> None:
    """Turn dJ/dfound into dJ/dscores."""
    mean = _dot(found, given, zero)
    for place in range(len(found)):
        back[place] = found[place] * (given[place] - mean)


@part
def _from_writing(
    memory: Any,
    weights: Any,
    erase: Any,
    add: Any,
    d_memory: Any,
    d_weights: Any,
    d_erase: Any,
    d_add: Any,
    one: Any,
) -> None:
    """Turn dJ/d(memory after) into dJ/d(memory before), in place, and add what the head is owed."""
    for place in range(len(memory)):
        was, given, e, a = memory[place], d_memory[place], erase[place], add[place]
        erased, added = one - one, one - one
        for slot in range(len(weights)):
            d, w, m = given[slot], weights[slot], was[slot]
            erased += d * m * w
            added += d * w
            d_weights[slot] += d * (a - m * e)
            given[slot] = d * (one - w * e)
        d_erase[place] -= erased
        d_add[place] += added


@part
def _from_addressing(
    told: Any, memory: Any, norms: Any, before: Any, content: Any, shifted: Any, weights: Any, d_weights: Any,
    d_told: Any, d_memory: Any, scratch: Any, tiny: Any,
) -> None:  # fmt: skip
    """Turn dJ/dweights into that of the weights before, and add what key, address and memory are owed.

    ``scratch`` is (3, N).
    """
    width, slots = memory.shape
    small, floor, one = tiny[0], tiny[1], tiny[2]
    zero = one - one
    key, strength, gate, sharpness = told[:width], told[width], told[width + 1], told[width + 5]
    back, other = scratch[0], scratch[1]
    _from_softmax(weights, d_weights, back, zero)
    owed = zero
    for slot in range(slots):  # weights = softmax(sharpness log(shifted + FLOOR))
        q = shifted[slot] + floor
        owed += back[slot] * math.log(q)
        back[slot] *= sharpness / q
    d_told[width + 5] += owed * (one - math.exp(one - sharpness))
    last, v = slots - 1, scratch[2]
    for slot in range(slots):
        v[slot] = gate * content[slot] + (one - gate) * before[slot]
    left = _dot(back[:last], v[1:], back[last] * v[0])
    stay = _dot(back, v, zero)
    right = _dot(back[1:], v[:last], back[0] * v[last])
    _shift(back, other, told[width + 4], told[width + 3], told[width + 2])
    mean = told[width + 2] * left + told[width + 3] * stay + told[width + 4] * right
    d_told[width + 2] += told[width + 2] * (left - mean)
    d_told[width + 3] += told[width + 3] * (stay - mean)
    d_told[width + 4] += told[width + 4] * (right - mean)
    owed = zero
    for slot in range(slots):
        owed += other[slot] * (content[slot] - before[slot])
        d_weights[slot] = (one - gate) * other[slot]
        other[slot] *= gate
    d_told[width + 1] += owed * gate * (one - gate)
    _from_softmax(content, other, back, zero)
    norm = math.sqrt(_dot(key, key, small))
    other[:] = zero
    for place in range(width):
        _add(other, memory[place], key[place])
    owed, along = zero, zero
    for slot in range(slots):  # content = softmax(strength key M / (|key| |M|))
        scale = one / (norm * norms[slot])
        alike = other[slot] * scale
        owed += back[slot] * alike
        d = back[slot] * strength
        along += d * alike
        other[slot] = d * alike / (norms[slot] * norms[slot])
        back[slot] = d * scale
    d_told[width] += owed * (one - math.exp(-strength))
    for place in range(width):
        k, line, given, owed = key[place], memory[place], d_memory[place], zero
        for slot in range(slots):
            owed += back[slot] * line[slot]
            given[slot] += back[slot] * k - other[slot] * line[slot]
        d_told[place] += owed - along * k / (norm * norm)
        d_told[place] *= one - k * k


@part
def _from_control(
    gates: Any, c_before: Any, c: Any, dh: Any, dc: Any, back: Any, has_cell: bool, one: Any
) -> None:
    """Turn dJ/dh, and dJ/dc of an LSTM, into dJ/dsums; dc becomes that of the step before."""
    size = len(dh)
    for unit in range(size):
        if has_cell:
            i, f, z, o = gates[unit], gates[size + unit], gates[2 * size + unit], gates[3 * size + unit]
            out = _tanh(c[unit], one)
            d = dc[unit] + dh[unit] * o * (one - out * out)
            back[unit] = d * z * i * (one - i)
            back[size + unit] = d * c_before[unit] * f * (one - f)
            back[2 * size + unit] = d * i * (one - z * z)
            back[3 * size + unit] = dh[unit] * out * o * (one - o)
            dc[unit] = d * f
        else:
            back[unit] = dh[unit] * (one - gates[unit] * gates[unit])


@part
def _from_memory(
    told: Any, before: Any, content: Any, shifted: Any, weights: Any, memory: Any, d_reads: Any,
    d_weights: Any, d_memory: Any, d_told: Any, readers: int, between: Any, norms: Any, scratch: Any,
    tiny: Any,
) -> None:  # fmt: skip
    """Go back through a step of all heads, of a row; what is owed becomes that of the step before."""
    heads, width, one = len(weights), len(memory), tiny[2]
    each = width + ADDRESS
    for writer in range(heads - readers - 1, -1, -1):
        was = memory
        for earlier in range(writer):
            into = told[heads * each + 2 * earlier * width :]
            _write(was, between, weights[readers + earlier], into[:width], into[width : 2 * width], one)
            was = between
        start, head = heads * each + 2 * writer * width, readers + writer
        erase, add = told[start : start + width], told[start + width : start + 2 * width]
        d_erase, d_add = d_told[start : start + width], d_told[start + width : start + 2 * width]
        _from_writing(was, weights[head], erase, add, d_memory, d_weights[head], d_erase, d_add, one)
        for place in range(width):
            d_erase[place] *= erase[place] * (one - erase[place])
            d_add[place] *= one - add[place] * add[place]
    for head in range(readers):
        for place in range(width):
            d = d_reads[head * width + place]
            _add(d_weights[head], memory[place], d)
            _add(d_memory[place], weights[head], d)
    _norms(memory, norms, tiny[0])
    for head in range(heads):
        _from_addressing(
            told[head * each :], memory, norms, before[head], content[head], shifted[head], weights[head],
            d_weights[head], d_told[head * each :], d_memory, scratch, tiny,
        )  # fmt: skip


def go_back(
    W: Any, P: Any, c: Any, gates: Any, acts: Any, weights: Any, content: Any, shifted: Any, memory: Any,
    readers: int, has_cell: bool, tiny: Any, d_shown: Any, dm: Any, dc: Any, d_weights: Any, d_memory: Any,
    d_gates: Any, d_acts: Any,
) -> None:  # fmt: skip
    """Go back through a sequence.

    Args:
        W: what the controller makes of [h; r], (G, H + R W).
        P: what tells the heads, (K, H).
        c, gates, acts, weights, content, shifted, memory, readers, has_cell, tiny: as of ``read_sequence``.
        d_shown: dJ/d[h; r](t), (T, B, H + R W), of what was shown.
        dm, dc, d_weights, d_memory: dJ/d(state at the end); becomes that of the state at the start.
        d_gates: (T, B, G), dJ/dsums, to be filled.
        d_acts: (T, B, K), that of what the heads are told, before its functions; noughts, to be filled.
    """
    steps, rows, _ = gates.shape
    size, one = P.shape[1], tiny[2]
    norms, scratch = np.empty(memory.shape[3], memory.dtype), np.empty((3, memory.shape[3]), memory.dtype)
    between, dh = np.empty_like(memory[0, 0]), np.empty((rows, size), memory.dtype)
    for t in range(steps - 1, -1, -1):
        for row in range(rows):
            _add(dm[row], d_shown[t, row], one)
            _from_memory(
                acts[t, row], weights[t, row], content[t, row], shifted[t, row], weights[t + 1, row],
                memory[t, row], dm[row, size:], d_weights[row], d_memory[row], d_acts[t, row], readers,
                between, norms, scratch, tiny,
            )  # fmt: skip
        np.dot(d_acts[t], P, dh)
        for row in range(rows):
            _add(dh[row], dm[row, :size], one)
            _from_control(
                gates[t, row], c[t, row], c[t + 1, row], dh[row], dc[row], d_gates[t, row], has_cell, one
            )
        np.dot(d_gates[t], W, dm)
