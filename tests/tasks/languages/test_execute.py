from __future__ import annotations

import re
import subprocess
import sys
from random import Random

import pytest
import torch

from seqlab.contracts import Split
from seqlab.errors import TextError
from seqlab.generation.answers import questions
from seqlab.tasks.languages._programs import Program
from seqlab.tasks.languages.execute import Execute, hardness


def pairs(task: Execute, split: Split = "train", index: int = 0, size: int = 200) -> list[tuple[str, str]]:
    batch = task.batch(split, index, size, seed=1)
    assert batch.mask is not None
    decode = task.vocabulary.decode
    return [
        (decode(row[row >= 0].numpy()).partition("@")[0], decode(targets[mask].numpy()))
        for row, targets, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True)
    ]


def printed(programs: list[str]) -> list[str]:
    """Let Python run programs, one after another."""
    script = "\n".join(program.replace("#", "\n") for program in programs)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(("length", "nesting"), [(1, 1), (2, 2), (4, 3), (3, 12)])
def test_answers_are_what_python_prints(length: int, nesting: int) -> None:
    found = pairs(Execute(length=length, nesting=nesting, curriculum="none"))
    assert [answer for _, answer in found] == [f"{line}." for line in printed([one for one, _ in found])]


def test_every_operation_occurs_and_constants_have_as_many_digits_as_they_may() -> None:
    sources = [Program(Random(seed), 3, 2).source for seed in range(500)]
    for operation in (r"\+", "-", r"\*", "for x in range", "=", " if .*<", " if .*>"):
        assert sum(re.search(operation, source) is not None for source in sources) > 20, operation
    constants = [int(number) for source in sources for number in re.findall(r"\d+", source)]
    assert 900 < max(constants) <= 1000
    assert all(int(times) <= 12 for source in sources for times in re.findall(r"range\((\d+)\)", source))


def test_harder_programs_come_more_often_in_training_alone() -> None:
    plain, harder = (Execute(length=2, nesting=2, curriculum="mix", harder=more) for more in (False, True))
    assert harder.pairs("test", 0, 200, 1) == plain.pairs("test", 0, 200, 1)
    shares = []
    for task in (plain, harder):
        sources = [source for source, _ in task.pairs("train", 0, 4000, 1)]
        loops = sum("for x in range" in source for source in sources) / len(sources)
        long = sum(any(len(digits) > 1 for digits in re.findall(r"\d+", source)) for source in sources) / len(
            sources
        )
        shares.append((loops, long))
    # With n operations of 6 there is none of a loop in (5/6)^n; of 24 parts, 9 of which are loops, in (15/24)^n.
    assert shares[0][0] == pytest.approx(1 - (5 / 6 + (5 / 6) ** 2) / 2, abs=0.03)
    assert shares[1][0] == pytest.approx(1 - ((15 / 24) + 2 * (15 / 24) ** 2) / 3, abs=0.03)
    assert shares[1][1] > shares[0][1] + 0.1


def test_a_program_is_in_one_split_alone() -> None:
    task = Execute(length=1, nesting=1)
    train = {source for index in range(10) for source, _ in pairs(task, "train", index)}
    held_out = {source for split in ("validation", "test") for source, _ in pairs(task, split)}
    assert len(train) > 300
    assert not train & held_out
    assert not {one for one, _ in pairs(task, "validation")} & {one for one, _ in pairs(task, "test")}


def test_a_stage_is_reached_by_the_number_of_updates_alone() -> None:
    assert [hardness(stage, 3, 2) for stage in (0, 1, 2, 3, 5, 99)] == [
        (1, 1), (2, 1), (3, 1), (1, 2), (3, 2), (3, 2),
    ]  # fmt: skip
    naive = Execute(length=3, nesting=2, curriculum="naive", stage=16)

    def digits(index: int) -> int:
        constants = [number for one, _ in pairs(naive, index=index) for number in re.findall(r"\d+", one)]
        return max(map(int, constants))

    assert digits(15) <= 10 < digits(16) <= 100 < digits(32) <= 1000


@pytest.mark.parametrize(
    ("curriculum", "easy"),
    [("none", (0, 0.02)), ("naive", (1, 1)), ("mix", (0.2, 0.3)), ("combined", (0.8, 0.9))],
)
def test_how_many_programs_of_the_first_updates_are_of_the_first_stage(
    curriculum: str, easy: tuple[float, float]
) -> None:
    """Of length 1 and nesting 1 of four; a program of one operation has at most one line before."""
    task = Execute(length=2, nesting=2, curriculum=curriculum)
    drawn = [task._hardness(Random(seed), "train", 0) for seed in range(2000)]
    share = drawn.count((1, 1)) / len(drawn)
    assert easy[0] <= share <= easy[1]


