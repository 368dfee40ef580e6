"""The look of all pictures, in one place, and how they are saved.

A picture is made and saved inside :func:`look`, with matplotlib's object interface (``Figure()``, no pyplot):
no global state, and no screen is needed. Lines differ in colour, in style and in marker, so that they can be
told apart in grey and by every eye. With one version of matplotlib, the same data gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

from seqlab.errors import UsageError
from seqlab.runs import replace_file

COLOURS = (
    "#0072b2",
    "#d55e00",
    "#000000",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)  # Okabe and Ito's palette
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v")

_SETTINGS: Any = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same letters everywhere
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
}


@contextmanager
def look() -> Iterator[None]:
    """Give every figure made or saved inside the common look; matplotlib's settings come back after it."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # not what a user's matplotlibrc says
        matplotlib.rcParams.update(_SETTINGS)
        matplotlib.rcParams["axes.prop_cycle"] = cycler(color=COLOURS * 4, linestyle=LINE_STYLES * 7)
        yield


def line(index: int) -> dict[str, Any]:
    """Return colour, line style and marker of line number ``index`` (from 0); 140 lines differ.

    >>> line(0)
    {'color': '#0072b2', 'linestyle': '-', 'marker': 'o'}
    """
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": LINE_STYLES[index % len(LINE_STYLES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def save(figure: Figure, path: Path) -> tuple[Path, Path]:
    """Save a figure as PNG and as SVG.

    Args:
        figure: made inside :func:`look`.
        path: where, without a suffix; the folder is made.

    Returns:
        The two paths.

    Raises:
        UsageError: when nothing can be written there.
    """
    png, svg = path.with_name(path.name + ".png"), path.with_name(path.name + ".svg")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with look():
            replace_file(png, _rendered(figure, "png", {"Software": None}))
            replace_file(svg, _rendered(figure, "svg", {"Date": None, "Creator": None}))
    except FileExistsError:
        raise UsageError(f"{path.parent} is a file, not a folder for pictures.") from None
    except OSError as error:
        raise UsageError(
            f"Cannot write pictures to {path.parent}: {error.strerror}.", hint="Name another folder."
        ) from None
    return png, svg


def _rendered(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()
