"""Let the network beside this file write a text.

python sample.py --prime "the" --length 300 --temperature 0.8 --seed 1
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator

from model import load
from words import WORDS, decode, encode


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
    if not given.prime:
        asked.error("--prime is empty: something has to be read first")
    if not 0 <= given.temperature < math.inf:
        asked.error(f"--temperature is {given.temperature}; it is a number from 0")
    print(given.prime + decode(list(write(given.prime, given.length, given.temperature, given.seed))))


if __name__ == "__main__":
    main()
