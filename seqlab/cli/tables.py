"""How tables and prose fit a terminal.

A table stands in columns, its cells wrapped at spaces, or, where these do not fit, row by row, a line for
each figure. No word and no number is ever cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

GAP = 2
"""Cells between two columns."""

MOST_LINES = 6
"""A cell has at most so many lines in a table of more than three columns; else the rows are stacked."""


def fit(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return how wide each column is to be, or None where the table does not fit.

    A column is as wide as its longest cell where there is room, and at least as wide as its longest word; the
    first column, of names, keeps its cells whole.

    Args:
        columns: headings.
        rows: cells.
        room: of the terminal.

    >>> fit(["model", "sequences to solve"], [["lstm", "2,560 (1,920 to 3,200)"]], room=80)
    [5, 22]
    >>> fit(["model", "sequences to solve"], [["lstm", "2,560 (1,920 to 3,200)"]], room=20)
    [5, 13]
    >>> fit(["model", "sequences to solve"], [["lstm", "2,560 (1,920 to 3,200)"]], room=14)
    """
    cells = [[heading, *(row[index] for row in rows)] for index, heading in enumerate(columns)]
    wanted = [max(map(_width, column)) for column in cells]
    least = [max(_width(word) for cell in column for word in cell.split() or [""]) for column in cells]
    least[0] = wanted[0]
    left = room - GAP * (len(columns) - 1) - sum(least)
    if left < 0:
        return None
    widths = list(least)
    while left and (short := [index for index, width in enumerate(widths) if width < wanted[index]]):
        for index in sorted(short, key=lambda index: widths[index] - wanted[index])[:left]:
            widths[index] += 1
            left -= 1
    if len(columns) > 3 and any(wanted[index] > MOST_LINES * width for index, width in enumerate(widths)):
        return None
    return widths


def layout(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> RenderableType:
    """Return a table for a terminal that is so wide."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    widths = fit(columns, rows, room)
    if widths is None:
        return _pairs(rows, room) if len(columns) == 2 else _stacked(columns, rows, room)
    table = Table(header_style="bold", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, width in zip(columns, widths, strict=True):
        table.add_column(heading, width=width, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def wrap(text: str, room: int) -> str:
    """Break a text into lines at spaces; a word that is longer than a line (a path) stays whole.

    What follows a bullet stands below its text.

    >>> print(wrap("- one two three", room=9))
    - one two
      three
    """
    lines = []
    for paragraph in text.split("\n"):
        hang = "  " if paragraph.startswith("- ") else ""
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line.strip() and _width(longer) > room:
                lines.append(line.rstrip())
                longer = hang + word
            line = longer
        lines.append(line.rstrip())
    return "\n".join(lines)


def _pairs(rows: Sequence[Sequence[str]], room: int) -> RenderableType:
    """Return names with what they stand for: beside them or, where a word of it is too long, below."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    left = min(max(_width(name) for name, _ in rows), room // 2)
    parts: list[RenderableType] = []
    for name, value in rows:
        longest = max(map(_width, value.split()), default=0)
        if _width(name) <= left and longest <= room - left - GAP:
            line = Table(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
            line.add_column(width=left, overflow="fold")
            line.add_column(max_width=room - left - GAP, overflow="fold")
            line.add_row(Text(name), Text(value))
            parts.append(line)
        else:
            parts += [Text(name), Padding(Text(value, overflow="fold"), (0, 0, 0, 2))]
    return Group(*parts)


def _stacked(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> RenderableType:
    """Return the rows one below the other: the first cell as a heading, then a line for each figure."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    left = min(max(map(_width, columns[1:]), default=0), room // 2)
    parts: list[RenderableType] = []
    for row in rows:
        parts.append(Text(row[0], "bold", overflow="fold"))
        block = Table(box=None, show_header=False, pad_edge=False, padding=(0, GAP // 2))
        block.add_column(width=left, overflow="fold")
        block.add_column(max_width=room - left - GAP - 2, overflow="fold")
        for heading, cell in zip(columns[1:], row[1:], strict=True):
            if cell.strip() not in ("", "-", "–"):  # what there is not needs no line
                block.add_row(Text(heading), Text(cell))
        parts.append(Padding(block, (0, 0, 0, 2)))
    return Group(*parts)


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
