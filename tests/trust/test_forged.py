"""A run.json with right checksums that holds something of the wrong kind, at any place."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from killing import a_run

from seqlab.errors import RunFolderError
from seqlab.files import sealed, to_json
from seqlab.runs import Run

WRONG = (None, 5, -1.5, "x", [], {}, [1, "a"], {"a": {"b": 1}}, True)
COMMANDS = (
    ("show", "RUN"),
    ("runs",),
    ("sample", "RUN", "--length", "5"),
    ("export", "RUN", "--to", "csv"),
    ("plot", "RUN"),
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    return a_run()


def forgeries(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is told with each of its values, however deep, in turn replaced by each wrong one."""
    for key, value in told.items():
        yield from ({**told, key: wrong} for wrong in WRONG)
        if isinstance(value, dict):
            yield from ({**told, key: inner} for inner in forgeries(value))


def forge(run: Run, data: dict[str, Any]) -> None:
    run.info_path.write_text(to_json(sealed(data)))


def words_for(run: Run, words: tuple[str, ...]) -> list[str]:
    return [run.id if word == "RUN" else word for word in words]


def told_of(run: Run) -> dict[str, Any]:
    return {key: value for key, value in json.loads(run.info_path.read_text()).items() if key != "sha256"}


def test_forged_values_are_named_or_nothing_is_made_of_them(run: Run, seqlab_command: Command) -> None:
    """An error that is none of seqlab's would leave the command, as one."""
    draw, refused = random.Random(2), 0
    for data in draw.sample(list(forgeries(told_of(run))), 9):
        forge(run, data)
        done = seqlab_command(*words_for(run, draw.choice(COMMANDS)))
        refused += "run.json holds" in done.stderr
    assert 1 < refused < 9


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_every_forged_value_is_named_or_nothing_is_made_of_it(
    run: Run, seqlab_command: Command, words: tuple[str, ...]
) -> None:
    for data in forgeries(told_of(run)):
        forge(run, data)
        assert seqlab_command(*words_for(run, words)).returncode in (0, 1, 2)


def test_the_wrong_place_is_named(run: Run) -> None:
    data = told_of(run)
    data["extra"]["guess"]["held_out"]["others"] = [5]
    forge(run, data)
    with pytest.raises(RunFolderError, match=r"holds 5 as 'extra\.guess\.held_out\.others\.0'"):
        run.info()
