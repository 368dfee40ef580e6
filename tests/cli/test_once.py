"""What takes one value is given once, in every command."""

from __future__ import annotations

import pytest
import typer
from conftest import Command

from seqlab.cli import once
from seqlab.cli.app import app


def test_every_command_looks_for_what_is_given_twice() -> None:
    group = typer.main.get_command(app)
    for command in (*group.commands.values(), *group.commands["corpus"].commands.values()):  # type: ignore[attr-defined]
        assert isinstance(command, once.Command) or hasattr(command, "commands"), command.name


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("train --text a.txt --text b.txt", "--text is given 2 times"),
        ("compare rnn lstm --seeds 2 --seeds=3 --seeds 4", "--seeds is given 3 times"),
        ("sample --temperature 0 --temperature 1", "--temperature is given 2 times"),
        ("corpus info miniature --tokens word --tokens char", "--tokens is given 2 times"),
        ("config hello seed=1 training.steps=2 seed=3", "seed is given twice, as 1 and as 3"),
        ("train --text a.txt task.corpus=b.txt", "task.corpus is given twice"),
        (
            "config hello --model rnn[hidden_size=2,hidden_size=3]",
            "hidden_size is given twice, as 2 and as 3",
        ),
    ],
)
def test_what_is_given_twice_is_refused(seqlab_command: Command, words: str, named: str) -> None:
    done = seqlab_command(*words.split())
    assert done.returncode == 2
    assert named in done.stderr


def test_a_switch_may_be_repeated_and_a_run_of_a_text_have_a_name_of_its_own(seqlab_command: Command) -> None:
    assert seqlab_command("list", "--json", "--json").returncode == 0
    words = "train --text miniature experiment=mine training.steps=1 task.period=8 model.hidden_size=2 -q -q --dry-run"
    done = seqlab_command(*words.split())
    assert done.returncode == 0, done.stderr
    assert "experiment\tmine" in done.stdout


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("answer --image", "--image is empty"),
        ("answer --file", "--file is empty"),
        ("train --images", "--images is empty"),
        ("train hello --from", "--from is empty"),
        ("corpus info miniature --tokens", "--tokens is empty"),
        ("score latest", "file is empty"),
        ("unpack", "The name of a file is empty"),
    ],
)
def test_what_has_to_name_something_is_refused_where_it_is_empty(
    seqlab_command: Command, words: str, named: str
) -> None:
    done = seqlab_command(*words.split(), "")
    assert (done.returncode, named in done.stderr) == (2, True), done.stderr


def test_a_text_to_begin_with_may_be_empty(seqlab_command: Command) -> None:
    done = seqlab_command("sample", "none", "--prime", "")
    assert "Unknown run 'none'" in done.stderr
