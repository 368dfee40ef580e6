"""Numpy's seeded random stream in compiled code: the same numbers as seqlab.contracts.numpy_stream gives.

O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms for random number
generation", 2014 (PCG-XSL-RR 128/64); the seed is spread by the hash of numpy's SeedSequence (O'Neill 2015).
Lemire, "Fast random integer generation in an interval", 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from seqlab.fused._marking import instruction, part

_U32, _U64 = np.uint32, np.uint64
_MULTIPLIER_HIGH, _MULTIPLIER_LOW = _U64(0x2360ED051FC65DA4), _U64(0x4385DF649FCCF645)
_SHIFT16, _SHIFT32, _LOW = _U32(16), _U64(32), _U64(0xFFFFFFFF)


@instruction
def _high_product(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the high 64 bits of the 128-bit product."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(arg, wide) for arg in args))
        return builder.trunc(builder.lshr(product, wide(64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), codegen


@part
def seed_stream(words: Any, stream: Any, room: Any) -> None:
    """Start a stream from its name, 4 or more uint32 words; ``room`` is (13,) uint32.

    ``stream`` is (6,) uint64: the state's high and low half, the increment's high and low half, whether half
    a word is left, and that half.
    """
    pool, spread, constant = room[:4], room[4:12], room[12:]
    constant[0] = _U32(0x43B0D7E5)
    for i in range(4):
        pool[i] = _hash(words[i], constant)
    for source in range(4):
        for i in range(4):
            if i != source:
                pool[i] = _mix(pool[i], _hash(pool[source], constant))
    for source in range(4, words.shape[0]):
        for i in range(4):
            pool[i] = _mix(pool[i], _hash(words[source], constant))
    key = _U32(0x8B51F9DD)
    for i in range(8):
        value = pool[i % 4] ^ key
        key = _U32(key * _U32(0x58F38DED))
        value = _U32(value * key)
        spread[i] = value ^ (value >> _SHIFT16)
    high, low = _pair(spread, 4), _pair(spread, 6)
    stream[0], stream[1], stream[4] = _U64(0), _U64(0), _U64(0)
    stream[2] = (high << _U64(1)) | (low >> _U64(63))
    stream[3] = (low << _U64(1)) | _U64(1)
    _advance(stream)
    high, seed = _pair(spread, 0), _pair(spread, 2)
    low = stream[1] + seed
    stream[0] = stream[0] + high + _U64(low < seed)
    stream[1] = low
    _advance(stream)


@part
def next_word(stream: Any) -> Any:
    """Return the next 64 random bits."""
    _advance(stream)
    high = stream[0]
    word, turn = high ^ stream[1], high >> _U64(58)
    return (word >> turn) | (word << ((_U64(64) - turn) & _U64(63)))


@part
def next_half(stream: Any) -> Any:
    """Return the next 32 random bits, of a word the low half first; whole words leave the other as it is."""
    if stream[4]:
        stream[4] = _U64(0)
        return stream[5]
    word = next_word(stream)
    stream[4], stream[5] = _U64(1), word >> _SHIFT32
    return word & _LOW


@part
def next_below(stream: Any, choices: int) -> Any:
    """Return the next whole number below ``choices``, of 32 bits (Lemire 2019); nothing is drawn for one."""
    count = _U64(choices)
    if count == _U64(1):
        return np.int64(0)
    product = next_half(stream) * count
    if product & _LOW < count:
        while product & _LOW < (_LOW + _U64(1) - count) % count:
            product = next_half(stream) * count
    return np.int64(product >> _SHIFT32)


@part
def next_uniform(stream: Any) -> float:
    """Return the next number, uniform in [0, 1)."""
    return float(next_word(stream) >> _U64(11)) * 2.0**-53


@part
def _advance(stream: Any) -> None:
    """Multiply the 128-bit state and add the increment."""
    high, low = stream[0], stream[1]
    new_high = _high_product(low, _MULTIPLIER_LOW) + high * _MULTIPLIER_LOW + low * _MULTIPLIER_HIGH
    new_low = low * _MULTIPLIER_LOW + stream[3]
    stream[0] = new_high + stream[2] + _U64(new_low < stream[3])
    stream[1] = new_low


@part
def _pair(words: Any, i: int) -> Any:
    """Return the 64 bits of words i and i + 1."""
    return _U64(words[i]) | (_U64(words[i + 1]) << _SHIFT32)


@part
def _hash(value: Any, constant: Any) -> Any:
    value = value ^ constant[0]
    constant[0] = _U32(constant[0] * _U32(0x931E8875))
    value = _U32(value * constant[0])
    return value ^ (value >> _SHIFT16)


@part
def _mix(x: Any, y: Any) -> Any:
    value = _U32(_U32(_U32(0xCA01F9DD) * x) - _U32(_U32(0x4973F715) * y))
    return value ^ (value >> _SHIFT16)
