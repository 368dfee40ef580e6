"""The twenty kinds of stories, by their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from random import Random

from seqlab.contracts import Split, numpy_stream
from seqlab.tasks.stories import _people, _reasons, _relations, _things
from seqlab.tasks.stories._people import NAMES, ROOMS
from seqlab.tasks.stories._story import Story, Tale, Told
from seqlab.tasks.stories._things import NOTHING, NUMBERS, THINGS

HELD_OUT = 1000
"""Questions of the test set, of each kind."""

REHEARSED = 200
"""Stories of a kind whose words are all that there are."""

YES_OR_NO = ("no", "yes")
_HELD = tuple(",".join(some) for number in range(1, len(THINGS) + 1) for some in combinations(THINGS, number))
_WAYS = tuple(
    f"{one},{other}"
    for one in _relations.STEPS
    for other in _relations.STEPS
    if other != _relations.OPPOSITE[one]
)
_REASONS = (*_reasons.MOODS, *sorted({room for room, _ in _reasons.MOODS.values()}))

TALES: Mapping[int, Tale] = {
    1: Tale("one supporting fact", _people.where_is_somebody, ROOMS),
    2: Tale("two supporting facts", _things.where_is_a_thing, ROOMS),
    3: Tale("three supporting facts", _things.where_was_a_thing, ROOMS),
    4: Tale("two argument relations", _relations.two_arguments, ROOMS),
    5: Tale("three argument relations", _things.who_gave_what, (*NAMES, *THINGS)),
    6: Tale("yes or no", _people.is_somebody_there, YES_OR_NO),
    7: Tale("counting", _things.counting, NUMBERS),
    8: Tale("lists", _things.listing, (NOTHING, *_HELD)),
    9: Tale("negation", _people.negation, YES_OR_NO),
    10: Tale("indefinite knowledge", _people.indefinite, ("maybe", *YES_OR_NO)),
    11: Tale("coreference", _people.coreference, ROOMS),
    12: Tale("conjunction", _people.conjunction, ROOMS),
    13: Tale("compound coreference", _people.compound_coreference, ROOMS),
    14: Tale("time", _people.time, ROOMS),
    15: Tale("deduction", _reasons.deduction, tuple(_reasons.HUNTERS)),
    16: Tale("induction", _reasons.induction, _reasons.COLOURS),
    17: Tale("positions", _relations.positions, YES_OR_NO),
    18: Tale("sizes", _relations.sizes, YES_OR_NO),
    19: Tale("ways", _relations.ways, _WAYS),
    20: Tale("motivations", _reasons.motivations, _REASONS),
}


@dataclass(frozen=True)
class Simulated:
    """Stories that are told by the simulation.

    Attributes:
        kinds: their numbers.
        questions: for training and validation together, of each kind; a tenth is for validation.
    """

    kinds: tuple[int, ...]
    questions: int

    @property
    def words(self) -> frozenset[str]:
        """All words."""
        return frozenset().union(*map(_words, self.kinds))

    @property
    def answers(self) -> tuple[str, ...]:
        """All answers."""
        return tuple(dict.fromkeys(answer for kind in self.kinds for answer in TALES[kind].answers))

    @property
    def for_training(self) -> int:
        """How many questions there are to learn from."""
        return len(self.kinds) * (self.questions - self.questions // 10)

    def stories(self, split: Split, seed: int) -> list[Told]:
        """Return the stories of a split, kind by kind."""
        validation = self.questions // 10
        counts = {"train": self.questions - validation, "validation": validation, "test": HELD_OUT}
        return [(kind, story) for kind in self.kinds for story in told(kind, counts[split], seed, split)]


def told(kind: int, questions: int, seed: int, *path: str) -> Iterator[Story]:
    """Yield so many questions of a kind, in the stories that they belong to; the last may lack its end.

    Args:
        kind: its number.
        questions: how many.
        seed: of the random stream.
        path: what else the stream goes by.
    """
    random = Random(int(numpy_stream(seed, "stories", kind, *path).integers(2**63)))
    missing = questions
    while missing > 0:
        story = TALES[kind].tell(random)
        del story.questions[missing:]
        missing -= len(story.questions)
        yield story


@cache
def _words(kind: int) -> frozenset[str]:
    random = Random(kind)
    stories = [TALES[kind].tell(random) for _ in range(REHEARSED)]
    sentences = {line for story in stories for line in story.statements}
    sentences |= {question.words for story in stories for question in story.questions}
    return frozenset(word for line in sentences for word in line.split())
