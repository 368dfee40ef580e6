"""What the network beside this file calls its symbols: texts to numbers and back."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

WORDS = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
NUMBERS = {symbol: number for number, symbol in enumerate(WORDS.get("inputs") or WORDS["symbols"] or ())}
RARE = NUMBERS.get("\ufffd") if WORDS.get("folded") else None


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
    if "tokens" not in WORDS:
        sys.exit("The network reads no texts, but lists of what stands for a step each.")
    if WORDS["normalisation"] != "none":
        text = unicodedata.normalize(WORDS["normalisation"], text)
    if WORDS["tokens"] == "byte":
        return list(text.encode("utf-8"))
    return [number(token) for token in split(text)]


def number(symbol: str) -> int:
    """Return the number of a symbol, or of a token; an unknown one is rare, where there is such."""
    found = NUMBERS.get(symbol, RARE)
    if found is None:
        sys.exit(f"The network does not know {symbol!r}.")
    return found


def decode(numbers: list[int]) -> str:
    """Return the text of numbers."""
    if WORDS["tokens"] == "byte":
        return bytes(numbers).decode("utf-8", "replace")
    return "".join(WORDS["symbols"][number] for number in numbers)
