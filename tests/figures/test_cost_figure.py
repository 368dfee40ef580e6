"""The picture of cost shows what was measured, and the floor beside it."""

from __future__ import annotations

import pytest
from matplotlib.lines import Line2D

from seqlab.analysis.growth import Growth, Measurement, Setting
from seqlab.figures.cost import cost_figure


def test_each_panel_shows_times_and_floors() -> None:
    base = {"time": 5, "hidden": 2, "batch": 4, "seeds": 1}
    sweeps = {"time": (5, 50), "seeds": (1, 10)}
    growth = Growth({}, sweeps, base, {}, {})
    for engine, time, seeds, ms in (
        ("torch", 5, 1, 2.0), ("torch", 50, 1, 20.0), ("fused", 5, 1, 0.5), ("fused", 5, 10, 0.1),
    ):  # fmt: skip
        point = Setting("rnn", engine, time, 2, 4, seeds)
        growth.measured[point] = Measurement(point, 1, ms / 1e3, 0, 1, 7, 1, 1, floor=ms / 1e5)
    panels = cost_figure(growth).axes

    def drawn(line: Line2D) -> list[tuple[float, float]]:
        return [(float(x), pytest.approx(float(y))) for x, y in zip(*line.get_data(), strict=True)]

    by_time, by_seeds = ([drawn(line) for line in panel.get_lines()] for panel in panels)
    assert [(5, 2.0), (50, 20.0)] in by_time
    assert [(5, 0.02), (50, 0.2)] in by_time  # the floor
    assert [(1, 0.5), (10, 0.1)] in by_seeds
    assert panels[0].get_xscale() == panels[0].get_yscale() == "log"
    assert panels[1].get_title() == "time 5, hidden 2, batch 4"
