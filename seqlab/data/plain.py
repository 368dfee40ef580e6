"""The lines of a plain text, which is no table."""

from __future__ import annotations

from pathlib import Path

from seqlab.data._source import marked_encoding
from seqlab.data.table import saying_what_is_missing
from seqlab.outside import path_of
from seqlab.text.reading import read_blocks

TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".npy", ".parquet"})
"""What the names of files end in that are tables, whatever they hold."""


def is_table(name: str | Path) -> bool:
    """Say whether a file is called as tables are.

    >>> is_table("new.CSV"), is_table("new.txt")
    (True, False)
    """
    return path_of(name).suffix.lower() in TABLES


def plain_lines(name: str | Path, encoding: str | None = None) -> list[str]:
    """Return the lines of a text, without their ends.

    Args:
        name: of the file.
        encoding: by its name in Python; None for that of its byte-order mark, or else UTF-8.

    Raises:
        TextError: when there is no such file, or it is no text in that encoding, with the byte that is wrong.
        UsageError: when it is a pipe or a device.
    """
    path = path_of(name)
    with saying_what_is_missing(name):
        text = "".join(read_blocks([path], encoding or marked_encoding(path)))
    return text.removesuffix("\n").split("\n") if text else []
