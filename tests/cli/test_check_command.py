"""`seqlab check`: what all models and tasks promise, tried on a file of a user's own."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Command

CELL = """
import torch
from torch import nn
from seqlab.models import Cell, Input


class Noisy(Cell):
    '''Mixes rows, cuts the gradient, and is noisy.'''

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
        self.w = nn.Parameter(torch.empty(hidden_size))

    def step(self, x, state):
        (h,) = state
        return (torch.tanh(self.input(x) + self.w * (h.detach() - h.mean(0)) + 0.1 * torch.randn(h.shape)),)
"""
TASKS = """
import numpy as np
import torch
from seqlab.contracts import Batch, Spec, numpy_stream
from seqlab.tasks import Task


class Parity(Task):
    def __init__(self, *, length: int = 6):
        self.length = length
        self.spec = Spec("tokens", 2, "classes", 2, causal=True)

    def batch(self, split, index, size, seed):
        bits = numpy_stream(seed, "parity", split, index).integers(0, 2, (size, self.length))
        return Batch(torch.from_numpy(bits), torch.from_numpy(bits.cumsum(1) % 2))


class Leaking(Parity):
    '''Shows the test set in training, draws globally, and judges by the wrong direction.'''

    def batch(self, split, index, size, seed):
        np.random.random()
        return super().batch("test", index, size, seed)

    def is_correct(self, selected, targets):
        return selected.argmin(-1) == targets


class Breaking(Parity):
    def figures(self, total):
        return {"acc": total["missing"].nothing}
"""


def outcomes(done: str) -> dict[str, dict[str, str | None]]:
    return {
        one["name"].rpartition(":")[2]: {promise["promise"]: promise["why"] for promise in one["promises"]}
        for one in json.loads(done)
    }


def test_a_cell_that_breaks_promises_is_told_which_and_how(seqlab_command: Command, tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(CELL)
    checked = seqlab_command("check", "noisy.py", "--json")
    assert checked.returncode == 1
    (found,) = outcomes(checked.stdout).values()
    assert len(found) == 18
    assert found["sizes_are_taken_as_said"] is None
    assert "draws from a global random state" in str(found["nothing_is_drawn_from_a_global_random_state"])
    assert "answered differently" in str(found["noise_comes_from_the_model_and_in_training_only"])
    assert "a row alone differs" in str(found["rows_are_independent"])
    assert "the gradient of" in str(found["gradients_are_the_slopes"])


def test_all_of_a_file_is_tried_and_the_table_says_what_holds(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    checked = seqlab_command("check", "tasks.py")
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()
    assert "tasks.py:Parity keeps all 8 promises." in lines
    assert "splits and seeds and batches differ\tyes\t" in lines
    assert (
        "splits and seeds and batches differ\tno\tThe train set and the validation set show the same sequences."
        in lines
    )
    assert any(
        line.startswith("perfect answers are judged perfect\tno\tRight answers have an accuracy of 0")
        for line in lines
    )
    line = TASKS.splitlines().index('        return {"acc": total["missing"].nothing}') + 1
    assert any(f"tasks.py, line {line}, in figures: AttributeError" in said for said in lines)
    assert "Where that came from" not in checked.stderr
    one = seqlab_command("check", "tasks.py:Parity[length=3]")
    assert (one.returncode, one.stdout.count("keeps")) == (0, 1)


def test_what_cannot_be_tried_is_refused(seqlab_command: Command, tmp_path: Path) -> None:
    (tmp_path / "nothing.py").write_text("x = 1\n")
    for words, said in {
        "nothing.py": "holds no model and no task",
        "nothing.py:X": "holds no model or task 'X'",
        "lsmt": "Did you mean 'lstm'?",
        "lstm[hidden_size=3]": "tried with its defaults",
        "echo[dela=3]": "Did you mean 'delay'?",
    }.items():
        refused = seqlab_command("check", words)
        assert refused.returncode == 2
        assert said in refused.stderr
