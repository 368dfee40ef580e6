"""The pictures of the memory show what it did."""

from __future__ import annotations

import numpy as np

from seqlab.analysis.memory import DRIVES, drive_memory
from seqlab.figures.memory import memory_figure


def test_each_way_has_its_gates_and_its_lines() -> None:
    drives = drive_memory()
    figure = memory_figure(drives)
    (legend,) = figure.legends
    assert {"gate open (1)", "gate shut (0)"} < {text.get_text() for text in legend.get_texts()}
    axes = figure.axes
    count = len(DRIVES)
    for drive, gates, values in zip(drives, axes[:count], axes[count:], strict=True):
        assert gates.get_title() == drive.name
        assert np.array_equal(gates.images[0].get_array(), [drive.gates[name] for name in "fio"])
        g, c, h = (np.asarray(drawn.get_ydata()) for drawn in values.get_lines()[:3])
        assert np.array_equal(g, drive.gates["g"])
        assert np.array_equal(c, drive.c)
        assert np.array_equal(h, drive.h)
