"""Tokens of Python, each tagged with the part that it plays in its line."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache

from seqlab.tasks.own._modules import source_of

MODULES = ("argparse", "tarfile", "zipfile")
"""Of the standard library."""

_STAND_INS = {tokenize.STRING: '"..."', tokenize.NUMBER: "0"}
"""What stands for every string, and for every number."""

Line = tuple[tuple[str, str], ...]
"""Word and tag of each token."""

_LEFT_OUT = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@cache  # which takes a second
def tagged_lines() -> tuple[Line, ...]:
    """Return the logical lines of some modules. Nothing is imported."""
    return tuple(line for module in MODULES for line in lines_of(source_of(module)))


def lines_of(source: str) -> Iterator[Line]:
    """Yield the logical lines of a source.

    >>> [line] = lines_of("x = f(a, key=self.b)")
    >>> [word for word, _ in line]
    ['x', '=', 'f', '(', 'a', ',', 'key', '=', 'self', '.', 'b', ')']
    >>> [tag for _, tag in line if tag != "other"]
    ['name', 'call', 'name', 'argument', 'name', 'attribute']
    >>> [(word, tag) for word, tag in next(lines_of("def f(a, b=c): pass")) if tag != "other"]
    [('f', 'function'), ('a', 'parameter'), ('b', 'parameter'), ('c', 'name')]
    """
    line: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            if line:
                words = [_STAND_INS.get(one.type, one.string) for one in line]
                yield tuple(zip(words, _tags(line), strict=True))
            line = []
        elif token.type not in _LEFT_OUT:
            line.append(token)


def _tags(line: Sequence[tokenize.TokenInfo]) -> Iterator[str]:
    """Yield the part that each token of a line plays."""
    words = ["", *(token.string for token in line), ""]
    defines, imports = "def" in words[1:3], words[1] in ("import", "from")
    depth = 0
    for place, token in enumerate(line, 1):
        before, word, after = words[place - 1 : place + 2]
        depth += (word in tuple("([{")) - (word in tuple(")]}"))
        if token.type != tokenize.NAME or keyword.iskeyword(word):
            yield "other"
        elif before in ("def", "class"):
            yield {"def": "function", "class": "class"}[before]
        elif imports:
            yield "import"
        elif defines and depth == 1 and before in ("(", ",", "*", "**"):
            yield "parameter"
        elif depth and after == "=" and before in ("(", ","):
            yield "argument"
        elif before == ".":
            yield "method" if after == "(" else "attribute"
        else:
            yield "call" if after == "(" else "name"