def test_training_batches_are_those_that_are_drawn_sorted_by_length_within_a_group() -> None:
    task = Execute(length=2, nesting=2, curriculum="mix")
    batches = [task.batch("train", index, 8, seed=1) for index in range(16, 32)]
    read = {task.vocabulary.decode(row[row >= 0].numpy()) for batch in batches for row in batch.inputs}
    drawn = [pair for index in range(16, 32) for pair in task.pairs("train", index, 8, seed=1)]
    assert read == {source + answer[:-1] for source, answer in drawn}
    widths = [batch.inputs.shape[1] for batch in batches]
    assert sum(widths) < 0.7 * 16 * max(widths)
    assert widths != sorted(widths)


def test_addition_is_of_numbers_of_so_many_digits() -> None:
    for source, answer in pairs(Execute(form="addition", length=3, curriculum="none")):
        matched = re.fullmatch(r"print\((\d{3})\+(\d{3})\)", source)
        assert matched is not None
        assert answer == f"{int(matched[1]) + int(matched[2])}."


def test_a_program_backwards_and_twice_is_that_program() -> None:
    plain, changed = (
        pairs(Execute(length=2, nesting=2, reverse=on, double=on), "test", size=50) for on in (False, True)
    )
    for (source, answer), (shown, same) in zip(plain, changed, strict=True):
        assert shown == 2 * source[::-1]
        assert same == answer
    task = Execute(reverse=True, double=True, pause=2)
    (asked,) = questions(task.ask("print(4+3)"), task.spec)
    assert task.vocabulary.decode(asked.numpy()) == 2 * ")3+4(tnirp" + "@@@"


@pytest.mark.parametrize("pause", [0, 3])
def test_what_is_read_before_an_answer_is_written_is_the_program_and_its_end(pause: int) -> None:
    task = Execute(pause=pause)
    batch = task.batch("test", 0, 30, seed=1)
    programs = [source for source, _ in pairs(Execute(), "test", size=30)]
    for row, program in zip(questions(batch, task.spec), programs, strict=True):
        assert task.vocabulary.decode(row[row >= 0].numpy()) == program + "@" * (1 + pause)
    for end in ("", "@", "@@@@"):
        (asked,) = questions(task.ask(programs[0] + end), task.spec)
        assert task.vocabulary.decode(asked.numpy()) == programs[0] + "@" * (1 + pause)
    (lines,) = questions(task.ask("a=1\nprint(a)\n"), task.spec)
    assert task.vocabulary.decode(lines.numpy()) == "a=1#print(a)" + "@" * (1 + pause)


@pytest.mark.parametrize(("length", "nesting"), [(1, 1), (4, 3), pytest.param(2, 12, marks=pytest.mark.slow)])
def test_no_answer_is_longer_than_what_may_be_written(length: int, nesting: int) -> None:
    task = Execute(length=length, nesting=nesting, curriculum="none")
    assert task.spec.writes is not None
    assert max(len(answer) for _, answer in pairs(task, size=2000)) <= task.spec.writes.longest


def test_right_answers_are_counted_as_wholes() -> None:
    task = Execute()
    batch = task.batch("test", 0, 4, seed=1)
    outputs = torch.nn.functional.one_hot(batch.targets, len(task.vocabulary)).float() * 9
    last = int(batch.mask[2].nonzero()[-1])  # type: ignore[index]
    outputs[2, last] = outputs[2, last].roll(1)
    figures = task.figures(task.tally(outputs, batch))
    assert figures["errors"] == 1
    assert figures["sequence_accuracy"] == 0.75


@pytest.mark.parametrize(
    "text",
    ["a=1\nprint(a)", " a=1\r\nprint(a)\r\n", "#a=1#print(a)@@", "a=1\nprint(a) @", "a=1\nprint(a)\n@\n@"],
)
def test_a_program_is_asked_however_its_lines_end(text: str) -> None:
    task = Execute(reverse=True)
    (asked,) = questions(task.ask(text), task.spec)
    assert task.vocabulary.decode(asked.numpy()) == ")a(tnirp#1=a@"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" @@ ", "is empty"),
        ("##@\n", "is empty"),
        ("print(1)@2", r"An @ stands within the program 'print\(1\)@2'"),
        ("@print(1)", "An @ stands within the program '@print"),
    ],
)
def test_what_is_no_program_is_not_answered(text: str, said: str) -> None:
    with pytest.raises(TextError, match=said):
        Execute().ask(text)
