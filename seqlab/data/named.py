"""Series by name: two that seqlab makes itself, and two that come with statsmodels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import numpy_stream
from seqlab.data._cells import Times
from seqlab.errors import NotInstalledError

TAU, RATE, STEPS_A_UNIT = 17, 0.2, 10
LENGTH, SETTLING = 6_000, 1_000


@dataclass(frozen=True)
class Named:
    """A series that has a name.

    Attributes:
        summary: what it is.
        read: returns its column's name, values (T,) with NaN at gaps, and times, where it has any.
    """

    summary: str
    read: Callable[[], tuple[str, NDArray[np.float64], Times | None]]


def mackey_glass(length: int = LENGTH, tau: int = TAU) -> NDArray[np.float64]:
    """Return x(t), t = 0, 1, ..., of the Mackey-Glass equation, (length,).

        dx/dt = 0.2 x(t - tau) / (1 + x(t - tau)^10) - 0.1 x(t)

    It is integrated by Runge and Kutta's method of fourth order in steps of 0.1, from x = 1.2 up to t = 0;
    the first 1,000 units of time are left out. Only sums, products and quotients are taken, so that the
    series, chaotic as it is, is the same on every machine.

    Source:
        Mackey & Glass, "Oscillation and chaos in physiological control systems", Science 197, 1977; so
        sampled by Jaeger & Haas, "Harnessing nonlinearity", Science 304, 2004.
    """
    delay, h = tau * STEPS_A_UNIT, 1 / STEPS_A_UNIT
    x = [1.2] * (delay + 1)
    for step in range((length + SETTLING) * STEPS_A_UNIT):
        now, then, next_ = x[-1], _fed(x[step]), _fed(x[step + 1])
        between = _fed((x[step] + x[step + 1]) / 2)
        a = then - 0.1 * now
        b = between - 0.1 * (now + h / 2 * a)
        c = between - 0.1 * (now + h / 2 * b)
        d = next_ - 0.1 * (now + h * c)
        x.append(now + h / 6 * (a + 2 * b + 2 * c + d))
    first = delay + SETTLING * STEPS_A_UNIT
    return np.array(x[first : first + length * STEPS_A_UNIT : STEPS_A_UNIT])


def sines(length: int = 3_000) -> NDArray[np.float64]:
    """Return waves of periods 12, 30 and 365 steps, with noise of a tenth of the first, (length,)."""
    steps = np.arange(length)
    waves = sum(size * np.sin(2 * np.pi * steps / period) for size, period in ((1, 12), (0.7, 30), (2, 365)))
    return np.asarray(waves + 0.1 * numpy_stream(0, "sines").normal(size=length))


def _fed(x: float) -> float:
    fifth = x * x * x * x * x
    return RATE * x / (1 + fifth * fifth)


def _co2() -> tuple[str, NDArray[np.float64], Times]:
    weekly = _of_statsmodels("co2").data
    monthly = weekly["co2"].resample("MS").mean()
    return "co2", monthly.to_numpy(np.float64), monthly.index.to_numpy().astype("M8[us]")


def _sunspots() -> tuple[str, NDArray[np.float64], Times]:
    yearly = _of_statsmodels("sunspots").data
    return "sunspots", yearly["SUNACTIVITY"].to_numpy(np.float64), yearly["YEAR"].to_numpy(np.float64)


def _of_statsmodels(name: str) -> Any:
    try:
        from statsmodels import datasets
    except ImportError:
        raise NotInstalledError(
            f"The series {name!r} comes with statsmodels, which is not installed.",
            hint="pip install 'seqlab[data]'; or take mackey-glass or sines, which seqlab makes itself.",
        ) from None
    return getattr(datasets, name).load_pandas()


NAMES: Mapping[str, Named] = {
    "mackey-glass": Named(
        "the Mackey-Glass equation with a delay of 17", lambda: ("x", mackey_glass(), None)
    ),
    "sines": Named("noisy waves of three periods", lambda: ("x", sines(), None)),
    "co2": Named("CO2 over Mauna Loa, 1958 to 2001, monthly means (statsmodels)", _co2),
    "sunspots": Named("sunspots a year, 1700 to 2008 (statsmodels)", _sunspots),
}
"""The series that there are by name."""
