"""Strings of brackets, symbol by symbol: plain loops, which are compiled where Numba is at hand.

Shapes: B strings of at most L symbols, at most M deep.
"""

from __future__ import annotations

from typing import Any


def walk(first: int, chance: Any, ends_at: Any, up: Any, depths: Any, lengths: Any) -> None:
    """Go on with strings that are not over: at each place one ends, or a bracket opens, or one closes.

    Args:
        first: symbols that strings have which are not over; those with fewer are left alone.
        chance: of each next place and string, a number from 0 to 1: (places, B).
        ends_at: below which a string ends there, by its length and depth, (L + 1, M + 1).
        up: below which a bracket opens, likewise; at depth 0 it always does.
        depths: how many are open at first and after each symbol, (B, L + 1); written.
        lengths: symbols so far, (B,); written.
    """
    for row in range(len(lengths)):
        if lengths[row] == first:
            depth = depths[row, first]
            for place in range(first, first + len(chance)):
                number = chance[place - first, row]
                if number < ends_at[place, depth]:
                    break
                depth += 1 if number < up[place, depth] or depth == 0 else -1
                depths[row, place + 1] = depth
                lengths[row] = place + 1


def write(depths: Any, lengths: Any, drawn: Any, kinds: int, opened: Any, inputs: Any, targets: Any) -> None:
    """Write strings at the end of each row, and what comes after each of their symbols.

    A bracket that closes is of the kind that opened. The begin, which is read first, and the end, which is
    answered last, are the symbol behind all brackets.

    Args:
        depths: how many are open at first and after each symbol, (B, L + 1).
        lengths: symbols of each string, (B,).
        drawn: of each bracket that opens, which kind it is, (B, T).
        kinds: how many there are.
        opened: room for the kinds of what is open, (M + 1,).
        inputs: (B, T + 1), written from the begin on.
        targets: (B, T + 1), likewise.
    """
    for row in range(len(lengths)):
        start = drawn.shape[1] - lengths[row]
        inputs[row, start] = targets[row, -1] = 2 * kinds
        for step in range(lengths[row]):
            before, after = depths[row, step], depths[row, step + 1]
            token = drawn[row, step]
            if after > before:
                opened[after] = token
            else:
                token = kinds + opened[before]
            targets[row, start + step] = inputs[row, start + step + 1] = token
