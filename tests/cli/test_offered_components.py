"""Models and tasks that an installed package offers through entry points, as a user meets them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

FILES = {
    "offering/__init__.py": "",
    "offering/cells.py": """
import torch
from seqlab.models import Cell, Input


class Leaky(Cell):
    def __init__(self, input_size, hidden_size, *, leak: float = 0.5):
        super().__init__(input_size, hidden_size)
        self.leak, self.input = leak, Input(input_size, hidden_size)

    def step(self, x, state):
        return ((1 - self.leak) * state[0] + self.leak * torch.tanh(self.input(x)),)
""",
    "offering/tasks.py": """
import torch
from seqlab.contracts import Batch, Spec, torch_stream
from seqlab.tasks import Task


class Parity(Task):
    def __init__(self, *, length: int = 3):
        self.length, self.spec = length, Spec("tokens", 2, "classes", 2, causal=True)

    def batch(self, split, index, size, seed):
        x = torch.randint(2, (size, self.length), generator=torch_stream(seed, split, index))
        return Batch(x, x.cumsum(1) % 2)
""",
    "offering-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: offering\nVersion: 1.2\n",
    "offering-1.2.dist-info/entry_points.txt": """
[seqlab.models]
leaky = offering.cells:Leaky
broken = offering.absent:Leaky
no-model = offering.cells:torch
lstm = offering.cells:Leaky

[seqlab.tasks]
parity = offering.tasks
""",
}


@pytest.fixture
def seqlab(tmp_path: Path, seqlab_process: Command) -> Callable[..., Any]:
    """Run the command where that package is installed."""
    for name, text in FILES.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)
    source = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2])])
    return lambda *words, **env: seqlab_process(*words, env={"PYTHONPATH": source, **env})


def test_what_is_offered_is_listed_with_its_package(seqlab: Callable[..., Any]) -> None:
    rows = [line.split("\t") for line in seqlab("list", "models").stdout.splitlines()]
    offered = {name: row for _, *row, name, _ in rows if row == ["offering"]}
    assert set(offered) == {"leaky", "broken", "no-model"}  # seqlab's own lstm stands before that of another
    assert "task\toffering\tparity" in seqlab("list", "tasks").stdout


@pytest.mark.slow
def test_what_is_offered_is_trained_and_known_by_its_version(
    seqlab: Callable[..., Any], tmp_path: Path
) -> None:
    done = seqlab("train", "hello", "--task", "parity", "--model", "leaky", "model.leak=0.25",
                  "training.steps=3", "training.stop_when={}")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").glob("*/run.json")
    assert " of offering 1.2" in run.read_text(encoding="utf-8")
    settings = json.loads(seqlab("show", "--json").stdout)["settings"]
    assert settings["model"]["leak"] == 0.25
    assert settings["task"] == {"name": "parity", "length": 3}
    wrong = seqlab("train", "hello", "--model", "leaky", "model.lek=1")
    assert wrong.returncode == 2
    assert "Did you mean 'leak'?" in wrong.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "broken",
            "The model broken of offering.absent:Leaky cannot be imported: ModuleNotFoundError: "
            "No module named 'offering.absent' Is the package offering installed whole?",
        ),
        ("no-model", "holds no model."),
    ],
)
def test_what_is_broken_is_said(seqlab: Callable[..., Any], name: str, said: str) -> None:
    refused = seqlab("train", "hello", "--model", name)
    assert refused.returncode == 2
    assert said in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("seqlab train hello --model lea", ["leaky"]),
        ("seqlab train hello --task par", ["parity", "parity-check"]),
        ("seqlab train hello --model leaky model.le", ["model.leak="]),
        ("seqlab train hello --model broken model.le", []),
    ],
)
def test_what_is_offered_is_completed(seqlab: Callable[..., Any], words: str, offered: list[str]) -> None:
    done = seqlab(_SEQLAB_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    assert done.stdout.split() == offered
