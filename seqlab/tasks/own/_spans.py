"""Spans of tokens that tags mark: B-X begins one of kind X, I-X goes on with it, O stands outside (IOB2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int, str]


def has_spans(tags: Iterable[str]) -> bool:
    """Say whether tags mark spans: all are O, B-... or I-..., and some span begins.

    >>> has_spans(["O", "B-PER", "I-PER"]), has_spans(["NOUN", "VERB"]), has_spans(["O"])
    (True, False, False)
    """
    tags = set(tags)
    begins = any(tag.startswith("B-") for tag in tags)
    return begins and all(tag == "O" or tag[:2] in ("B-", "I-") for tag in tags)


def spans(tags: Sequence[str]) -> set[Span]:
    """Return the spans that tags mark: the first token, the one behind the last, the kind.

    As the script of CoNLL-2000 has it, I-X that goes on with no X begins a span, too.

    >>> sorted(spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-PER"]))
    [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC'), (5, 6, 'PER')]
    """
    found: set[Span] = set()
    start, kind = 0, ""
    for place, tag in enumerate([*tags, "O"]):
        goes_on = tag.startswith("I-") and tag[2:] == kind
        if goes_on:
            continue
        if kind:
            found.add((start, place, kind))
        start, kind = place, tag[2:]
    return found
