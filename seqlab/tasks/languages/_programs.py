"""Small programs that print a number: the grammar of learning to execute."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

LETTERS = "abcdefghijklmnopqrstuvwxyz"

ASSIGN, NEWLINE, END = "=", "#", "@"
"""A new line is written #, and a program ends with @."""

HARDER = (3, 6, 1, 3, 9, 2)
"""How often sums, products, constants alone, variables, loops and choices are drawn where harder ones come
more often: loops ask for a product and a sum in one breath."""

CHARACTERS = "".join(sorted(set("0123456789()+-*<>=:. #@" + LETTERS)))
"""Of programs and their answers."""


class Program:
    """A program as it is drawn: an expression, what it comes to, and the lines that must run before.

    Each operation takes what came of the one before, as one of its operands, so that whoever reads from left
    to right and remembers one number can keep up.

    Args:
        random: from which it is drawn; one of Python's, which draws single numbers fastest.
        length: constants are uniform in [1, 10^length], factors and loops in [1, 4 length].
        nesting: how many operations it has.
        weights: how often each of the six operations is drawn, as :data:`HARDER`; None for all alike.
    """

    def __init__(
        self, random: Random, length: int, nesting: int, weights: Sequence[int] | None = None
    ) -> None:
        self._random, self._most, self._few = random, 10**length, 4 * length
        self._lines: list[str] = []
        self._free = random.sample(LETTERS.replace("x", ""), nesting)  # x counts the loops
        self._result: tuple[str, int] | None = None
        operations = (self._pair, self._product, self._itself, self._variable, self._loop, self._choice)
        for _ in range(nesting):
            chosen = random.choice(operations) if weights is None else random.choices(operations, weights)[0]
            self._result = chosen()

    @property
    def source(self) -> str:
        """The program, with # for new lines and @ at the end."""
        assert self._result is not None
        return NEWLINE.join([*self._lines, f"print({self._result[0]})"]) + END

    @property
    def answer(self) -> int:
        """What it prints."""
        assert self._result is not None
        return self._result[1]

    def _operands(self, count: int) -> list[tuple[str, int]]:
        """Return constants, one of which is what came before in any of the places, if something did."""
        numbers = [self._random.randint(1, self._most) for _ in range(count)]
        found = [(str(number), number) for number in numbers]
        if self._result is not None:
            found[self._below(count)] = self._result
        return found

    def _below(self, bound: int) -> int:
        return self._random.randrange(bound)

    def _pair(self) -> tuple[str, int]:
        (one, a), (other, b) = self._operands(2)
        return (f"({one}+{other})", a + b) if self._below(2) else (f"({one}-{other})", a - b)

    def _product(self) -> tuple[str, int]:
        ((one, a),) = self._operands(1)
        factor = 1 + self._below(self._few)
        return (f"({one}*{factor})" if self._below(2) else f"({factor}*{one})"), a * factor

    def _itself(self) -> tuple[str, int]:
        return self._operands(1)[0]

    def _variable(self) -> tuple[str, int]:
        (one, a), (other, b) = self._operands(2)
        name = self._free.pop()
        self._lines.append(f"{name}={one}")
        return (f"({name}+{other})", a + b) if self._below(2) else (f"({name}-{other})", a - b)

    def _loop(self) -> tuple[str, int]:
        (one, a), (other, b) = self._operands(2)
        name, times, sign = self._free.pop(), 1 + self._below(self._few), 1 - 2 * self._below(2)
        self._lines.append(f"{name}={one}")
        self._lines.append(f"for x in range({times}):{name}{'+-'[sign < 0]}={other}")
        return name, a + sign * times * b

    def _choice(self) -> tuple[str, int]:
        (left, a), (right, b), (one, c), (other, d) = self._operands(4)
        if self._below(2):
            return f"({one} if {left}>{right} else {other})", c if a > b else d
        return f"({one} if {left}<{right} else {other})", c if a < b else d


def addition(random: Random, digits: int) -> tuple[str, int]:
    """Return a program that adds two numbers of so many digits, and what it prints.

    >>> addition(Random(1), 3)
    ('print(237+682)@', 919)
    """
    one, other = (random.randrange(10 ** (digits - 1), 10**digits) for _ in range(2))
    return f"print({one}+{other}){END}", one + other
