"""Stories from files in the published form of the bAbI data.

    1 Mary moved to the bathroom.
    2 John went to the hallway.
    3 Where is Mary? <tab> bathroom <tab> 1

Every line begins with its number, and number 1 begins a story. A question stands in front of its answer and
the numbers of the lines that support it, with tabs between.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqlab.contracts import Split
from seqlab.errors import TextError
from seqlab.outside import path_of, read_ordinary
from seqlab.tasks._data import Data
from seqlab.tasks.stories._story import Story, Told

TRAIN, TEST = "_train.txt", "_test.txt"


@dataclass(frozen=True)
class Published:
    """Stories of one or two files.

    Attributes:
        parts: those of each split.
        data: what a run records of the files.
    """

    parts: dict[Split, tuple[Story, ...]]
    data: Data

    @classmethod
    def read(cls, name: str) -> Published:
        """Read a file of stories, and the test file beside it, where there is one.

        Raises:
            TextError: naming the line that is none of the form.
        """
        path = path_of(name)
        if not path.is_file():
            raise TextError(
                f"{name!r} is a folder." if path.is_dir() else f"There is no file {name!r}.",
                hint="--story FILE, which is task.file, reads stories in the published form. "
                "A kind of those that seqlab tells itself is task.story=1 to 20, or all.",
            )
        beside = path.with_name(path.name.removesuffix(TRAIN) + TEST)
        files = [path, beside] if path.name.endswith(TRAIN) and beside.is_file() else [path]
        data = Data.of(*files)
        first, *others = [tuple(_stories(file)) for file in files]
        parts = _parted(first, ("validation",) if others else ("validation", "test"))
        parts |= {"test": others[0]} if others else {}
        if others and not parts["test"]:
            raise TextError(f"{beside}, the test set of {path.name}, holds no story with a question.")
        if not all(parts.values()):
            raise TextError(f"{path} holds {len(first)} stories with questions, too few to hold some out.")
        return cls(parts, data)

    @property
    def words(self) -> frozenset[str]:
        """All words, those that only begin lines in small letters."""
        every = [story for part in self.parts.values() for story in part]
        lines = [line.split() for story in every for line in story.statements]
        lines += [question.words.split() for story in every for question in story.questions]
        inside = {word for line in lines for word in line[1:]}
        known = {word.casefold(): word for word in sorted(inside, reverse=True)}
        for line in lines:
            known.setdefault(line[0].casefold(), line[0].lower())
        return frozenset(known.values())

    @property
    def answers(self) -> tuple[str, ...]:
        """All answers, in the order of the alphabet."""
        every = (story for part in self.parts.values() for story in part)
        return tuple(sorted({question.answer for story in every for question in story.questions}))

    @property
    def for_training(self) -> int:
        """How many questions there are to learn from."""
        return sum(len(story.questions) for story in self.parts["train"])

    def stories(self, split: Split, seed: int) -> list[Told]:
        """Return the stories of a split; ``seed`` has no say."""
        return [(0, story) for story in self.parts[split]]


def absolute(name: str | None) -> str | None:
    """Return a path that is there as it holds in every folder."""
    if name is None:
        return None
    path = path_of(name)
    return str(path.absolute()) if path.is_file() else name


def _parted(stories: tuple[Story, ...], held_out: tuple[Split, ...]) -> dict[Split, tuple[Story, ...]]:
    """Hold out a tenth of the stories for each of some splits, by a hash; equal ones stay together."""
    texts = ["\n".join(story.statements) for story in stories]
    ordered = sorted(set(texts), key=lambda text: (zlib.crc32(text.encode()), text))
    share = max(1, len(ordered) // 10)
    chosen: dict[str, Split] = {}
    for number, split in enumerate(held_out):
        chosen |= dict.fromkeys(ordered[number * share : (number + 1) * share], split)
    return {
        split: tuple(
            story for story, text in zip(stories, texts, strict=True) if chosen.get(text, "train") == split
        )
        for split in ("train", *held_out)
    }


def _stories(path: Path) -> Iterator[Story]:
    """Yield the stories of a file that ask something."""
    try:
        lines = read_ordinary(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise TextError(f"{path} is no text in UTF-8: byte {error.start + 1} is wrong.") from None
    story: Story | None = None
    statements: dict[int, int] = {}  # by the numbers of lines
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            number, text = _numbered(line)
            if number == 1:
                if story is not None and story.questions:
                    yield story
                story, statements = Story(), {}
            if story is None:
                raise ValueError("a story begins with number 1")
            if "\t" in text:
                _ask(story, statements, text)
            else:
                statements[number] = story.tell(_words(text))
        except ValueError as error:
            raise TextError(
                f"{path}, line {place}, is none of a story: {error}.",
                hint="A line is '1 Mary went home.', or a question with its answer and the numbers of the "
                "lines that support it behind tabs: '2 Where is Mary?<tab>home<tab>1'",
            ) from None
    if story is not None and story.questions:
        yield story


def _numbered(line: str) -> tuple[int, str]:
    number, _, text = line.strip().partition(" ")
    if not (number.isascii() and number.isdigit() and text.strip()):
        raise ValueError(f"it begins with {number[:20]!r}, where its number and a space belong")
    return int(number), text


def _words(text: str) -> str:
    words = " ".join(text.strip().rstrip(".?!").split())
    if not words:
        raise ValueError("it has no words")
    return words


def _ask(story: Story, statements: dict[int, int], text: str) -> None:
    question, answer, *supporting = text.split("\t")
    if not answer.strip():
        raise ValueError("the question has no answer")
    numbers = " ".join(supporting).split()
    unknown = [number for number in numbers if not number.isdigit() or int(number) not in statements]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no statement before it in its story")
    story.ask(_words(question), answer.strip(), [statements[int(number)] for number in numbers])
