"""A text coloured by what a unit does while it is read: as a picture, as a page, or on a terminal.

Red is above the unit's mean over the whole text, blue below, each by its standard deviations.

Karpathy, Johnson & Fei-Fei, "Visualizing and understanding recurrent networks", 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from textwrap import fill
from unicodedata import east_asian_width

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from seqlab.analysis.cells import Passage
from seqlab.figures import glyphs
from seqlab.figures.style import look, plain

LIMIT = 2.0
"""Standard deviations at which colours are full."""

SHADES = 33
"""Different colours: an odd number, so that one of them is the middle."""

WIDTH = 88
"""Characters in a row of the picture; longer lines go on in the next."""

NARROWEST = 56
"""Characters in a row of the picture at least, for its title."""

_CELL, _ROW, _LETTER = 0.075, 0.15, 0.085  # inches
_FAMILIES = glyphs.families(glyphs.MONOSPACED)["font.family"]
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
    columns = max([NARROWEST, *(at + wide for place in places for _, at, wide in place)])
    rows = [max((row for row, _, _ in place), default=0) + 1 for place in places]
    width = _CELL * columns + 0.4
    heading = fill(title, int(width / _LETTER))
    captions = [fill(one.finding.summary, int(width / (0.82 * _LETTER))) for one in passages]
    above = [0.27 + 0.15 * (caption.count("\n") + 1) for caption in captions]  # for a finding's lines
    over = 0.27 + 0.18 * (heading.count("\n") + 1)
    total = over + sum(above) + _ROW * sum(rows) + 0.6
    with look():
        figure = Figure(figsize=(width, total), layout=PlaceHolderLayoutEngine(True, True))
        figure.suptitle(plain(heading), x=0.2 / width, y=1 - 0.12 / total, ha="left", va="top", fontsize=11)
        top = total - over
        for one, place, count, caption, room in zip(passages, places, rows, captions, above, strict=True):
            top -= room + _ROW * count
            box = (0.2 / width, top / total, _CELL * columns / width, _ROW * count / total)
            ax = figure.add_axes(box)
            _draw(ax, one, place, (count, columns))
            ax.set_title(plain(caption), fontsize=9, loc="left", pad=4)
        _scale(figure, width, total)
    return figure


def _scale(figure: Figure, width: float, total: float) -> None:
    """Draw what the colours mean, at the foot."""
    bar = figure.add_axes((0.2 / width, 0.34 / total, 1.9 / width, 0.11 / total))
    colours_of = ScalarMappable(Normalize(-LIMIT, LIMIT), "RdBu_r")
    figure.colorbar(colours_of, cax=bar, orientation="horizontal").outline.set_visible(False)
    bar.tick_params(labelsize=8)
    figure.text(
        2.25 / width, 0.39 / total, "standard deviations from the unit's mean", fontsize=8, va="center"
    )


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


def _lay_out(text: str) -> list[tuple[int, int, int]]:
    """Return row and column of each character, and how many columns it takes: two where it is wide."""
    places, row, column = [], 0, 0
    for sign in text:
        wide = 2 if east_asian_width(sign) in "WF" else 1
        if column + wide > WIDTH:
            row, column = row + 1, 0
        places.append((row, column, wide))
        row, column = (row + 1, 0) if sign == "\n" else (row, column + wide)
    return places


def _draw(ax: Axes, one: Passage, places: Sequence[tuple[int, int, int]], shape: tuple[int, int]) -> None:
    grid = np.full(shape, np.nan)
    for (row, column, wide), value in zip(places, one.values, strict=True):
        grid[row, column : column + wide] = value
    ax.imshow(grid, cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT, aspect="auto", interpolation="nearest")
    for (row, column, wide), sign, value in zip(places, one.text, one.values.tolist(), strict=True):
        if sign.isprintable() and sign != " ":
            drawn = plain(sign)
            ax.text(
                column + (wide - 1) / 2, row, drawn, color=colours(value)[1],
                fontsize=4 if "\n" in drawn else 7.5, family=_FAMILIES, linespacing=0.9,
                ha="center", va="center" if "\n" in drawn else "center_baseline",
            )  # fmt: skip
    ax.set_axis_off()
