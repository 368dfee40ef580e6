"""Normal and exponential numbers in compiled code, as numpy draws them: by the ziggurat.

256 layers of one area cover that below a density: a random number chooses a layer and a place in it, which
nearly always lies below the density. The tables are numpy's to the bit but for those of exponential numbers,
which are so to 13 digits: of a million million numbers of trials one may differ for that.

Marsaglia & Tsang, "The ziggurat method for generating random variables", 2000, as numpy has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.fused._marking import part
from seqlab.fused.drawing.streams import next_half, next_uniform, next_word

NORMAL, EXPONENTIAL = 3.6541528853610088, 7.69711747013104972
"""Where the tails begin."""

INVERSE = 1 / NORMAL

Table = NDArray[Any]


def _layers(
    bits: int, tail: float, area: float, density: Callable[[float], float], place: Callable[[float], float]
) -> tuple[list[int], list[float], list[float]]:
    """Return of each layer up to where it lies below the density for certain, its width and its height.

    Widths are those of one of the 2^bits places in a layer; the first layer has the tail.
    """
    scale, x, y = 2.0**bits, tail, density(tail)
    inner, widths, heights = [0] * 256, [0.0] * 256, [1.0] * 256
    inner[0], widths[0] = round(x * y / area * scale), area / y / scale
    for i in range(255, 0, -1):
        widths[i], heights[i] = x / scale, y
        if i > 1:
            outer, x = x, place(area / x + y)
            inner[i], y = round(x / outer * scale), density(x)
    return inner, widths, heights


def _bell(x: float) -> float:
    y = math.exp(-0.5 * x * x)
    return 0.6773880362187735 if y == 0.6773880362187734 else y  # numpy's table has the last bit so


def _normal_layers(bits: int) -> tuple[list[int], list[float], list[float]]:
    return _layers(bits, NORMAL, 0.0049286732339746519, _bell, lambda y: math.sqrt(-2 * math.log(y)))


def _as_arrays(layers: tuple[list[int], list[float], list[float]], kind: Any) -> tuple[Table, Table, Table]:
    inner, widths, heights = layers
    return np.array(inner, np.uint64), np.array(widths, kind), np.array(heights, kind)


_INNER32, _WIDTH32, _HEIGHT32 = _as_arrays(_normal_layers(23), np.float32)
_INNER64, _WIDTH64, _HEIGHT64 = _as_arrays(_normal_layers(52), np.float64)
_INNER, _WIDTH, _HEIGHT = _as_arrays(
    _layers(53, EXPONENTIAL, 0.0039496598225815571993, lambda x: math.exp(-x), lambda y: -math.log(y)),
    np.float64,
)

_F32, _U64 = np.float32, np.uint64
_TAIL32, _INVERSE32 = _F32(NORMAL), _F32(INVERSE)
_LAYER, _ONE, _PLACE32, _PLACE64 = _U64(0xFF), _U64(1), _U64(2**23 - 1), _U64(2**52 - 1)


@part
def next_normal32(stream: Any) -> Any:
    """Return the next standard normal number, float32."""
    while True:
        word = next_half(stream)
        layer, place = word & _LAYER, (word >> _U64(9)) & _PLACE32
        x = _F32(place) * _WIDTH32[layer]
        if word & _U64(0x100):
            x = -x
        if place < _INNER32[layer]:
            return x
        if layer == _U64(0):
            return _tail32(stream, place)
        above, below = _HEIGHT32[layer - _ONE], _HEIGHT32[layer]
        if (above - below) * _uniform32(stream) + below < math.exp(-0.5 * x * x):
            return x


@part
def _tail32(stream: Any, place: Any) -> Any:
    while True:
        x = -_INVERSE32 * _F32(math.log1p(-_uniform32(stream)))
        y = -_F32(math.log1p(-_uniform32(stream)))
        if y + y > x * x:
            return -(_TAIL32 + x) if (place >> _U64(8)) & _ONE else _TAIL32 + x


@part
def _uniform32(stream: Any) -> Any:
    return _F32(next_half(stream) >> _U64(8)) * _F32(2.0**-24)


@part
def next_normal(stream: Any) -> float:
    """Return the next standard normal number."""
    while True:
        word = next_word(stream)
        layer, place = word & _LAYER, (word >> _U64(9)) & _PLACE64
        x = place * _WIDTH64[layer]
        if word & _U64(0x100):
            x = -x
        if place < _INNER64[layer]:
            return float(x)
        if layer == _U64(0):
            return _tail(stream, place)
        above, below = _HEIGHT64[layer - _ONE], _HEIGHT64[layer]
        if (above - below) * next_uniform(stream) + below < math.exp(-0.5 * x * x):
            return float(x)


@part
def _tail(stream: Any, place: Any) -> float:
    while True:
        x = -INVERSE * math.log1p(-next_uniform(stream))
        y = -math.log1p(-next_uniform(stream))
        if y + y > x * x:
            return -(NORMAL + x) if (place >> _U64(8)) & _ONE else NORMAL + x


@part
def next_exponential(stream: Any) -> float:
    """Return the next number of an exponential distribution of mean 1."""
    while True:
        word = next_word(stream) >> _U64(3)
        layer, place = word & _LAYER, word >> _U64(8)
        x = place * _WIDTH[layer]
        if place < _INNER[layer]:
            return float(x)
        if layer == _U64(0):
            return EXPONENTIAL - math.log1p(-next_uniform(stream))
        above, below = _HEIGHT[layer - _ONE], _HEIGHT[layer]
        if (above - below) * next_uniform(stream) + below < math.exp(-x):
            return float(x)


@part
def next_geometric(stream: Any, chance: float) -> int:
    """Return the next number of trials up to the first success, whose chance is less than 1/3."""
    return math.ceil(-next_exponential(stream) / math.log1p(-chance))
