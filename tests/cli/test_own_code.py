"""What is wrong in a user's own cell, model or task is said in a sentence, with the file and the line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command

CELL = """
import torch
import torch.nn.functional as F
from torch import nn
from seqlab.models import Cell, Input


class Leaky(Cell):
    def __init__(self, input_size, hidden_size, *, pace: float = 0.5):
        super().__init__(input_size, hidden_size)
        self.pace = pace
        self.input = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))

    def step(self, x, state):
        (h,) = state
        new = torch.tanh(self.input(x) + F.linear(h, self.W))
        return (h + self.pace * (new - h),)
"""
MODEL = """
import torch
from torch import nn
from seqlab.models import SequenceModel, linear


class Blind(SequenceModel):
    def __init__(self, spec, *, hidden_size: int = 3):
        super().__init__(spec)
        self.readout = nn.Parameter(torch.empty(spec.output_size))

    def initialise(self, generator):
        nn.init.uniform_(self.readout, generator=generator)

    def start(self, context, rows):
        return ((torch.zeros(rows, 1),),)

    def forward(self, inputs, state=None):
        state = state or self.start({}, len(inputs))
        return self.readout.expand(*inputs.shape[:2], -1), state
"""
TASK = """
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
"""
STACK = """
import torch
from seqlab.models import Mixer, Stack


class Fade(Mixer):
    def start(self, rows):
        return (torch.zeros(rows, self.size),)

    def read(self, x, state):
        return x.cumsum(1), (x.sum(1) + state[0],)


class Fading(Stack):
    def __init__(self, spec, **options):
        super().__init__(spec, Fade, **options)
