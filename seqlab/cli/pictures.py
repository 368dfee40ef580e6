"""How a command keeps its pictures: where, in which formats, under which title."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli.console import tell

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def read_formats(words: list[str] | None) -> list[str] | None:
    """Take formats apart that were given with commas, and refuse what is none."""
    if not words:
        return None
    from seqlab.errors import UnknownNameError
    from seqlab.figures.style import FORMATS

    names = [name.strip().lower().removeprefix(".") for word in words for name in word.split(",")]
    for name in names:
        if name not in FORMATS:
            raise UnknownNameError("format", name, FORMATS)
    return list(dict.fromkeys(names))


Title = Annotated[str | None, typer.Option(help="What stands above the pictures.")]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="png, svg or pdf; several with commas. Default: png,svg.",
        callback=read_formats,
        metavar="FORMAT",
    ),
]


@dataclass(frozen=True)
class Album:
    """Where the pictures of a command go.

    Attributes:
        folder: of the files.
        formats: as asked for; None for the usual ones.
        title: to stand above each picture; None for its own.
    """

    folder: Path
    formats: Sequence[str] | None = None
    title: str | None = None

    def keep(self, pictures: Mapping[str, Figure]) -> list[str]:
        """Write pictures, by the names of their files without a suffix, and return the paths."""
        from seqlab.figures.style import USUAL_FORMATS, plain, save

        paths: list[str] = []
        for name, figure in pictures.items():
            if self.title is not None:
                figure.suptitle(plain(self.title))
            paths += map(str, save(figure, self.folder / name, self.formats or USUAL_FORMATS))
        return paths

    def keep_rows(self, name: str, rows: Iterable[Sequence[object]]) -> str:
        """Write numbers as CSV, by the name of the file without a suffix, and return the path."""
        import csv
        import io

        from seqlab.runs import replace_file

        path, written = self.folder / f"{name}.csv", io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(rows)
        replace_file(path, written.getvalue())
        return str(path)


def point_to(paths: Sequence[str], following: str) -> None:
    """Print where files are, and what to type next."""
    for path in paths:
        print(path)
    tell(f"Next: {following}")
