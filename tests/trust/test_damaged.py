"""A damaged run is named, never taken for a whole one: no traceback, no hang, no wrong answer."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run

TRAIN = (
    "train", "char-shakespeare", "task.corpus=miniature", "model.hidden_size=4", "training.steps=8",
    "training.evaluate_every=4", "training.evaluation_sequences=2", "training.test_sequences=2",
    "mixture.order=2", "-q",
)  # fmt: skip
COMMANDS = {
    "sample": ("sample", "{run}", "--length", "30", "--seed", "1"),
    "last": ("sample", "{run}", "--length", "30", "--seed", "1", "--checkpoint", "last", "--alone"),
    "show": ("show", "{run}", "--json"),
    "export": ("export", "{run}", "--output", "table.csv"),
}
ABOUT: dict[str, tuple[str, ...]] = {
    "run.json": ("show", "sample"),
    "config.yaml": ("show", "sample"),
    "vocabulary.json": ("sample",),
    "metrics.jsonl": ("export",),
    "summary.json": ("show",),
    "checkpoints/best.safetensors": ("sample",),
    "checkpoints/ngram.safetensors": ("sample",),
    "checkpoints/last.pt": ("last",),
}
"""What reads each file of a run."""


def flip(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def cut(path: Path, draw: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size)])


def empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


def folder(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path, draw: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def device(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def gone(path: Path, draw: random.Random) -> None:
    path.unlink()


DAMAGE: tuple[Callable[[Path, random.Random], None], ...] = (flip, cut, empty, folder, gone)
if hasattr(os, "mkfifo"):
    DAMAGE += (pipe, device)


@pytest.fixture
def whole(seqlab_command: Command, tmp_path: Path) -> Run:
    """A trained language model, mixed with counts."""
    done = seqlab_command(*TRAIN)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "runs").iterdir()
    return Run(path)


def answer(command: Command, name: str, run: Run, folder: Path) -> tuple[int, str, str]:
    """Return the exit code, what was answered, and what was said besides."""
    table = folder / "table.csv"
    table.unlink(missing_ok=True)
    done = command(*(word.format(run=run.path) for word in COMMANDS[name]))
    written = table.read_text() if table.is_file() else done.stdout
    return done.returncode, written, done.stderr


def is_told(name: str, answered: str, file: str) -> bool:
    """Say whether a run is shown with what is wrong with that file."""
    return name == "show" and any(file in problem for problem in json.loads(answered)["problems"])


def check(command: Command, whole: Run, folder: Path, times: int) -> None:
    wanted = {name: answer(command, name, whole, folder)[1] for name in COMMANDS}
    assert all(wanted.values())
    refused = 0
    for seed in range(times):
        draw = random.Random(seed)
        file, how = draw.choice(list(ABOUT)), draw.choice(DAMAGE if seed % 2 else (flip, cut))
        shutil.copytree(whole.path, hurt := folder / "hurt" / whole.id)
        how(hurt / file, draw)
        for name in ABOUT[file]:
            code, answered, said = answer(command, name, Run(hurt), folder)
            case = f"{how.__name__} of {file} by seed {seed}: {said}"
            assert code in (0, 1, 2), case
            if code == 0:
                right = wanted[name].replace(str(whole.path), str(hurt))
                assert answered == right or is_told(name, answered, file), case
            refused += code != 0
        shutil.rmtree(hurt)
    assert refused > times / 2


def test_a_damaged_run_is_refused_or_answers_as_the_whole_one(
    whole: Run, seqlab_command: Command, tmp_path: Path
) -> None:
    check(seqlab_command, whole, tmp_path, 40)


@pytest.mark.slow
def test_a_run_damaged_in_a_thousand_ways(whole: Run, seqlab_command: Command, tmp_path: Path) -> None:
    check(seqlab_command, whole, tmp_path, 1000)


def test_weights_of_another_run_are_not_taken_for_its_own(
    whole: Run, seqlab_command: Command, tmp_path: Path
) -> None:
    assert seqlab_command(*TRAIN, "--seed", "2").returncode == 0
    (other,) = (Run(path) for path in (tmp_path / "runs").iterdir() if path != whole.path)
    for file in ("checkpoints/best.safetensors", "checkpoints/last.pt", "vocabulary.json"):
        shutil.copy(other.path / file, whole.path / file)
    assert seqlab_command("sample", whole.path).returncode == 2
    assert seqlab_command("sample", other.path).returncode == 0
