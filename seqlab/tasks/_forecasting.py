"""What is forecast of a series, as whoever asked for it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor

Answering = Callable[[Tensor], Tensor]
"""A trained model: takes what is read, (B, T, I), and gives its outputs, (B, T, O)."""

Told = tuple[float, ...]


@dataclass(frozen=True)
class Forecast:
    """The forecast of one column of one series.

    Attributes:
        series: its name, where there are several; else empty.
        column: its name.
        time: what times are called.
        times: of what is forecast, H of them, as they are printed.
        values: what is forecast, H.
        lower: the lower end of the interval, as far as there is one.
        upper: the upper end, likewise.
        before: what was read last, as far as it is to be shown.
        came: what came, H, where that is known.
        beside: by the names of baselines their forecasts, H each.
    """

    series: str
    column: str
    time: str
    times: tuple[str, ...]
    values: Told
    lower: Told = ()
    upper: Told = ()
    before: Told = ()
    came: Told = ()
    beside: Mapping[str, Told] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is of: the column and, where there are several, the series."""
        return f"{self.column} of {self.series}" if self.series else self.column

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return asdict(self)
