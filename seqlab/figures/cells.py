"""A text coloured by what a unit does while it is read: as a picture, as a page, or on a terminal.

Red is above the unit's mean over the whole text, blue below, each by its standard deviations.

Karpathy, Johnson & Fei-Fei, "Visualizing and understanding recurrent networks", 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from seqlab.analysis.cells import Passage
from seqlab.figures.style import look

LIMIT = 2.0
"""Standard deviations at which colours are full."""

SHADES = 33
"""Different colours: an odd number, so that one of them is the middle."""

WIDTH = 88
"""Characters in a row of the picture; longer lines go on in the next."""

_CELL, _ROW = 0.075, 0.15  # inches
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; }
pre { font: 14px/1.45 ui-monospace, Menlo, Consolas, monospace; padding: 0.6rem; border: 1px solid #ddd;
      white-space: pre-wrap; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 0.4rem; }
.scale { display: flex; gap: 0.6rem; align-items: center; }
b { font-weight: inherit; }
.scale i { flex: 0 0 14rem; height: 0.9rem; }
""".strip()


def passages_figure(passages: Sequence[Passage], title: str) -> Figure:
    """Draw each passage below its finding.

    Args:
        passages: the texts and what their units did.
        title: stands above.
    """
    places = [_lay_out(one.text) for one in passages]
    rows = [max((row for row, _ in place), default=0) + 1 for place in places]
    heights = [_ROW * count for count in rows]
    above = 0.42  # for a finding's line
    with look():
        total = 1.0 + sum(heights) + above * len(heights)
        width = _CELL * WIDTH + 0.4
        figure = Figure(figsize=(width, total), layout=PlaceHolderLayoutEngine(True, True))
        figure.text(0.2 / width, 1 - 0.25 / total, title.replace("$", r"\$"), fontsize=11, va="center")
        top = total - 0.45
        for one, place, height in zip(passages, places, heights, strict=True):
            top -= above + height
            ax = figure.add_axes((0.2 / width, top / total, _CELL * WIDTH / width, height / total))
            _draw(ax, one, place)
        bar = figure.add_axes((0.2 / width, 0.34 / total, 2.4 / width, 0.11 / total))
        scale = ScalarMappable(Normalize(-LIMIT, LIMIT), "RdBu_r")
        figure.colorbar(scale, cax=bar, orientation="horizontal").outline.set_visible(False)
        bar.tick_params(labelsize=8)
        figure.text(
            2.75 / width, 0.39 / total, "standard deviations from the unit's mean", fontsize=8, va="center"
        )
    return figure


def cells_page(passages: Sequence[Passage], title: str) -> str:
    """Return a page of HTML that needs nothing else, with each passage below its finding."""
    shades = [colours(value) for value in np.linspace(-LIMIT, LIMIT, SHADES)]
    style = "\n".join(
        f"b.s{k} {{ background: {back}; color: {ink}; }}" for k, (back, ink) in enumerate(shades)
    )
    scale = ", ".join(back for back, _ in shades)
    parts = [
        f'<h1>{escape(title)}</h1>\n<p class="scale">below the unit\'s mean '
        f'<i style="background: linear-gradient(to right, {scale})"></i> above it (to {LIMIT:g} standard '
        "deviations)</p>"
    ]
    for one in passages:
        parts.append(f"<h2>{escape(one.finding.summary)}</h2>\n<pre>{_spans(one)}</pre>")
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n{style}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def colours(value: float) -> tuple[str, str]:
    """Return the background of a character and the colour of its sign on it, as #rrggbb.

    >>> colours(0.0), colours(-9.0)
    (('#f7f6f6', '#000000'), ('#053061', '#ffffff'))
    """
    shade = _shade(value) / (SHADES - 1)
    red, green, blue, _ = matplotlib.colormaps["RdBu_r"](shade)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    return to_hex((red, green, blue)), "#ffffff" if dark else "#000000"


def _shade(value: float) -> int:
    return round((min(max(value / LIMIT, -1.0), 1.0) + 1) / 2 * (SHADES - 1))


def _spans(one: Passage) -> str:
    """Return a passage as HTML, neighbours of one colour together."""
    parts = []
    coloured = zip(one.text, map(_shade, one.values.tolist()), strict=True)
    for shade, group in groupby(coloured, key=lambda pair: pair[1]):
        text = escape("".join(sign for sign, _ in group)).replace(
            "\n", " \n"
        )  # an end of a line is seen, too
        parts.append(f'<b class="s{shade}">{text}</b>')
    return "".join(parts)


def _lay_out(text: str) -> list[tuple[int, int]]:
    """Return row and column of each character."""
    places, row, column = [], 0, 0
    for sign in text:
        if column == WIDTH:
            row, column = row + 1, 0
        places.append((row, column))
        row, column = (row + 1, 0) if sign == "\n" else (row, column + 1)
    return places


def _draw(ax: Axes, one: Passage, places: Sequence[tuple[int, int]]) -> None:
    rows = max((row for row, _ in places), default=0) + 1
    grid = np.full((rows, WIDTH), np.nan)
    for (row, column), value in zip(places, one.values, strict=True):
        grid[row, column] = value
    ax.imshow(grid, cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT, aspect="auto", interpolation="nearest")
    for (row, column), sign, value in zip(places, one.text, one.values.tolist(), strict=True):
        if sign.isprintable() and sign != " ":
            ax.text(
                column, row, sign.replace("$", r"\$"), color=colours(value)[1], fontsize=7.5,
                family="DejaVu Sans Mono", ha="center", va="center_baseline",
            )  # fmt: skip
    ax.set_title(one.finding.summary.replace("$", r"\$"), fontsize=9, loc="left", pad=4)
    ax.set_axis_off()
