"""Stories from files in the published form, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.errors import TextError
from seqlab.tasks.stories._story import Story
from seqlab.tasks.stories._tales import TALES, told
from seqlab.tasks.stories.stories import SUPPORTING, Stories

OWN = """\
1 Anna has a kite.
2 Her kite is red.
3 What colour is the kite?\tred\t2
4 Then Anna found an apple and a pear.
5 What has Anna?\tkite,apple,pear\t1 4
1 Ben swims.
2 Who swims?\tBen\t1
"""


def _published(stories: list[Story]) -> str:
    """Write stories as the published files have them."""
    lines: list[str] = []
    for story in stories:
        numbers: list[int] = []
        count = 0
        for place, statement in enumerate(story.statements, 1):
            count += 1
            numbers.append(count)
            lines.append(f"{count} {statement[0].upper()}{statement[1:]}.")
            for question in story.questions:
                if question.after == place:
                    count += 1
                    supporting = " ".join(str(numbers[number]) for number in question.supporting)
                    asked = f"{question.words[0].upper()}{question.words[1:]}?"
                    lines.append(f"{count} {asked} \t{question.answer}\t{supporting}")
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture
def train_file(tmp_path: Path) -> Path:
    path = tmp_path / "qa1_own_train.txt"
    path.write_text(_published(list(told(1, 200, 1))), encoding="utf-8")
    path.with_name("qa1_own_test.txt").write_text(_published(list(told(1, 60, 2))), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", [1, 5, 14, 18, 19])
def test_what_is_written_in_that_form_is_read_as_it_was(kind: int, tmp_path: Path) -> None:
    stories = list(told(kind, 100, 1))
    path = tmp_path / "own.txt"
    path.write_text(_published(stories), encoding="utf-8")
    task = Stories(file=str(path))
    read = [story for split in ("train", "validation", "test") for _, story in task.source.stories(split, 1)]
    assert sorted(map(_folded, read)) == sorted(map(_folded, stories))
    assert set(task.answers) <= set(TALES[kind].answers)
    assert {"Mary", "where"} & set(task.symbols) or kind > 14


def test_words_that_only_begin_lines_are_small_and_names_are_not(tmp_path: Path) -> None:
    path = tmp_path / "own_train.txt"
    path.write_text(OWN, encoding="utf-8")
    path.with_name("own_test.txt").write_text("1 Anna swims.\n2 Who swims?\tAnna\t1\n", encoding="utf-8")
    task = Stories(file=str(path))
    assert {"Anna", "her", "then", "ben", "who", "kite"} <= set(task.symbols)
    assert task.answers == ("Anna", "Ben", "kite,apple,pear", "red")
    (batch,) = task.evaluation("test", 5, 1)
    assert task.asked(batch) == ["Anna swims.\nWho swims?"]


def test_the_test_file_beside_it_is_the_test_set(train_file: Path) -> None:
    task = Stories(file=str(train_file))
    count = {
        split: sum(len(b.inputs) for b in task.evaluation(split, 999, 1)) for split in ("validation", "test")
    }
    assert count == {"validation": 20, "test": 60}
    assert task.steps_of_a_pass(10) == 18
    assert task.data is not None
    assert task.data.name == "qa1_own_train.txt, qa1_own_test.txt"
    batch = task.batch("train", 0, 30, 1)
    assert batch.notes[SUPPORTING].sum(1).tolist() == [1] * 30
    other = Stories(file=str(train_file.rename(train_file.with_name("other.txt"))))
    assert other.data is not None
    assert other.data.sha256 != task.data.sha256


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Anna swims.", 1, "it begins with 'Anna', where its number and a space belong"),
        ("1 Anna swims.\n2\n", 2, "it begins with '2'"),
        ("2 Anna swims.", 1, "a story begins with number 1"),
        ("1 Anna swims.\n\n2 Who swims?\t\t1", 3, "the question has no answer"),
        ("1 Anna swims.\n2 Who swims?\tAnna\t3", 2, "'3' is no statement before it in its story"),
        ("1 Anna swims.\n2 ?\tAnna\t1", 2, "it has no words"),
    ],
)
def test_a_line_that_is_none_is_named(text: str, line: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TextError) as refused:
        Stories(file=str(path))
    assert f"{path}, line {line}, is none of a story: {said}" in refused.value.message


def test_files_that_hold_too_little_or_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text("1 Anna swims.\n2 Who swims?\tAnna\t1\n", encoding="utf-8")
    with pytest.raises(TextError, match="holds 1 stories with questions, too few"):
        Stories(file=str(path))
    path.write_bytes(b"1 Anna \xff swims.")
    with pytest.raises(TextError, match=r"no text in UTF-8: byte 8 is wrong"):
        Stories(file=str(path))
    with pytest.raises(TextError, match="There is no file '3'") as refused:
        Stories(file="3")
    assert "task.story=1 to 20" in (refused.value.hint or "")


def _folded(story: Story) -> str:
    return "\n".join([*story.statements, *map(str, story.questions)]).casefold()


def test_an_empty_test_file_is_named(train_file: Path) -> None:
    beside = train_file.with_name(train_file.name.replace("_train", "_test"))
    beside.write_text("1 Mary went home.\n", encoding="utf-8")
    with pytest.raises(TextError, match=rf"{beside.name}, the test set of .* holds no story with a question"):
        Stories(file=str(train_file))
