"""Ask the network beside this file: a sequence a line, and what it makes of each step, a line of JSON each.

    echo '[3, 1, 4]' | python predict.py            # symbols by their numbers
    echo '["a", "b"]' | python predict.py           # or by their names, where words.json has these
    echo '"a text"' | python predict.py --last      # or as a text, where the network reads such
    echo '[[0.5, 1.0], [0.1, 0.0]]' | python predict.py     # features, a list for each step
    python predict.py --last < sequences.jsonl      # what it makes of the last step alone

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

END = "\x1c" if WORDS.get("answers") and "\x1c" in NUMBERS else ""


def answer(outputs: list[float]) -> Any:
    """Return what outputs say: probabilities, or values as they are."""
    if WORDS["outputs"] == "values":
        return outputs
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
        return encode(given + END)
    return [number(one) if isinstance(one, str) else one for one in given]


def main() -> None:
    """Read sequences and print answers."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--last", action="store_true", help="the last step alone")
    given, model = asked.parse_args(), load()
    for line in sys.stdin:
        if line.strip():
            outputs, _ = model.read(read(json.loads(line)))
            answers = [answer(step) for step in outputs]
            print(json.dumps(answers[-1] if given.last else answers, ensure_ascii=False))


if __name__ == "__main__":
    main()