"""
SOURCES = {"cell": CELL, "model": MODEL, "stack": STACK, "task": TASK}
QUICK = (
    "training.steps=4", "training.batch_size=2", "training.evaluation_sequences=4",
    "training.test_sequences=4", "training.evaluate_every=2", "model.hidden_size=3",
)  # fmt: skip
RETURNED = "return (h + self.pace * (new - h),)"
PARTS = "step of Leaky must return a tuple of 1 part (h,), each (B, H) = (2, 3); it returned "
GAVE = "return self.readout.expand(*inputs.shape[:2], -1), state"


@pytest.fixture
def write(tmp_path: Path, seqlab_command: Command) -> Callable[..., Command]:
    """Write all three, one of them changed; return what runs a command beside them."""

    def written(kind: str = "", old: str = "", new: str = "") -> Command:
        for name, source in SOURCES.items():
            if name == kind:
                assert old in source
                source = source.replace(old, new)
            (tmp_path / f"my_{name}.py").write_text(source)
        return seqlab_command

    return written


def train(kind: str) -> tuple[str, ...]:
    own = ("--task", "my_task.py") if kind == "task" else ("--task", "my_task.py", "--model", f"my_{kind}.py")
    return ("train", *own, *QUICK)


@pytest.mark.parametrize("kind", SOURCES)
def test_what_is_right_is_trained(write: Callable[..., Command], kind: str) -> None:
    done = write()(*train(kind), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 4


@pytest.mark.parametrize(
    ("kind", "old", "new", "line", "said"),
    [
        # at import
        ("cell", "import torch\n", "import torch, nowhere\n", 2, "No module named 'nowhere'"),
        ("cell", "def step(self", "def step self", 15, "SyntaxError"),
        # in the constructor
        ("cell", "super().__init__(input_size, hidden_size)", "pass", 12, "super().__init__(input_size, hidden_size)"),
        ("cell", "hidden_size, *, pace", "hidden_size, depth, *, pace", 9, "missing a required argument: 'depth'"),
        ("cell", "self.pace = pace", "self.pace = pace / 0", 11, "ZeroDivisionError"),
        ("model", "super().__init__(spec)", "pass", 10, "super().__init__(spec)"),
        ("task", "self.length = length", "self.length = length.size", 9, "has no attribute 'size'"),
        ("task", 'Spec("tokens"', 'Spec("token"', 10, "inputs is 'token'; allowed: 'tokens', 'features'"),
        ("task", "self.spec = ", "spec = ", 8, "Parity sets no `spec`"),
        # what is missing
        ("cell", "def step", "def other", None, "the model Leaky has no 'step'"),
        ("model", "def forward", "def other", None, "the model Blind has no 'forward'"),
        ("task", "def batch", "def other", None, "the task Parity has no 'batch'"),
        # what is returned
        ("cell", RETURNED, "return h + self.pace * (new - h)", 15, PARTS + "(2, 3) float32"),
        ("cell", RETURNED, "return [new]", 15, PARTS + "[(2, 3) float32]"),
        ("cell", RETURNED, "return new, h", 15, PARTS + "((2, 3) float32, (2, 3) float32)"),
        ("cell", RETURNED, "return (new[:, :1],)", 15, PARTS + "((2, 1) float32,)"),
        ("cell", RETURNED, "pass", 15, PARTS + "None"),
        ("cell", "    def step", "    def start(self, batch):\n        return torch.zeros(3)\n\n    def step", 15,
         "start of Leaky must return a tuple of 1 part (h,), (2, ...) each; it returned (3,) float32"),
        ("cell", "    def step", "    def prepare(self):\n        return self.W\n\n    def step", 15,
         "prepare of Leaky must return a tuple"),
        ("cell", "    def step", "    def forward(self, x, state):\n        return state[0]\n\n    def step", 15,
         "forward of Leaky must return outputs (2, 6, 3) and the state at the end; it returned (2, 3) float32"),
        ("model", GAVE, "return self.readout.expand(*inputs.shape[:2], -1)", 18, "forward of Blind must return outputs (2, 6, 2)"),
        ("model", GAVE, GAVE.replace("inputs.shape[:2]", "inputs.shape[:1], 1"), 18, "it returned ((2, 1, 2) float32, (("),
        ("model", GAVE, GAVE.replace(", state", ", state[0]"), 18, "must return a state that is a tuple of tuples of parts"),
        ("model", "((torch.zeros(rows, 1),),)", "torch.zeros(rows, 1)", 15, "start of Blind must return a state"),
        ("stack", "return x.cumsum(1), (", "return x.cumsum(1)  # (", 10, "read of Fade must return outputs (2, 6, 3)"),
        ("stack", "(x.sum(1) + state[0],)", "x.sum(1)", 10, "read of Fade must return a tuple of 1 part (part 0,)"),
        ("stack", "state[0]", "state[1]", 11, "IndexError: tuple index out of range"),
        ("task", "return Batch(torch.from_numpy(bits)", "return Batch(bits", 12, "inputs are a NumPy array (2, 6) int64"),
        # errors inside
        ("cell", "torch.empty(hidden_size, hidden_size)", "torch.empty(hidden_size, 9)", 17,
         "It was given x (2,) int64, state ((2, 3) float32,)"),
        ("model", "return self.readout", "return state", 20, "AttributeError: 'tuple' object has no attribute 'expand'"),
        ("task", "return Batch(", "bits[0, 99]\n        return Batch(", 14, "index 99 is out of bounds"),
        # the loss
        ("task", "    def batch", "    def loss(self, outputs, batch):\n        return super().loss(outputs, batch)[None]\n\n    def batch",
         12, "the loss must be one number; it is (1,) float32"),
        ("cell", RETURNED, "return ((h + new).detach(),)", None, "Is there a detach()"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_sentence_before_a_run_begins(
    write: Callable[..., Command], tmp_path: Path, kind: str, old: str, new: str, line: int | None, said: str
) -> None:
    seqlab = write(kind, old, new)
    if "detach" in new:  # the read-out would learn all the same
        (tmp_path / "my_cell.py").write_text(
            CELL + "    def initialise(self, g):\n        super().initialise(g)\n"
        )
        task = (
            TASK
            + "\n    def loss(self, outputs, batch):\n        return super().loss(outputs.detach(), batch)\n"
        )
        (tmp_path / "my_task.py").write_text(task)
    refused = seqlab(*train(kind), "training.engine=torch")
    told = " ".join(refused.stderr.split())
    assert refused.returncode == 2, told
    assert said in told
    assert line is None or f"my_{kind}.py, line {line}" in told
    assert len(refused.stderr.splitlines()) <= 3, "without a traceback"
    assert not (tmp_path / "runs").exists()


LATE = {
    "cell": ("(h,) = state", "(h,) = state\n        if self.input.weight.grad is not None: h.nothing"),
    "model": ("state = state or", "if self.readout.grad is not None: self.nothing\n        state = state or"),
    "task": ("return Batch(", "if index == 2: bits[:, 99]\n        return Batch("),
}


@pytest.mark.parametrize("kind", LATE)
def test_what_goes_wrong_later_fails_the_run_in_a_sentence(
    write: Callable[..., Command], tmp_path: Path, kind: str
) -> None:
    seqlab = write(kind, *LATE[kind])
    failed = seqlab(*train(kind), "training.engine=torch")
    assert failed.returncode == 1
    assert f"failed: my_{kind}.py, line " in failed.stderr
    (error,) = (tmp_path / "runs").glob("*/error.txt")
    assert "Traceback" in error.read_text()
    write()
    resumed = seqlab("resume", *train(kind)[1:-6], "--anyway")
    assert resumed.returncode == 0, resumed.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("gradients", "latest"),
        ("inspect", "latest"),
        ("judge", "latest"),
        ("explain", "my_cell.py"),
        ("bench", "my_cell.py"),
        ("compare", "my_cell.py", "rnn", *QUICK, "--seeds", "1"),
    ],
)
def test_every_command_says_it_so(
    write: Callable[..., Command], tmp_path: Path, command: tuple[str, ...]
) -> None:
    seqlab = write()
    if command[1] == "latest":
        assert seqlab(*train("cell")).returncode == 0
        command = (*command, "--model", "my_cell.py", "--task", "my_task.py", "--anyway")
    if command[0] == "compare":
        command = (*command, "--task", "my_task.py")
    write("cell", "(h,) = state", "(h, c) = state")
    refused = seqlab(*command)
    told = " ".join(refused.stderr.split())
    assert refused.returncode == 2, told
    assert "my_cell.py, line 16, in step: ValueError: not enough values to unpack" in told


def test_the_traceback_is_shown_where_it_is_asked_for(
    write: Callable[..., Command], seqlab_process: Command
) -> None:
    write("cell", "(h,) = state", "(h, c) = state")
    shown = seqlab_process(*train("cell"), "--traceback")
    assert shown.returncode == 2
    assert "Traceback (most recent call last)" in shown.stderr
    assert shown.stderr.rstrip().splitlines()[-2].startswith("Error: my_cell.py, line 16, in step")


@pytest.mark.parametrize(
    "command",
    ["judge", "replay", *(pytest.param(name, marks=pytest.mark.slow) for name in ("inspect", "gradients"))],
)
def test_a_cell_that_has_changed_is_refused_unless_anyway(
    write: Callable[..., Command], tmp_path: Path, command: str
) -> None:
    seqlab = write()
    assert seqlab(*train("cell")).returncode == 0
    (run,) = (tmp_path / "runs").glob("my_task-*")
    words = (command, run.name, "--model", "my_cell.py", "--task", "my_task.py")
    assert seqlab(*words).returncode == 0
    write("cell", "torch.tanh(", "torch.sin(")
    refused = seqlab(*words)
    assert refused.returncode == 2
    assert "my_cell.py is not what it was when my_task-my_cell-s1-" in refused.stderr
    copy = run / "own" / "model" / "my_cell.py"
    assert copy.read_text() == CELL
    assert seqlab(*words, "--anyway").returncode in ((0, 1) if command == "replay" else (0,))
    assert seqlab(command, run.name, "--model", copy, "--task", "my_task.py").returncode == 0


def test_a_file_in_the_place_of_seqlab_s_own_model_is_refused(write: Callable[..., Command]) -> None:
    seqlab = write()
    assert seqlab(*train("task")).returncode == 0
    refused = seqlab("judge", "latest", "--model", "my_cell.py", "--task", "my_task.py")
    assert refused.returncode == 2
    assert "was trained with the model lstm of seqlab, not with my_cell.py" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rnn", "my_cell.py"), "my_cell.py, line 16, in step"),
        (("rnn", "lstm", "training.stop_when={acuracy: 1.0}"), "Unknown metric 'acuracy'"),
    ],
)
def test_a_comparison_tries_every_model_before_it_trains_any(
    write: Callable[..., Command], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    refused = write("cell", "(h,) = state", "(h, c) = state")("compare", *words, *QUICK)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert not list((tmp_path / "runs").glob("*")), "nothing was trained"


def test_files_called_like_seqlab_s_own_are_told_from_them(
    write: Callable[..., Command], tmp_path: Path
) -> None:
    seqlab = write()
    (tmp_path / "rnn.py").write_text(CELL)
    (tmp_path / "adding.py").write_text(TASK)
    compared = seqlab("compare", "rnn", "rnn.py", "--task", "adding.py", "--seeds", "1", *QUICK, "--json")
    assert compared.returncode == 0, compared.stderr
    told = json.loads(compared.stdout)
    assert [model["model"] for model in told["models"]] == ["rnn", "rnn.py"]
    names = sorted(path.name for path in (tmp_path / "runs").glob("adding-own-*"))
    assert [name[:20] for name in names] == ["adding-own-rnn-py-s1", "adding-own-rnn-s1-20"]
    assert "rnn-rnn-py" in told["folder"]
    assert seqlab("runs").stdout.count("adding-own-rnn-py-s1") == 1
