"""Named features of a text, character by character: what single units of a network may stand for.

A feature says how things are after a character has been read: the quotation mark that opens is inside the
quotes, the one that closes is not, as a network that reads from left to right can know it. Yes/no features
are arrays of bool, counts are arrays of int64, one value a character.

What quotes and comments are depends on the language of the text:

    python   strings and comments by the standard tokenizer; where the text does not parse, by their marks
    c        "strings", 'c'haracters, // comments and /* comments */
    prose    "quotes" and “quotes”, which end with their paragraph at the latest; no comments
"""

from __future__ import annotations

import bisect
import io
import re
import tokenize
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Language = Literal["python", "c", "prose"]
Array = npt.NDArray[Any]
Span = tuple[int, int]

TRIPLE = ('"""', "'''")
"""What strings of Python that may go over several lines begin with."""

BEFORE = 20_000
"""Characters before the ones that matter that tell in which brackets and conditions these stand."""

TAB = 8
"""Columns between tab stops."""

_PYTHON_LINE = re.compile(
    r"[ \t]*(?:def \w+\(|class \w+[(:]|import \w|from [\w.]+ import |return\b|self\.|@\w|"
    r"(?:el)?if .*:$|else:$)"
)
_C_LINE = re.compile(r".*[;{}][ \t]*$|[ \t]*#[ \t]*(?:include|define|if|endif)\b")
_PYTHON_MARKS = re.compile(
    r"""(?P<quote>\"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z)|'''(?:\\.|[^\\])*?(?:'''|\Z)"""
    r"""|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)
_C_MARKS = re.compile(
    r"""(?P<quote>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])+')|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))""",
    re.DOTALL,
)
_PROSE_MARKS = re.compile(
    r"""(?P<quote>"(?:(?!\n[ \t]*\n)[^"])*"?|“(?:(?!\n[ \t]*\n)[^”])*”?)|(?P<comment>(?!))""", re.DOTALL
)

_MARKS: dict[Language, re.Pattern[str]] = {"python": _PYTHON_MARKS, "c": _C_MARKS, "prose": _PROSE_MARKS}

_CONDITION: dict[Language, tuple[str, str]] = {
    "python": (r"^[ \t]*(?:el)?if\b", ":"),
    "c": (r"\bif\s*(?=\()", ")"),
    "prose": (r"(?!)", ")"),
}
"""What a condition begins behind, and the sign that ends it."""

MOST_ENDS = 64
"""So many such signs are tried."""


def features_of(text: str) -> dict[str, Array]:
    """Return every feature by name, each (N,) for the N characters of the text.

    >>> features_of("say 'hi'  # so")["inside a word"].astype(int).tolist()
    [1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1]
    """
    language = language_of(text)
    quotes, comments = marked(text, language)
    code = blanked(text, [*quotes, *comments])
    depth = bracket_depth(code)
    long = [span for span in quotes if text[span[0] : span[0] + 3] in TRIPLE] if language == "python" else []
    short = sorted(set(quotes) - set(long))
    return {
        "inside quotes": spread(quotes, len(text)),
        "inside plain quotes": spread(short, len(text)),
        "inside triple quotes": spread(long, len(text)),
        "inside a comment": spread(comments, len(text)),
        "inside triple quotes or a comment": spread([*long, *comments] if long else [], len(text)),
        "inside an if condition": if_condition(code, depth, language),
        "bracket depth": depth,
        "indentation depth": indentation(text),
        "position in line": position_in_line(text),
        "inside a word": inside_word(text),
        "word in capitals": in_capitals(text),
        "speaker's name": speaker(text),
    }


def begin_before(text: str, place: int) -> int:
    """Return where reading may begin so that features from ``place`` on are those of the whole text.

    It is the first line, at most :data:`BEFORE` characters before, that begins with a letter, not in quotes.
    """
    quotes, comments = _matched(_MARKS[language_of(text)], text[:place])
    inside = spread([*quotes, *comments], place)
    lines = re.compile(r"^\w", re.MULTILINE).finditer(text, max(0, place - BEFORE), place)
    return next((found.start() for found in lines if not inside[found.start()]), 0)


def language_of(text: str) -> Language:
    """Guess the language of a text by how many of its lines look like one.

    >>> language_of("def f(x):\\n    return x\\n"), language_of("To be, or not to be:\\nthat is it.\\n")
    ('python', 'prose')
    """
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    shares = {
        "python": sum(bool(_PYTHON_LINE.match(line)) for line in lines) / len(lines) / 0.08,
        "c": sum(bool(_C_LINE.match(line)) for line in lines) / len(lines) / 0.3,
    }
    if shares["python"] >= max(1.0, shares["c"]):
        return "python"
    return "c" if shares["c"] >= 1.0 else "prose"


def marked(text: str, language: Language) -> tuple[list[Span], list[Span]]:
    """Return where a text is in quotes and where in comments, as (first, behind the last) character.

    A span of quotes begins with the mark that opens and ends before the last that closes.
    """
    if language == "python":
        try:
            return _tokenized(text)
        except (tokenize.TokenError, SyntaxError):  # IndentationError is one
            pass
    return _matched(_MARKS[language], text)


