"""The look of all pictures, in one place, and how they are saved.

A picture is made and saved inside :func:`look`, with matplotlib's object interface (``Figure()``, no pyplot):
no global state, and no screen is needed. A model has one colour in every picture (:func:`lines_of`). Lines
differ in colour, in style and in marker, so that they can be told apart in grey and by every eye. With one
version of matplotlib, and the same fonts, the same data gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import matplotlib
from cycler import cycler
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from seqlab.doing import doing
from seqlab.errors import UsageError
from seqlab.figures import glyphs
from seqlab.figures.wishes import wished
from seqlab.runs import replace_file

Lines = Mapping[str, dict[str, Any]]
"""Colour, line style and marker by label."""

COLOURS = (
    "#0072b2",
    "#e69f00",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#000000",
    "#56b4e9",
    "#882255",
)  # Okabe and Ito's palette; for its yellow, which is pale on white, a wine of Tol's
MARK = "#d55e00"
"""What is to be looked at; what is wrong."""

RIGHT = "#009e73"
SHADES = (0.0, -0.5, 0.45, -0.25, 0.22)
"""How far a colour goes, for variants of one model, to white (above 0) or to black."""

LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v")
FORMATS = ("png", "svg", "pdf")
USUAL_FORMATS = ("png", "svg")
_WRITING: dict[str, dict[str, Any]] = {
    # to compress further takes a quarter of a picture's time, and some 3 % off its size
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 4}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
}
"""How each format is written: without a date."""

_SETTINGS: Any = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e0e0e0",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "image.cmap": "cividis",
    "svg.fonttype": "path",  # looks the same where the font is missing
    "svg.hashsalt": "seqlab",
    "pdf.fonttype": 42,  # letters stay letters
}


@contextmanager
def look() -> Iterator[None]:
    """Give every figure made or saved inside the common look; matplotlib's settings come back after it."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # not what a user's matplotlibrc says
        matplotlib.rcParams.update(_SETTINGS | glyphs.families())
        matplotlib.rcParams["axes.prop_cycle"] = cycler(color=COLOURS, linestyle=LINE_STYLES * 2)
        wanted: Any = wished().settings
        matplotlib.rcParams.update(wanted)
        yield


WELL_KNOWN = ("gru", "irnn", "lstm", "mingru", "minlstm", "ngram", "rnn", "transformer")
"""Models with a colour of their own, in the order of the palette: there are more models than colours."""


def line(index: int) -> dict[str, Any]:
    """Return colour, line style and marker of line number ``index`` (from 0) of what are no models.

    >>> line(0)
    {'color': '#0072b2', 'linestyle': '-', 'marker': 'o'}
    """
    return _line(index, 0)


def lines_of(models: Sequence[str]) -> list[dict[str, Any]]:
    """Return colour, line style and marker of a line for each model, the same in every picture.

    Those of :data:`WELL_KNOWN` have a colour each. That of any other follows from its name; where another
    model of the picture has it already, it is the next that is free. Several lines of one model, as of
    ``lstm[chrono=100]`` and ``lstm``, are shades of its colour.

    Args:
        models: as they are written, in the order of the legend.

    >>> [style["color"] for style in lines_of(["lstm", "gru", "lstm[chrono=100]"])]
    ['#d55e00', '#0072b2', '#6a2f00']
    """
    names = [_family(model) for model in models]
    places = _places(list(dict.fromkeys(names)))
    found = [_line(places[name], names[:number].count(name)) for number, name in enumerate(names)]
    colours = wished().colours
    for model, name, style in zip(models, names, found, strict=True):
        style["color"] = colours.get(model, colours.get(name, style["color"]))
    return found


def lines_by(models: Mapping[str, str]) -> Lines:
    """Return by label what :func:`lines_of` says of the model that it stands for."""
    return dict(zip(models, lines_of(list(models.values())), strict=True))


def _family(model: str) -> str:
    """Return what decides a model's colour: its name without options; of a file its stem.

    >>> _family("lstm[chrono=100]"), _family("cells/my_cell.py:Mine")
    ('lstm', 'my_cell')
    """
    name = re.split(r"[\[ ,]", model, maxsplit=1)[0]
    file, found, _ = name.partition(".py")
    return Path(file).name if found else name


def _places(names: Sequence[str]) -> dict[str, int]:
    """Return the place of each model in the palette."""
    found = {name: WELL_KNOWN.index(name) for name in names if name in WELL_KNOWN}
    for name in names:
        if name not in found:
            wish = crc32(name.encode())
            order = [(wish + step) % len(COLOURS) for step in range(len(COLOURS))]
            found[name] = next((place for place in order if place not in found.values()), order[0])
    return found


def _line(place: int, variant: int) -> dict[str, Any]:
    """Return a line of the colour at a place of the palette; 100 variants of it differ."""
    return {
        "color": shade(COLOURS[place % len(COLOURS)], SHADES[variant % len(SHADES)]),
        "linestyle": LINE_STYLES[(place + place // 4 + variant) % len(LINE_STYLES)],
        "marker": MARKERS[(place + variant + variant // 20 + place // len(COLOURS)) % len(MARKERS)],
    }


def shade(colour: str, amount: float) -> str:
    """Return a colour on its way to white, or to black where the amount is below 0.

    >>> shade("#0072b2", 0.5), shade("#0072b2", -0.5)
    ('#80b9d8', '#003959')
    """
    red, green, blue = (part + abs(amount) * ((amount > 0) - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


def plain(text: str) -> str:
    """Return a text as matplotlib draws it: a dollar sign is no mathematics, and no sign lacks a glyph."""
    return glyphs.drawable(text).replace("$", r"\$")


def save(figure: Figure, path: Path, formats: Sequence[str] = USUAL_FORMATS) -> list[Path]:
    """Save a figure in each format.

    Args:
        figure: made inside :func:`look`.
        path: where, without a suffix; the folder is made.
        formats: of :data:`FORMATS`.

    Returns:
        The paths.

    Raises:
        UsageError: when nothing can be written there.
    """
    paths = [path.with_name(f"{path.name}.{kind}") for kind in formats]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if (size := wished().size) is not None:
            figure.set_size_inches(size)
        with doing("drawing"), look(), _laid_out(figure):
            for kind, place in zip(formats, paths, strict=True):
                replace_file(place, _rendered(figure, kind))
    except FileExistsError:
        raise UsageError(f"{path.parent} is a file, not a folder for pictures.") from None
    except OSError as error:
        raise UsageError(
            f"Cannot write pictures to {path.parent}: {error.strerror}.", hint="Name another folder."
        ) from None
    return paths


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Give everything the place that it has in every format, and give back what lays the figure out."""
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    try:
        with matplotlib.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
            figure.set_layout_engine(None)  # with one, even one that does nothing, a format is drawn twice
            yield
    finally:
        if layout is not None:
            figure.set_layout_engine(layout)


def _rendered(figure: Figure, kind: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, **_WRITING[kind])
    return buffer.getvalue()
