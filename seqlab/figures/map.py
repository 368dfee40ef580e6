"""A map: points in two dimensions, coloured by a label."""

from __future__ import annotations

import re
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.figures.style import COLOURS, MARKERS, look, plain

MOST_NAMED = 16
"""Labels that stand in the legend; of more, some evenly chosen ones do."""

MOST_WORDS = 200
"""Words that are written at their points."""


def map_figure(
    places: NDArray[np.float64], labels: Sequence[str], name: str, title: str, words: Sequence[str] = ()
) -> Figure:
    """Draw a map.

    Args:
        places: of the points, (N, 2).
        labels: of each; empty where there are none.
        name: what the labels are.
        title: stands above.
        words: to be written at the points, where these are words.

    Returns:
        Each label has a colour and a marker. Of many labels the colours go on from one to the next in their
        order, that of numbers where they begin with numbers.
    """
    with look():
        figure = Figure(figsize=(8.6, 6.4))
        axes = figure.subplots()
        figure.suptitle(plain(title), fontsize=11)
        axes.spines[:].set_visible(False)
        axes.set_xticks([])
        axes.set_yticks([])
        values = np.array(labels or [""] * len(places))
        every = sorted(set(values.tolist()), key=_order)
        shades = matplotlib.colormaps["turbo"](np.linspace(0.02, 0.98, len(every)))
        colours = COLOURS if len(every) <= len(COLOURS) else list(map(tuple, shades))
        named = set(every[:: -(-len(every) // MOST_NAMED)])
        for number, label in enumerate(every):
            here = places[values == label]
            marker, size = ("o", 12.0) if words else (MARKERS[number % len(MARKERS)], 22.0)
            axes.scatter(
                here[:, 0], here[:, 1], s=size, color=colours[number], marker=marker, linewidths=0,
                label=plain(label) if label in named else None,
            )  # fmt: skip
        for place, word in list(zip(places, words, strict=False))[:MOST_WORDS]:
            axes.annotate(plain(word), tuple(place), fontsize=7, xytext=(2, 2), textcoords="offset points")
        if len(every) > 1:
            figure.legend(title=plain(name), loc="outside right upper")
    return figure


def _order(label: str) -> tuple[float, str]:
    found = re.match(r"\d+", label)
    return (float(found[0]) if found else np.inf), label
