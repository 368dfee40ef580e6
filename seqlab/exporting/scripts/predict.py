"""Ask the network beside this file: a sequence a line, and what it makes of each step, a line of JSON each.

    echo '[3, 1, 4]' | python predict.py            # symbols by their numbers
    echo '["a", "b"]' | python predict.py           # or by their names, where words.json has these
    echo '"a text"' | python predict.py --last      # or as a text, where the network reads such
    echo '[[0.5, 1.0], [0.1, 0.0]]' | python predict.py     # features, a list for each step
    python predict.py --last < sequences.jsonl      # what it makes of the last step alone

Numbers are in the units of the data, where words.json has their scales.
Scores become probabilities; where classes have names, the likeliest stands in front.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

from model import load
from words import NUMBERS, WORDS, encode, number

SCALES = WORDS.get("scales") or {}
END = "\x1c" if WORDS.get("answers") and "\x1c" in NUMBERS else ""


def answer(outputs: list[float]) -> Any:
    """Return what outputs say: probabilities, or values as they are."""
    if WORDS["outputs"] == "values":
        factor, shift = SCALES.get("said_factor"), SCALES.get("said_shift")
        return (
            outputs if factor is None else [a * b + c for a, b, c in zip(outputs, factor, shift, strict=True)]
        )
    if WORDS["outputs"] == "bits":
        return [1 / (1 + math.exp(-value)) if value > -700 else 0.0 for value in outputs]
    greatest = max(outputs)
    chances = [math.exp(value - greatest) for value in outputs]
    shares = [chance / sum(chances) for chance in chances]
    names = WORDS.get("answers")
    if not names:
        return shares
    return {
        "answer": names[shares.index(max(shares))],
        "probabilities": dict(zip(names, shares, strict=True)),
    }


def read(given: Any) -> list[Any]:
    """Return what stands in a line as the network reads it: numbers, or lists of features.

    A text is cut into its tokens; where texts are answered at a sign behind them, it is put there.
    """
    if isinstance(given, str):
        given = list(encode(given + END))
    if not isinstance(given, list) or not given:
        raise ValueError("it is no sequence: neither a text nor a list of steps")
    found = [number(one) if isinstance(one, str) else one for one in given]
    for step, one in enumerate(found):
        if not _fits(one):
            raise ValueError(f"step {step} is {json.dumps(one)}, but {_wanted()}")
    if "read_mean" in SCALES:
        by = list(zip(SCALES["read_mean"], SCALES["read_spread"], strict=True))
        return [
            [(part - mean) / spread for part, (mean, spread) in zip(one, by, strict=True)] for one in found
        ]
    return found


def _fits(one: Any) -> bool:
    """Say whether that is a step that the network reads."""
    size = WORDS["size"]
    if WORDS["reads"] == "tokens":
        return type(one) is int and 0 <= one < size
    return isinstance(one, list) and len(one) == size and all(type(part) in (int, float) for part in one)


def _wanted() -> str:
    size = WORDS["size"]
    if WORDS["reads"] == "tokens":
        return f"the network reads symbols, numbers from 0 to {size - 1}"
    return f"the network reads lists of {size} numbers"


def main() -> None:
    """Read sequences and print answers."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--last", action="store_true", help="the last step alone")
    given, model = asked.parse_args(), load()
    for place, line in enumerate(sys.stdin, 1):
        if line.strip():
            try:
                sequence = read(json.loads(line))
            except ValueError as error:
                sys.exit(f"Line {place} cannot be read: {error}.")
            outputs, _ = model.read(sequence)
            answers = [answer(step) for step in outputs]
            print(json.dumps(answers[-1] if given.last else answers, ensure_ascii=False))


if __name__ == "__main__":
    main()
