"""Let the network beside this file write a text.

python sample.py --prime "the" --length 300 --temperature 0.8 --seed 1
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from model import load

WORDS = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
SYMBOLS = WORDS["symbols"]
NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS or ())}


def split(text: str) -> list[str]:
    """Cut a text into what the network reads one at a time: characters, or words and signs."""
    if WORDS["tokens"] != "word":
        return list(text)
    found, in_word = [], False
    for sign in text:
        letter = sign.isalnum() or sign == "_" or unicodedata.category(sign).startswith("M")
        if letter and in_word:
            found[-1] += sign
        else:
            found.append(sign)
        in_word = letter
    return found


def encode(text: str) -> list[int]:
    """Return the numbers of a text's tokens."""
    if WORDS["normalisation"] != "none":
        text = unicodedata.normalize(WORDS["normalisation"], text)
    if WORDS["tokens"] == "byte":
        return list(text.encode("utf-8"))
    rare = NUMBERS.get("\ufffd") if WORDS["folded"] else None
    numbers = [NUMBERS.get(token, rare) for token in split(text)]
    if None in numbers:
        sys.exit(f"The network does not know {split(text)[numbers.index(None)]!r}.")
    return numbers


def decode(numbers: list[int]) -> str:
    """Return the text of numbers."""
    if WORDS["tokens"] == "byte":
        return bytes(numbers).decode("utf-8", "replace")
    return "".join(SYMBOLS[number] for number in numbers)


def draw(scores: list[float], temperature: float, stream: random.Random) -> int:
    """Draw a symbol from the softmax of scores; the likeliest one where the temperature is 0."""
    greatest = max(scores)
    if temperature == 0:
        return scores.index(greatest)
    chances = [math.exp((score - greatest) / temperature) for score in scores]
    return stream.choices(range(len(scores)), chances)[0]


def write(prime: str, length: int, temperature: float, seed: int) -> Iterator[int]:
    """Yield symbols that go on with a prime."""
    model, stream = load(), random.Random(seed)
    outputs, state = model.read(encode(prime))
    ends = set(encode(WORDS["sample"]["stop"]))
    for _ in range(length):
        symbol = draw(outputs[-1], temperature, stream)
        if symbol in ends:
            return
        yield symbol
        outputs, state = model.read([symbol], state)


def main() -> None:
    """Read the command line and write."""
    usual = WORDS["sample"]
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--prime", default=usual["prime"], help="the text to begin with")
    asked.add_argument("--length", type=int, default=usual["length"], help="symbols to write")
    asked.add_argument(
        "--temperature", type=float, default=usual["temperature"], help="0: always the likeliest"
    )
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    print(given.prime + decode(list(write(given.prime, given.length, given.temperature, given.seed))))


if __name__ == "__main__":
    main()
