"""The error bounds that the vector functions state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from seqlab.fused import vector
from seqlab.fused._lanes import load, store

KINDS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
}
BOUNDS = {"exp": 2e-7, "sigmoid": 3e-7, "tanh": 4e-7}


@numba.njit(error_model="numpy")
def apply_rows(kind: int, x: Any, y: Any) -> None:
    for row in range(x.shape[0]):
        if kind == 0:
            store(y, row, vector.exp(load(x, row)))
        elif kind == 1:
            store(y, row, vector.sigmoid(load(x, row)))
        else:
            store(y, row, vector.tanh(load(x, row)))


def apply(name: str, x: Any, lanes: int) -> Any:
    rows = x.reshape(-1, lanes)
    result = np.empty_like(rows)
    apply_rows(list(KINDS).index(name), rows, result)
    return result.reshape(-1)


@pytest.mark.parametrize("name", KINDS)
def test_float32_keeps_the_stated_relative_error(name: str) -> None:
    x = np.concatenate(
        [np.linspace(-12, 12, 320_000), np.linspace(-87, 88, 64_000), 10.0 ** np.linspace(-37, 1, 32_000)]
    ).astype(np.float32)
    error = np.abs(apply(name, x, 16) / KINDS[name](x.astype(np.longdouble)) - 1)
    assert error.max() <= BOUNDS[name]


@pytest.mark.parametrize("name", KINDS)
def test_float64_is_the_library_s(name: str) -> None:
    x = np.linspace(-30, 30, 1600)
    np.testing.assert_allclose(apply(name, x, 8), KINDS[name](x), rtol=1e-15, atol=0)


def test_far_arguments_saturate_and_nan_goes_through() -> None:
    x = np.full(16, np.nan, np.float32)
    x[:4] = -np.inf, -1000, 1000, np.inf
    with np.errstate(all="ignore"):
        exp, sigmoid, tanh = (apply(name, x, 16) for name in KINDS)
    np.testing.assert_array_equal(tanh[:4], [-1, -1, 1, 1])
    np.testing.assert_allclose(sigmoid[:4], [0, 0, 1, 1], atol=1e-37)
    assert (exp[:2] < 1e-37).all()
    assert (exp[2:4] > 1e38).all()
    assert np.isnan([exp[4:], sigmoid[4:], tanh[4:]]).all()
