"""Learning to execute: read a small program character by character, then write what it prints."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from seqlab.contracts import PAD, Batch, Spec, Split, Written, numpy_stream
from seqlab.errors import TextError
from seqlab.tasks._base import Task
from seqlab.tasks._data import Sample
from seqlab.tasks._judging import Trial
from seqlab.tasks.languages._programs import CHARACTERS, END, HARDER, NEWLINE, Program, addition
from seqlab.text.vocabulary import Vocabulary

Curriculum = Literal["none", "naive", "mix", "combined"]
Pair = tuple[str, str]
FULL_STOP = "."
"""With which an answer ends."""

SHARES: dict[Split, range] = {"train": range(8), "validation": range(8, 9), "test": range(9, 10)}
"""Of ten parts, into which all programs fall by their hash, those of each split: products of two digits, say,
are only some 1,600 in all."""

GROUP = 16
"""Training batches whose programs are sorted by length, so that half as much padding is read."""


class Execute(Task):
    """Read a program and write what it prints, then a full stop.

        j=8584#for x in range(8):j+=920#b=(1500+j)#print((b+7567))@25011.

    A program is made of ``nesting`` operations on constants from 1 to 10^length: sums, differences,
    products with small numbers, variables, loops and choices, each of which takes up what came of the one
    before. New lines are written #, the end @. Only the answer is asked for. A program belongs to the split
    that its hash says, so that no held-out program was seen in training.

    How hard training programs are is a function of the update, the ``curriculum``:

    - ``none``: always the target, ``length`` and ``nesting``.
    - ``naive``: length 1 and nesting 1 first; every ``stage`` updates one more digit, and beyond the target
      one more operation, with one digit again; the target at last.
    - ``mix``: each program with any length and nesting up to the target's.
    - ``combined``: four of five programs as in ``naive``, the others as in ``mix``.

    Programs of 16 updates are sorted by length, so that a stage begins and ends within so many. With
    ``harder`` training draws loops and products more often than other operations, and a length or nesting of
    a ``mix`` as often as its number says, two of 2 for each of 1: of what takes longest to learn, uniform
    programs hold little.

    Held-out programs are as in ``mix``, or all at the target with ``exactly``. ``accuracy`` is that of single
    characters with the right ones before them shown (teacher forcing), as in the paper; the trial ``written``
    lets the model write, and its ``sequence_accuracy`` is the share of answers that are right as a whole. The
    other trials do so for each length and nesting.

    Args:
        length: of constants, in digits.
        nesting: operations of a program.
        form: programs, or the addition of two numbers of ``length`` digits, without nesting.
        curriculum: how training goes from easy to hard.
        stage: updates before training programs grow harder.
        harder: whether training draws what is harder more often; held-out programs are always uniform.
        exactly: whether held-out programs are all at the target.
        reverse: whether programs are shown backwards, up to the @.
        double: whether programs are shown twice over.
        pause: how often the @ is read again before the answer begins: steps in which to reckon. A prime of
            ``sample`` stands as it is typed, and ends with as many; ``ask`` sees to them.

    Source:
        Zaremba & Sutskever, "Learning to execute", 2014. There a stage ends when the accuracy is good enough.
        The pause is that of Goyal et al., "Think before you speak", 2023.

    >>> task = Execute(length=1, nesting=2)
    >>> batch = task.batch("train", 0, size=1, seed=3)
    >>> task.vocabulary.decode(batch.inputs[0]), task.vocabulary.decode(batch.targets[batch.mask])
    ('print((2+3))@5', '5.')
    """

    def __init__(
        self,
        *,
        length: Annotated[int, Field(ge=1, le=9)] = 2,
        nesting: Annotated[int, Field(ge=1, le=12)] = 2,
        form: Literal["programs", "addition"] = "programs",
        curriculum: Curriculum = "combined",
        stage: Annotated[int, Field(ge=1)] = 500,
        harder: bool = False,
        exactly: bool = False,
        reverse: bool = False,
        double: bool = False,
        pause: Annotated[int, Field(ge=0, le=64)] = 0,
    ) -> None:
        self.length, self.nesting = length, nesting if form == "programs" else 1
        self.form, self.curriculum, self.stage, self.harder = form, curriculum, stage, harder
        self.exactly, self.reverse, self.double, self.pause = exactly, reverse, double, pause
        self.vocabulary = Vocabulary.of(CHARACTERS)
        self._codes = {symbol: code for code, symbol in enumerate(self.vocabulary.symbols)}
        size, begin, end = len(self.vocabulary), self._codes[END], self._codes[FULL_STOP]
        longest = 3 + length + 2 * self.nesting + len(str(4 * length)) * self.nesting
        self.spec = Spec("tokens", size, "classes", size, causal=True, writes=Written(begin, end, longest))
        example = self._shown(f"print(({'2' * length}+{'3' * length}))")
        self.sample = Sample(example, longest, temperature=0.0, stop=FULL_STOP)
        cells = [(digits, depth) for depth in range(1, self.nesting + 1) for digits in range(1, length + 1)]
        self.trials = () if exactly else (Trial("written", answers="greedy"), *map(_cell, cells))

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return batch number ``index``: programs and answers but for the full stop, padded in front."""
        if split == "train":
            pairs = _sorted(self, index // GROUP, size, seed)[index % GROUP]
        else:
            pairs = self.pairs(split, index, size, seed)
        width = max(len(source) + len(answer) for source, answer in pairs) - 1
        inputs = np.full((size, width), PAD)
        targets, mask = np.zeros_like(inputs), np.zeros(inputs.shape, dtype=bool)
        for row, (source, answer) in enumerate(pairs):
            codes = [self._codes[symbol] for symbol in source + answer]
            inputs[row, width + 1 - len(codes) :] = codes[:-1]
            targets[row, -len(answer) :], mask[row, -len(answer) :] = codes[-len(answer) :], True
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(mask))

    def pairs(self, split: Split, index: int, size: int, seed: int) -> list[Pair]:
        """Return programs, as they are shown, and answers, in the order in which they are drawn."""
        random = Random(int(numpy_stream(seed, "execute", split, index).integers(2**63)))
        return [self._draw(random, split, *self._hardness(random, split, index)) for _ in range(size)]

    def ask(self, text: str) -> Batch:
        """Return a program of a user's, with line feeds or #, as it is shown.

        Raises:
            TextError: when there is none, or an @ within it, where the answer would begin.
        """
        program = NEWLINE.join(text.splitlines()).rstrip(f" {NEWLINE}{END}").lstrip(f" {NEWLINE}")
        if not program:
            raise TextError("There is nothing to answer: the program is empty.")
        if END in program:
            raise TextError(
                f"An {END} stands within the program {program!r}.", hint="It ends a program; leave it out."
            )
        return super().ask(self._shown(program))

    def _hardness(self, random: Random, split: Split, index: int) -> tuple[int, int]:
        """Return the length and nesting of the next program."""
        mixed = random.randint(1, self.length), random.randint(1, self.nesting)
        if self.harder and split == "train":
            mixed = _up_to(random, self.length), _up_to(random, self.nesting)
        if split != "train":
            return (self.length, self.nesting) if self.exactly else mixed
        now = hardness(index // self.stage, self.length, self.nesting)
        match self.curriculum:
            case "none":
                return self.length, self.nesting
            case "naive":
                return now
            case "mix":
                return mixed
        return mixed if random.random() < 0.2 else now

    def _draw(self, random: Random, split: Split, length: int, nesting: int) -> Pair:
        """Return a program of a split, as it is shown, and its answer."""
        while True:
            if self.form == "addition":
                source, printed = addition(random, length)
            else:
                weights = HARDER if self.harder and split == "train" else None
                program = Program(random, length, nesting, weights)
                source, printed = program.source, program.answer
            if zlib.crc32(source.encode()) % 10 in SHARES[split]:
                return self._shown(source), f"{printed}{FULL_STOP}"

    def _shown(self, source: str) -> str:
        body = source.rstrip(END)
        body = body[::-1] if self.reverse else body
        return (2 * body if self.double else body) + END * (1 + self.pause)


@lru_cache(maxsize=64)  # seeds that are trained side by side ask in turn
def _sorted(task: Execute, group: int, size: int, seed: int) -> list[list[Pair]]:
    """Return the training batches of a group, each of programs of nearly the same length, in any order."""
    drawn = [task.pairs("train", group * GROUP + place, size, seed) for place in range(GROUP)]
    pairs = sorted((pair for batch in drawn for pair in batch), key=lambda pair: len(pair[0]) + len(pair[1]))
    order = numpy_stream(seed, "execute", "order", group).permutation(GROUP).tolist()
    return [pairs[place * size : (place + 1) * size] for place in order]


def hardness(stage: int, length: int, nesting: int) -> tuple[int, int]:
    """Return the length and nesting of a stage, from 0, on the way to a target.

    >>> [hardness(stage, 2, 2) for stage in range(5)]
    [(1, 1), (2, 1), (1, 2), (2, 2), (2, 2)]
    """
    deep, long = divmod(min(stage, length * nesting - 1), length)
    return long + 1, deep + 1


def _up_to(random: Random, most: int) -> int:
    """Draw a number from 1 on, each as often as it says."""
    return random.choices(range(1, most + 1), range(1, most + 1))[0]


def _cell(hardness: Sequence[int]) -> Trial:
    length, nesting = hardness
    options = {"length": length, "nesting": nesting, "exactly": True}
    return Trial(f"length-{length}-nesting-{nesting}", options, "greedy")
