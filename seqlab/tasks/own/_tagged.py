"""Tagged sentences in the form of CoNLL: a word and its tag on each line, an empty line behind a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from seqlab.data import plain_lines
from seqlab.errors import TextError
from seqlab.outside import shortened

DOCSTART = "-DOCSTART-"
"""The word of a line that says where a document begins; it is passed over."""


@dataclass(frozen=True)
class Sentence:
    """Words with a tag each, where they are known.

    Attributes:
        words: in their order.
        tags: of each; empty where they are not known.
        line: of the file, on which the first word stands.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


def read_sentences(path: str, encoding: str | None, word: int, tag: int | None) -> list[Sentence]:
    """Return the sentences of a file.

    Fields are separated by tabs or, where a line has none, by spaces. Lines that begin with -DOCSTART-, and
    those in front of a sentence that begin with # and a space, are passed over.

    Args:
        path: of the file.
        encoding: that it is in; None for that of its byte-order mark, or else UTF-8.
        word: the column of words, from 1.
        tag: that of tags; -1 for the last one, None where they are not known.

    Raises:
        TextError: when there is no such file, or a line lacks a field, with its number.
    """
    found: list[Sentence] = []
    words: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*plain_lines(path, encoding), ""], 1):
        if not line.strip():
            if words:
                found.append(Sentence(tuple(words), tuple(tags), number - len(words)))
            words, tags = [], []
        elif line.startswith(DOCSTART) or (line.startswith("# ") and not words):
            continue
        else:
            own = _fields(line, path, number, word, tag)
            words.append(own[0])
            tags += own[1:]
    if not found:
        raise TextError(f"{path} holds no sentence.", hint="Each line is a word and its tag: dog NOUN")
    return found


def _fields(line: str, path: str, number: int, word: int, tag: int | None) -> list[str]:
    fields = [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
    wanted = [word] if tag is None else [word, len(fields) if tag == -1 else tag]
    there = max(wanted) <= len(fields) and len(fields) >= len(wanted)
    if not there or not all(fields[at - 1] for at in wanted):
        what = f"a word in column {word}"
        if tag is not None:
            what += " and a tag in " + ("the last" if tag == -1 else f"column {tag}")
        raise TextError(
            f"{path}, line {number}: {shortened(line.strip())!r} has not {what}.",
            hint="Between fields stand tabs or spaces; task.word and task.tag say which columns are meant.",
        )
    return [fields[at - 1] for at in wanted]
