"""The package as others install it: a wheel in an empty environment runs every command, in another folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TRAIN = "training.steps=40 training.evaluate_every=20 training.checkpoint_every=20"
COMMANDS = f"""
train hello
train temporal-order --seed 3 {TRAIN}
train temporal-order --seed 4 --model gru {TRAIN}
train echo {TRAIN}
train adding {TRAIN}
train copy {TRAIN} model.hidden_size=8
train char-python {TRAIN} model.hidden_size=16
train char-shakespeare --task char-lm task.corpus=miniature --model ngram
train worked-example
train memory-gates
train cures hidden_size=5 lags=12 burn_in=3 seeds=2 input_std=[0.1]
train vanishing-gradient
train --config own.yaml
train dates {TRAIN}
train labels --data own.csv --text text --label label {TRAIN}
train mackey-glass {TRAIN}
train word-vectors task.corpus=miniature {TRAIN}
compare rnn lstm --seeds 2 {TRAIN}
compare my_cell.py lstm --seeds 2 {TRAIN}
report
runs
show
plot char-python
inspect temporal-order-lstm-s3
explain lstm
gradients temporal-order-lstm-s3 --lags 8
cells char-python
corpus list
corpus info miniature
bench rnn --quick --time 10 --hidden 4 --batch 4 --seeds 1
sample char-shakespeare --prime the --length 80 --seed 1
complete char-shakespeare --once the
score char-shakespeare own.yaml --unknown skip
novel char-shakespeare
answer dates 5/3/09
ask dates
predict labels own.csv
forecast mackey-glass --steps 3
watch hello
judge echo-rnn-s1 --sequences 32
neighbours word-vectors the
map dates
check my_cell.py
diff temporal-order-lstm-s3 temporal-order-gru-s4
replay echo-rnn-s1
tag hello good
note hello done
export hello --to csv
pack hello hello.zip
rm hello
unpack hello.zip
rm adding
restore adding
clean --failed --dry-run
config temporal-order training.steps=5
schema
list
""".strip().splitlines()
CELL = '''"""A leaky cell."""
import torch
from torch import nn
from seqlab.models import Cell, Input


class Leaky(Cell):
    """h = 0.9 h + 0.1 tanh(U x + W h)."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.U = Input(input_size, hidden_size)
        self.W = nn.Parameter(torch.empty(hidden_size, hidden_size))

    def step(self, x, state):
        return (0.9 * state[0] + 0.1 * torch.tanh(self.U(x) + state[0] @ self.W),)
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with an environment that holds the wheel and what it needs, nothing else."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run = {"check": True, "capture_output": True}
    source = folder / "source"
    for name in ("seqlab", "experiments"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", folder, source], **run)
    shutil.rmtree(source)
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], **run)
    wheel = next(folder.glob("*.whl"))
    subprocess.run([folder / "env/bin/pip", "install", "--quiet", wheel, "torch>=2.6,<2.14"], **run)
    return folder


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Variables of ours without those that lead to this checkout or to folders of seqlab's."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("SEQLAB_", "PYTHON"))}


def test_every_command_runs_from_a_wheel(place: Path, environment: dict[str, str]) -> None:
    from seqlab.cli.app import app

    names = typer.main.get_command(app).commands.keys() - {"resume"}  # below
    assert {line.split()[0] for line in COMMANDS} >= names
    (place / "my_cell.py").write_text(CELL)
    own = "kind: train\ntask: {name: echo}\nmodel: {name: rnn}\ntraining: {steps: 10}\n"
    (place / "own.yaml").write_text(own)
    texts = [f"good day number {n},happy\nbad night number {n},sad\n" for n in range(60)]
    (place / "own.csv").write_text("text,label\n" + "".join(texts))
    for line in COMMANDS:
        done = subprocess.run(
            [place / "env/bin/seqlab", *line.split()],
            cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"seqlab {line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, line


def test_an_interrupted_run_is_gone_on_with_from_a_wheel(place: Path, environment: dict[str, str]) -> None:
    seqlab, runs = place / "env/bin/seqlab", place / "interrupted"
    environment = {**environment, "SEQLAB_RUNS_DIR": str(runs)}
    words = ["train", "temporal-order", "training.steps=2000", "training.stop_when={}"]
    with subprocess.Popen([seqlab, *words], cwd=place, env=environment, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not list(runs.glob("*/metrics.jsonl")):
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    subprocess.run([seqlab, "resume"], cwd=place, env=environment, check=True)
