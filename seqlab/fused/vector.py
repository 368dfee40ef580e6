r"""exp, sigmoid and tanh of whole vectors, for compiled code.

float32, over all finite arguments, as relative errors against exact arithmetic (tested):

    exp      2e-7    x = k ln 2 + r with k whole and |r| <= ln(2)/2; a polynomial of degree 5 in r, times 2^k
    sigmoid  3e-7    1 / (1 + exp(-x))
    tanh     4e-7    x P(x^2) / Q(x^2), both of degree 4, for |x| <= 9.02, beyond which it is 1 in float32

exp is held at exp(-87.3) and exp(88.3), sigmoid at what follows from it. The coefficients minimise the
greatest relative error (iteratively reweighted least squares). NaN goes in and comes out. float64 calls the
C library for each lane: it serves the tests, and exactness.
"""

from __future__ import annotations

import math
from typing import Any

from numba import types
from numba.extending import overload

from seqlab.fused._lanes import fill, fused, lane, nearest, power_of_two, quotient, select, with_lane
from seqlab.fused._marking import OPTIONS

INVERSE_LN2 = 1.4426950408889634
EXP = (1.000000072, 9.999996911e-01, 4.999889265e-01, 1.666757655e-01, 4.191562998e-02, 8.297619450e-03)
TANH_P = (9.999999791e-01, 1.337970102e-01, 3.494014382e-03, 2.058315086e-05, 1.331862561e-08)
TANH_Q = (1.0, 4.671301627e-01, 2.587099658e-02, 3.283059852e-04, 7.761833924e-07)
LN2_HIGH, LN2_LOW = 0.693359375, -2.1219444005469057e-4
"""ln 2 = high + low; high has 9 bits, so that k times it is exact."""


def exp(x: Any) -> Any:
    """Return e to the power of each lane."""
    raise NotImplementedError("for compiled code")


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)) of each lane."""
    raise NotImplementedError("for compiled code")


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of each lane."""
    raise NotImplementedError("for compiled code")


def _exp32(x: Any) -> Any:
    x = select(x > 88.3, fill(x, 88.3), x)
    x = select(x < -87.3, fill(x, -87.3), x)
    k = nearest(x * INVERSE_LN2)
    r = fused(k, fill(x, -LN2_LOW), fused(k, fill(x, -LN2_HIGH), x))
    p = fill(x, EXP[5])
    for i in (4, 3, 2, 1, 0):
        p = fused(p, r, fill(x, EXP[i]))
    return p * power_of_two(k)


def _sigmoid32(x: Any) -> Any:
    return quotient(fill(x, 1.0), exp(-1.0 * x) + 1.0)


def _tanh32(x: Any) -> Any:
    x = select(x > 9.02, fill(x, 9.02), x)
    x = select(x < -9.02, fill(x, -9.02), x)
    t = x * x
    p, q = fill(x, TANH_P[4]), fill(x, TANH_Q[4])
    for i in (3, 2, 1, 0):
        p, q = fused(p, t, fill(x, TANH_P[i])), fused(q, t, fill(x, TANH_Q[i]))
    return quotient(p * x, q)


def _exp64(x: Any) -> Any:
    for i in range(8):
        x = with_lane(x, i, math.exp(lane(x, i)))
    return x


def _sigmoid64(x: Any) -> Any:
    return 1.0 / (exp(-1.0 * x) + 1.0)


def _tanh64(x: Any) -> Any:
    for i in range(8):
        x = with_lane(x, i, math.tanh(lane(x, i)))
    return x


def _choose(function: Any, single: Any, double: Any) -> None:
    @overload(function, jit_options={**OPTIONS, "forceinline": True})
    def _typed(x: Any) -> Any:
        return single if x.dtype == types.float32 else double


_choose(exp, _exp32, _exp64)
_choose(sigmoid, _sigmoid32, _sigmoid64)
_choose(tanh, _tanh32, _tanh64)
