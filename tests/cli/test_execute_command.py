"""Learning to execute from the command line: what `show` lists and `sample --prime` writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

TINY = (
    "task.length=1", "task.nesting=1", "model.hidden_size=8", "training.steps=60", "training.evaluate_every=60",
    "training.batch_size=16", "training.evaluation_sequences=16", "training.test_sequences=16",
)  # fmt: skip


@pytest.fixture
def trained(seqlab_command: Command) -> Command:
    done = seqlab_command("train", "execute", *TINY)
    assert done.returncode == 0, done.stderr
    return seqlab_command


def test_show_lists_programs_right_answers_and_those_of_the_model(trained: Command) -> None:
    answers = json.loads(trained("show", "--json").stdout)["answers"]
    assert len(answers) == 12
    for one in answers:
        assert one["asked"].startswith("print(") or "#print(" in one["asked"]
        assert one["asked"].endswith("@")
        assert one["right"].endswith(".")
    lines = trained("show").stdout.splitlines()
    for one in answers:
        verdict = "" if one["right"] == one["written"] else "wrong"
        assert "\t".join((one["asked"], one["right"], one["written"], verdict)) in lines


def test_sample_goes_on_from_a_program_as_the_answers_were_written(trained: Command) -> None:
    first, *_ = json.loads(trained("show", "--json").stdout)["answers"]
    done = trained("sample", "--prime", first["asked"], "--json")
    (text,) = json.loads(done.stdout)["texts"]
    assert text["text"] == first["asked"] + first["written"]
    settings = json.loads(done.stdout)["settings"]
    assert settings["stop"] == "."
    assert settings["temperature"] == 0


def test_what_is_no_character_of_a_program_is_refused(trained: Command) -> None:
    done = trained("sample", "--prime", "print(3&4)@")
    assert done.returncode == 2
    assert "&" in done.stderr
