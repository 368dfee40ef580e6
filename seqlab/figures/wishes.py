"""What a user wishes of the pictures of one command: a style, a size, colours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import matplotlib
from matplotlib.colors import is_color_like, to_hex

from seqlab.errors import UnknownNameError, UsageError
from seqlab.outside import path_of

STYLES: Mapping[str, Mapping[str, Any]] = {
    "paper": {
        "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7, "xtick.labelsize": 7,
        "ytick.labelsize": 7, "axes.grid": False, "lines.linewidth": 1.1, "lines.markersize": 3,
        "savefig.dpi": 300,
    },
    "slides": {
        "font.size": 16, "axes.titlesize": 18, "axes.labelsize": 16, "legend.fontsize": 14,
        "lines.linewidth": 3, "lines.markersize": 8,
    },
}  # fmt: skip
"""Styles of seqlab's own; those of matplotlib are known, too, and files in its form."""

LARGEST = 100.0
"""Inches of a side, at most."""

_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
_UNTOLD = {
    "backend",
    "interactive",
    "toolbar",
    "text.usetex",
    "text.latex.preamble",
    "pgf.preamble",
    "webagg.address",
}
"""What of a style is not taken: what is no matter of the look, or has another program run."""


@dataclass(frozen=True)
class Wishes:
    """What is wished.

    Attributes:
        settings: of matplotlib, over the common look.
        size: width and height in inches; None for that of each picture.
        colours: by the name of a model.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[float, float] | None = None
    colours: Mapping[str, str] = field(default_factory=dict)


_NOW: ContextVar[Wishes] = ContextVar("wishes", default=Wishes())  # noqa: B039  (it is frozen)


def wished() -> Wishes:
    """Return what is wished now."""
    return _NOW.get()


@contextmanager
def wishing(wishes: Wishes) -> Iterator[None]:
    """Let pictures be made and saved as is wished, for as long as this lasts."""
    token = _NOW.set(wishes)
    try:
        yield
    finally:
        _NOW.reset(token)


def read_wishes(style: str | None, size: str | None, colours: Sequence[str]) -> Wishes:
    """Take apart what stands on the command line.

    Args:
        style: a name, or a file in matplotlib's form (.mplstyle).
        size: width x height, in inches, or with a unit: 3.3x2.4, 9x6cm.
        colours: MODEL=COLOUR each.

    Raises:
        UsageError: naming what is none.

    >>> read_wishes(None, "9x6cm", ["lstm=red"]).colours
    {'lstm': '#ff0000'}
    """
    return Wishes(
        {} if style is None else _style(style), None if size is None else _size(size), _colours(colours)
    )


def _style(name: str) -> dict[str, Any]:
    if name in STYLES:
        return dict(STYLES[name])
    if name.endswith(".mplstyle"):
        path = path_of(name)
        if not path.is_file():
            raise UsageError(f"There is no style {name!r}: no such file.")
        try:
            found = matplotlib.rc_params_from_file(path, use_default_template=False)
        except (OSError, ValueError) as error:
            raise UsageError(f"{name} is no style of matplotlib: {error}.") from None
        return {key: value for key, value in found.items() if key not in _UNTOLD}
    from matplotlib.style import library  # reads some thirty files

    if name not in library:
        raise UnknownNameError("style", name, (*STYLES, *library))
    return {key: value for key, value in library[name].items() if key not in _UNTOLD}


def _size(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*[xX×]\s*(\d+\.?\d*|\.\d+)\s*(in|cm|mm)?", text.strip())
    if found is None:
        raise UsageError(f"--size is {text!r}, which is no size.", hint="Write 3.3x2.4 (inches) or 9x6cm.")
    width, height = (float(found[side]) * _INCHES[found[3] or "in"] for side in (1, 2))
    if not all(0.5 <= side <= LARGEST for side in (width, height)):
        raise UsageError(f"--size is {text}; a side has from 0.5 to {LARGEST:.0f} inches.")
    return width, height


def _colours(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, is_one, colour = word.rpartition("=")
        if not is_one or not is_color_like(colour):
            raise UsageError(
                f"--colour is {word!r}.", hint="Write MODEL=COLOUR, such as lstm=red or lstm='#d55e00'."
            )
        found[name] = to_hex(colour)
    return found
