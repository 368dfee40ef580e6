"""What `seqlab answer` prints, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from conftest import table

Command = Callable[..., CompletedProcess[str]]

TINY = (
    "model.hidden_size=4", "training.steps=4", "training.evaluate_every=4", "training.batch_size=8",
    "training.evaluation_sequences=8", "training.test_sequences=8",
)  # fmt: skip


@pytest.fixture
def trained(seqlab_command: Command) -> Command:
    done = seqlab_command("train", "dates", *TINY)
    assert done.returncode == 0, done.stderr
    return seqlab_command


def test_a_question_is_answered_with_its_probability(trained: Command, tmp_path: Path) -> None:
    done = trained("answer", "latest", "3. Mai 2009")
    (head, (asked, answer, probability)) = table(done.stdout)
    assert head == ["asked", "answer", "probability"]
    assert asked == "3. Mai 2009"
    assert 0 < float(probability) < 1
    ((one,),) = [
        found["answers"]
        for found in json.loads(trained("answer", "latest", asked, "--json").stdout)["questions"]
    ]
    assert (one["text"], f"{one['probability']:.3g}") == (answer, probability)
    assert json.loads(trained("show", "--json").stdout)["answers"][0].keys() == {"asked", "right", "written"}


def test_what_was_taken_for_auto_is_not_called_changed(trained: Command) -> None:
    rows = dict(row for row in table(trained("show").stdout) if len(row) == 2)
    assert rows["settings training.engine"] == "torch"
    assert rows["changed model.hidden_size"].startswith("4 (")
    assert "changed training.engine" not in rows


def test_lines_of_a_file_and_of_standard_input_are_answered_in_their_order(
    trained: Command, tmp_path: Path
) -> None:
    lines = "2009년 5월 3일\n5/3/09\n"
    (tmp_path / "dates.txt").write_text(lines, encoding="utf-8")
    from_file = trained("answer", "latest", "--file", "dates.txt")
    assert [row[0] for row in table(from_file.stdout)[1:]] == lines.splitlines()
    assert trained("answer", text=lines).stdout == from_file.stdout


def test_a_beam_gives_several_answers_the_best_first(trained: Command) -> None:
    done = trained("answer", "latest", "5/3/09", "--beam", "4", "--nbest", "3")
    head, *rows = table(done.stdout)
    assert head == ["asked", "answer", "probability", "score"]
    assert len({row[1] for row in rows}) == len(rows) == 3
    scores = [float(row[3]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    by_length = trained("answer", "latest", "5/3/09", "--nbest", "3", "--normalise", "1", "--json")
    (found,) = json.loads(by_length.stdout)["questions"]
    for one in found["answers"]:
        symbols = len(one["text"]) + one["is_ended"]
        assert one["score"] == pytest.approx(one["log_probability"] / symbols)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["latest", "3. Mai 2009 &"], "'&' (U+0026) at position 13"),
        (["latest", "5/3/09", "--beam", "2", "--nbest", "3"], "--nbest is 3, but a beam of 2"),
        (["latest", "5/3/09", "--normalise", "1"], "ranks the answers of a beam"),
        (["latest", "--file", "nothing.txt"], "'nothing.txt' cannot be read"),
        (["latest"], "There is nothing to answer"),
    ],
)
def test_what_cannot_be_answered_is_said(trained: Command, words: list[str], said: str) -> None:
    done = trained("answer", *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_run_that_writes_no_answers_is_refused_with_what_to_type(seqlab_command: Command) -> None:
    seqlab_command("train", "hello", "training.steps=2")
    done = seqlab_command("answer", "hello", "h")
    assert done.returncode == 2
    assert "writes no answers: its task, hello" in done.stderr
    assert "seqlab train dates" in done.stderr


def test_latest_says_which_run_it_is_where_newer_ones_do_not_answer(trained: Command) -> None:
    assert "Using" not in trained("answer", "latest", "5/3/09").stderr
    trained("train", "hello", "training.steps=2")
    assert "Using dates-" in trained("answer", "latest", "5/3/09").stderr


def test_inspect_shows_where_the_model_looked(trained: Command, tmp_path: Path) -> None:
    done = trained("inspect", "latest", "--input", "3. Mai 2009")
    assert done.returncode == 0, done.stderr
    answered = table(trained("answer", "latest", "3. Mai 2009").stdout)[1][1]
    asked, head, *rows = done.stdout.splitlines()
    assert asked == "asked: 3. Mai 2009"
    assert head.split("\t") == ["step", "written", "probability", "looks at", "place", "weight"]
    steps = [row.split("\t") for row in rows if "\t" in row]
    assert "".join(step[1] for step in steps).removesuffix("<end>") == answered
    for step in steps:
        assert "3. Mai 2009"[int(step[4])] == step[3].strip("'")
    numbers = next(tmp_path.glob("runs/dates*/figures/alignment.csv")).read_text().splitlines()
    assert len(numbers) == 1 + len(steps) * len("3. Mai 2009")
    shown = json.loads(trained("inspect", "latest", "--example", "2", "--json").stdout)
    assert shown["wanted"] == json.loads(trained("show", "--json").stdout)["answers"][2]["right"]


def test_what_is_for_other_networks_is_refused(trained: Command) -> None:
    done = trained("inspect", "latest", "--lesions")
    assert done.returncode == 2
    assert "--lesions is for networks of one cell" in done.stderr


def test_a_program_is_answered_as_it_is_typed(seqlab_command: Command) -> None:
    """A task without a context: the question is its input, up to where the answer begins."""
    done = seqlab_command("train", "execute", *TINY, "task.length=1", "task.nesting=1")
    assert done.returncode == 0, done.stderr
    shown = json.loads(seqlab_command("show", "--json").stdout)["answers"][0]
    answered = [
        json.loads(seqlab_command("answer", "latest", asked, "--json").stdout)["questions"][0]["answers"][0]
        for asked in (shown["asked"], shown["asked"].removesuffix("@"))
    ]
    assert answered[0] == answered[1]
    assert answered[0]["text"] == shown["written"]


def test_judging_tells_what_is_right_by_the_length_of_what_was_asked(trained: Command) -> None:
    done = trained("judge", "latest", "--answers", "greedy", "--sequences", "64", "--json")
    figures = json.loads(done.stdout)["figures"]
    names = [f"sequence_accuracy_{name}" for name in ("to_10", "11_to_12", "13_to_16", "from_17")]
    assert figures.keys() >= set(names)
    rows = table(trained("judge", "latest", "--answers", "greedy", "--sequences", "64").stdout)
    assert [row[0] for row in rows if row[0].startswith("length")] == [
        "length to 10: right", "length 11 to 12: right", "length 13 to 16: right", "length from 17: right",
    ]  # fmt: skip
    assert all(name in trained("show").stdout for name in names)
