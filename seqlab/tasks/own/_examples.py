"""Labelled sequences out of a table: a text in each row, or numbers in several rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqlab.data import Columns, Table
from seqlab.errors import TextError, UsageError
from seqlab.outside import shortened
from seqlab.tasks._by_hash import hashes

Values = NDArray[np.float64]

LABELS = ("label", "class", "category")
"""What a column of labels may be called, so that it need not be named."""

TEXT = "text"
"""What the column of texts is called in a table to be labelled by a model that was trained on none."""

MANY = 1000
"""Labels beyond which a column is taken to hold something else."""


@dataclass(frozen=True)
class Examples:
    """Sequences, with a label each where they have one.

    Attributes:
        name: of the file, for messages.
        places: of each, where it stands: ``line 12``; of numbers, what the group is called.
        texts: each a sequence; empty where they are numbers.
        series: each (T, F); empty where they are texts.
        labels: of each; empty where they are not known.
        columns: by ``text``, ``label``, ``group`` and ``columns`` the names of the columns taken.
        notes: on what was left out.
    """

    name: str
    places: Sequence[str]
    texts: Sequence[str] = ()
    series: Sequence[Values] = ()
    labels: Sequence[str] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.places)

    @property
    def keys(self) -> list[str]:
        """What makes two of them the same."""
        return [*self.texts] if self.texts else [one.tobytes().hex() for one in self.series]

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """A number of each, (N,), by which two are the same."""
        return hashes(self.keys)

    def some(self, places: Iterable[int], *notes: str) -> Examples:
        """Return some of them, by their numbers from 0, with notes on the others."""
        chosen = [int(place) for place in places]

        def of(part: Sequence[Any]) -> list[Any]:
            return [part[place] for place in chosen] if part else []

        return Examples(
            self.name, of(self.places), of(self.texts), of(self.series), of(self.labels), self.columns,
            (*self.notes, *notes),
        )  # fmt: skip


def read_examples(
    table: Table, label: str | None, text: str | None, group: str | None, columns: Sequence[str] | None
) -> Examples:
    """Return the labelled sequences of a table.

    Args:
        table: as it was opened.
        label: the column of labels; None for one that is called so.
        text: the column of texts; None for the only other one of texts.
        group: the column that says to which sequence a row of numbers belongs; None where rows are texts.
        columns: those of the numbers; None for all that there are.

    Raises:
        TextError: when something is wrong in the file, with its line.
        UsageError: when the columns are not clear.
    """
    label = _label(table, label)
    if group is not None:
        return _of_numbers(table, group, columns, label)
    return _labelled(_of_texts(table, _text(table, text, label), label))


def read_asked(table: Table, told: Examples) -> Examples:
    """Return the sequences of a table, whose labels are not known, by the columns of those learned from."""
    group = told.columns.get("group")
    if group:
        return _of_numbers(table, group[0], told.columns["columns"], None)
    return _of_texts(table, told.columns.get("text", (TEXT,))[0], None)


def _of_texts(table: Table, text: str, label: str | None) -> Examples:
    named = [text] if label is None else [text, label]
    read = table.columns(texts=named)
    return Examples(
        str(table.path),
        [read.place(row) for row in range(len(read))],
        read.texts[text],
        labels=() if label is None else [cell.strip() for cell in read.texts[label]],
        columns={"text": (text,)},
    )


def _labelled(found: Examples) -> Examples:
    """Leave out what has no text or no label."""
    for what, cells in (("text", found.texts), ("label", found.labels)):
        kept = [bool(cell.strip()) for cell in cells]
        if not all(kept):
            gaps = kept.count(False)
            first = found.places[kept.index(False)]
            told = f"{gaps:,} rows have no {what} and are" if gaps > 1 else f"1 row has no {what} and is"
            return _labelled(found.some(np.flatnonzero(kept), f"{told} left out; the first is {first}."))
    return found


def _of_numbers(table: Table, group: str, columns: Sequence[str] | None, label: str | None) -> Examples:
    """Return sequences whose rows have one name in the column ``group``, in the order of the file."""
    chosen = tuple(columns or (name for name in table.of_kind("numbers") if name not in (group, label)))
    if not chosen:
        raise UsageError(
            f"{table.path} has no column of numbers besides {group!r} and {label!r}.",
            hint="Sequences of numbers have a row for each step: id,value,label",
        )
    read = table.columns(numbers=chosen, texts=[group] if label is None else [group, label])
    values = np.stack([read.numbers[name] for name in chosen], 1)  # (N, F)
    names, which = np.unique(np.array(read.texts[group], object), return_inverse=True)
    order = np.argsort(which, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(which))[:-1])
    notes = _on_gaps(read, values)
    return Examples(
        str(table.path),
        [*map(str, names)],
        series=[values[some] for some in rows],
        labels=() if label is None else _one_label_each(read, label, rows, names.tolist()),
        columns={"group": (group,), "columns": chosen},
        notes=notes,
    )


def _one_label_each(
    read: Columns, label: str, rows: Iterable[NDArray[np.int64]], names: Sequence[str]
) -> list[str]:
    cells, found = read.texts[label], []
    for some, name in zip(rows, names, strict=True):
        own = cells[some[0]]
        other = next((row for row in some.tolist() if cells[row] != own), None)
        if other is not None:
            raise TextError(
                f"{read.path}, {read.place(other)}: the sequence {str(name)!r} has the label "
                f"{cells[other]!r}, but {own!r} in {read.place(int(some[0]))}.",
                hint="Every row of a sequence has the same label.",
            )
        if not own.strip():
            raise TextError(
                f"{read.path}, {read.place(int(some[0]))}: the sequence {str(name)!r} has no label."
            )
        found.append(own.strip())
    return found


def _on_gaps(read: Columns, values: Values) -> tuple[str, ...]:
    gaps = np.isnan(values)
    if not gaps.any():
        return ()
    first = read.place(int(gaps.any(1).argmax()))
    return (f"{int(gaps.sum()):,} values are missing, the first in {first}; they are read as the mean.",)


def _label(table: Table, named: str | None) -> str:
    """Return the name of the column of labels."""
    if named is not None:
        table.require(named)
        return named
    found = [name for name in table.names if name.lower() in LABELS]
    if len(found) != 1:
        raise UsageError(
            f"Which column of {table.path} holds the labels?",
            hint=f"Name it: --label COLUMN (task.label=COLUMN). There are {', '.join(table.names)}.",
        )
    return found[0]


def _text(table: Table, named: str | None, label: str) -> str:
    """Return the name of the column of texts."""
    if named is not None:
        table.require(named)
        return named
    found = [name for name in table.names if name != label and table.kinds[name] == "texts"]
    if len(found) != 1:
        raise UsageError(
            f"Which column of {table.path} holds the texts?",
            hint=f"Name it: --text COLUMN (task.text=COLUMN). There are {', '.join(table.names)}. Sequences "
            "of numbers, with a row for each step, are told apart by a column: --group COLUMN",
        )
    return found[0]


def require_classes(found: Examples, fewest: int) -> Examples:
    """Return examples of which every label has three different ones at least, one for each part.

    Args:
        found: with labels.
        fewest: labels with fewer different examples than so many are left out.

    Raises:
        TextError: when a label has too few, or there are too few labels, or too many.
    """
    names, classes = numbered(found.labels)
    different = np.bincount(pairs_of(found.hashes, classes)[1], minlength=len(names))
    few = different < fewest
    if few.any():
        kept = np.flatnonzero(~few[classes])
        found = found.some(
            kept.tolist(),
            f"{few.sum():,} labels with fewer than {fewest} different examples are left out, "
            f"{len(classes) - len(kept):,} rows.",
        )
    lone = np.flatnonzero(~few & (different < 3))
    if len(lone):
        label, count = names[lone[0]], int(different[lone[0]])
        place = found.places[[*found.labels].index(label)]
        where = f"sequence {place!r}" if "group" in found.columns else place
        raise TextError(
            f"{found.name}, {where}: the label {shortened(label)!r} has "
            f"{count} different example{'s' if count > 1 else ''}; at least 3 are wanted: for training, "
            "validation and test.",
            hint="Add examples, or leave such labels out: task.fewest=3",
        )
    left = int((~few).sum())
    if left < 2 or left > MANY:
        raise TextError(
            f"{found.name} has {left:,} label{'s' if left != 1 else ''} in {len(found):,} examples; 2 to "
            f"{MANY:,} are wanted.",
            hint="Is --label the column of labels?",
        )
    return found


def numbered(labels: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the different labels in alphabetical order, and the number there of each, (N,)."""
    names = tuple(sorted(set(labels)))
    places = {name: number for number, name in enumerate(names)}
    return names, np.fromiter(map(places.__getitem__, labels), np.int64, len(labels))


def pairs_of(
    hashed: NDArray[np.uint64], classes: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the different pairs of a hash and a class, (M,) both, in the order of hashes.

    >>> pairs_of(np.array([7, 3, 7, 7], np.uint64), np.array([1, 0, 1, 0]))
    (array([3, 7, 7], dtype=uint64), array([0, 0, 1]))
    """
    order = np.lexsort((classes, hashed))
    hashed, classes = hashed[order], classes[order]
    new = np.append(True, (np.diff(hashed) != 0) | (np.diff(classes) != 0))[: len(hashed)]
    return hashed[new], classes[new]