def bracket_depth(code: str) -> Array:
    """Return how many round, square and curly brackets are open; a closing one too many counts for nothing.

    >>> bracket_depth("f(a[1])) (").tolist()
    [0, 1, 1, 2, 2, 1, 0, 0, 0, 1]
    """
    change = np.zeros(len(code), dtype=np.int64)
    for sign, step in {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.items():
        change[is_sign(code, sign)] = step
    total = np.cumsum(change)
    return np.asarray(total - np.minimum(np.minimum.accumulate(total), 0))


def indentation(text: str) -> Array:
    """Return the columns of blanks in front of each character's line; an empty line keeps those before it.

    >>> indentation("a\\n  b\\n").tolist()
    [0, 0, 1, 2, 2, 2]
    """
    values = np.zeros(len(text), dtype=np.int64)
    columns = 0
    for line in re.finditer(r"([ \t]*)([^\n]*)\n?", text):
        start, stop = line.span()
        blanks, body = line.groups()
        if body:
            for width in range(len(blanks)):
                values[start + width] = len(blanks[: width + 1].expandtabs(TAB))
            columns, start = len(blanks.expandtabs(TAB)), start + len(blanks)
        values[start:stop] = columns
    return values


def position_in_line(text: str) -> Array:
    """Return how many characters have been read since the last end of a line, itself at 0.

    >>> position_in_line("ab\\ncd").tolist()
    [1, 2, 0, 1, 2]
    """
    place = np.arange(len(text))
    ends = np.where(is_sign(text, "\n"), place, -1)
    return np.asarray(place - np.maximum.accumulate(ends))


def inside_word(text: str) -> Array:
    """Say which characters are letters, digits or underscores."""
    return spread((found.span() for found in re.finditer(r"\w+", text)), len(text))


def in_capitals(text: str) -> Array:
    """Say which characters belong to a word of at least two signs that is written in capitals.

    >>> in_capitals("A MAX_2 Be").astype(int).tolist()
    [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]
    """
    return spread((found.span() for found in re.finditer(r"\b[A-Z][A-Z0-9_]+\b", text)), len(text))


def speaker(text: str) -> Array:
    """Say which characters name who speaks: a line by itself that a colon ends, behind an empty one.

    >>> speaker("\\nANNE:\\nGo.\\n\\nOld Tom:\\n").nonzero()[0].tolist()
    [1, 2, 3, 4, 12, 13, 14, 15, 16, 17, 18]
    """
    names = re.finditer(r"(?:\A\n*|(?<=\n\n))([A-Z][^\n:]{0,40}):(?=\n)", text)
    return spread((found.span(1) for found in names), len(text))


def if_condition(code: str, depth: Array, language: Language) -> Array:
    """Say which characters are the condition of an ``if``.

    In Python it stands between ``if`` or ``elif`` at the start of a line and the colon, in C between the
    brackets behind ``if``; prose has none.

    Args:
        code: the text with quotes and comments blanked.
        depth: of its brackets.
        language: of the text.

    >>> code = "if a[1:2]:\\n  b"
    >>> if_condition(code, bracket_depth(code), "python").astype(int).tolist()
    [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    """
    begins, ends = _CONDITION[language]
    places = np.flatnonzero(is_sign(code, ends)).tolist()
    spans = []
    for found in re.finditer(begins, code, re.MULTILINE):
        level = depth[found.start()]
        later = places[bisect.bisect(places, found.end()) :][:MOST_ENDS]
        last = next((place for place in later if depth[place] <= level), None)
        if last is not None and depth[last] == level:  # else it is the `if` of a comprehension
            spans.append((found.end(), last))
    return spread(spans, len(code))


def spread(spans: Iterable[Span], length: int) -> Array:
    """Return True in the spans and False elsewhere, (length,).

    >>> spread([(1, 3)], 4).tolist()
    [False, True, True, False]
    """
    values = np.zeros(length, dtype=bool)
    for start, stop in spans:
        values[start:stop] = True
    return values


def blanked(text: str, spans: Iterable[Span]) -> str:
    """Return a text with blanks in place of what is in the spans; ends of lines stay.

    >>> blanked("f('a')", [(2, 4)])
    "f(  ')"
    """
    points = _points(text).copy()
    points[spread(spans, len(text)) & ~is_sign(text, "\n")] = ord(" ")
    return points.tobytes().decode("utf-32-le", "surrogatepass")


def is_sign(text: str, sign: str) -> Array:
    """Say which characters of a text are this one, (N,)."""
    return np.asarray(_points(text) == ord(sign))


def _points(text: str) -> Array:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _tokenized(text: str) -> tuple[list[Span], list[Span]]:
    """Find quotes and comments of Python by its tokenizer."""
    starts = np.cumsum([0, *(len(line) for line in text.splitlines(keepends=True))])
    quotes, comments, opened = [], [], []

    def place(row: int, column: int) -> int:
        return int(starts[row - 1]) + column

    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start, stop = place(*token.start), place(*token.end)
        if token.type == tokenize.COMMENT:
            comments.append((start, stop))
        elif token.type == tokenize.STRING:
            quotes.append((start + _prefix(token.string), stop - 1))
        elif tokenize.tok_name[token.type] == "FSTRING_START":  # Python 3.12 cuts f-strings into tokens
            opened.append(start + _prefix(token.string))
        elif tokenize.tok_name[token.type] == "FSTRING_END":
            quotes.append((opened.pop(), stop - 1))
    return quotes, comments


def _prefix(quoted: str) -> int:
    """Return how many letters stand in front of a string's first mark, as in rb'...'."""
    return len(quoted) - len(quoted.lstrip("rRbBfFuU"))


def _matched(marks: re.Pattern[str], text: str) -> tuple[list[Span], list[Span]]:
    found = [(match.lastgroup, *match.span()) for match in marks.finditer(text)]
    quotes = [(start, stop - 1) for kind, start, stop in found if kind == "quote"]
    return quotes, [(start, stop) for kind, start, stop in found if kind == "comment"]
