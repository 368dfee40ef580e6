"""`seqlab ask`, `answer --story` and what `inspect` shows of a story, from the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from conftest import table

Command = Callable[..., CompletedProcess[str]]

TINY = (
    "task.questions=100", "model.hidden_size=4", "training.steps=3", "training.evaluate_every=3",
    "training.batch_size=8", "training.evaluation_sequences=8", "training.test_sequences=8",
)  # fmt: skip


@pytest.fixture
def trained(seqlab_command: Command) -> Command:
    done = seqlab_command("train", "stories", *TINY)
    assert done.returncode == 0, done.stderr
    return seqlab_command


def test_a_story_is_told_and_asked_about_line_by_line(trained: Command) -> None:
    facts = "Mary went to the kitchen.\nJohn moved to the gardn\nJohn moved to the garden\n"
    done = trained("ask", text=f"{facts}Where is John?\n\nMary went to the kitchen\nWhere is Mary?\n")
    assert done.returncode == 0, done.stderr
    assert (
        "'gardn' of 'John moved to the gardn' is none of the 18 that the task knows. Did you mean 'garden'?"
        in done.stderr
    )
    assert "A new story begins." in done.stderr
    first, second = done.stdout.splitlines()
    story = "Mary went to the kitchen\nJohn moved to the garden\nWhere is John?"
    for line, asked in ((first, story), (second, "Mary went to the kitchen.\nWhere is Mary?")):
        found = json.loads(trained("answer", "latest", asked, "--nbest", "3", "--json").stdout)
        answers = found["questions"][0]["answers"]
        assert line == ", ".join(f"{one['text']} ({one['probability']:.3g})" for one in answers)
        shares = [one["probability"] for one in answers]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) < 1


def test_all_answers_together_have_a_probability_of_one(trained: Command) -> None:
    asked = "Mary went to the kitchen. Where is Mary?"
    found = json.loads(trained("answer", "latest", asked, "--nbest", "100", "--json").stdout)
    answers = found["questions"][0]["answers"]
    assert {one["text"] for one in answers} == {
        "bathroom",
        "bedroom",
        "garden",
        "hallway",
        "kitchen",
        "office",
    }
    assert sum(one["probability"] for one in answers) == pytest.approx(1)


def test_a_file_tells_what_the_questions_are_about(trained: Command, tmp_path: Path) -> None:
    (tmp_path / "facts.txt").write_text(
        "1 Mary went to the kitchen.\n2 Where is Mary?\tkitchen\t1\n3 John moved to the garden.\n",
        encoding="utf-8",
    )
    done = trained("answer", "latest", "Where is John?", "--story", "facts.txt")
    told = "Mary went to the kitchen. John moved to the garden. Where is John?"
    (_, (asked, answer, probability)) = table(done.stdout)
    assert asked == "Where is John?"
    assert [answer, probability] == table(trained("answer", "latest", told).stdout)[1][1:]
    asked_about = trained("ask", "--story", "facts.txt", text="Where is John?\n").stdout
    assert asked_about.startswith(f"{answer} ({probability}), ")


def test_statements_are_for_tasks_that_have_them(seqlab_command: Command, tmp_path: Path) -> None:
    small = (
        "model.hidden_size=4",
        "training.steps=1",
        "training.evaluation_sequences=2",
        "training.test_sequences=2",
    )
    assert seqlab_command("train", "addition", *small).returncode == 0
    (tmp_path / "facts.txt").write_text("Mary went to the kitchen.\n", encoding="utf-8")
    done = seqlab_command("answer", "latest", "1+2", "--story", "facts.txt")
    assert done.returncode == 2
    assert "The task addition asks about no statements" in done.stderr
    each_line = seqlab_command("ask", text="1+2\n3+4\n\n")
    assert len(each_line.stdout.splitlines()) == 2
    assert each_line.returncode == 0


def test_inspect_shows_which_sentences_are_read(trained: Command, tmp_path: Path) -> None:
    shown = json.loads(trained("inspect", "latest", "--example", "2", "--json").stdout)
    wanted = json.loads(trained("show", "--json").stdout)["answers"][2]
    assert "\n".join([*shown["sentences"], shown["question"]]) == wanted["asked"]
    assert (shown["answer"], shown["wanted"]) == (wanted["written"], wanted["right"])
    assert list(shown["weights"]) == ["hop 1", "hop 2", "hop 3"]
    for weights in shown["weights"].values():
        assert sum(weights) == pytest.approx(1)
    assert sum(shown["supporting"]) == 1
    (rows,) = (path for path in shown["figures"] if path.endswith("hops.csv"))
    with (tmp_path / rows).open(encoding="utf-8", newline="") as lines:
        head, *told = csv.reader(lines)
    assert head == ["sentence", "told", "supporting", "hop 1", "hop 2", "hop 3"]
    assert [row[1] for row in told] == shown["sentences"]
    printed = trained("inspect", "latest", "--input", "Mary went to the kitchen. Where is Mary?").stdout
    assert "The most read sentence is a supporting one: hop 1 " in printed
    assert "Mary went to the kitchen." in printed


def test_an_lstm_that_reads_all_in_one_row_is_asked_and_inspected_too(seqlab_command: Command) -> None:
    assert seqlab_command("train", "stories-lstm", *TINY).returncode == 0
    assert seqlab_command("ask", text="Mary went to the kitchen\nWhere is Mary?\n").stdout.count("(") == 3
    assert seqlab_command("inspect").returncode == 0  # its hidden states


def test_what_a_terminal_would_obey_in_an_answer_is_not_printed(
    seqlab_command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "own.txt"
    rooms = "".join(f"1 Mary went home{n}.\n2 Where is Mary?\t\x1b[31mhome{n % 3}\t1\n" for n in range(30))
    path.write_text(rooms, encoding="utf-8")
    done = seqlab_command("train", "--story", str(path), *TINY[1:])
    assert done.returncode == 0, done.stderr
    for words in (("ask",), ("inspect", "latest")):
        printed = seqlab_command(*words, text="Mary went home1.\nWhere is Mary?\n").stdout
        assert "?[31mhome" in printed
        assert "\x1b" not in printed


def test_a_file_tells_one_story(trained: Command, tmp_path: Path) -> None:
    for told, said in (("1 Mary went home.\n1 John left.\n", "holds 2 stories"), ("\n", "tells nothing")):
        (tmp_path / "facts.txt").write_text(told, encoding="utf-8")
        done = trained("answer", "latest", "Where is John?", "--story", "facts.txt")
        assert done.returncode == 2
        assert f"facts.txt {said}" in done.stderr
