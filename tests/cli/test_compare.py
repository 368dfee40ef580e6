"""`seqlab compare`: ordinary runs side by side, reused, resumed, and reported when they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command

SMALL = ["model.hidden_size=4", "training.steps=12", "training.evaluate_every=6", "training.evaluation_sequences=16",
         "training.test_sequences=32"]  # fmt: skip


def test_table_verdict_picture_and_reuse(seqlab_command: Command, tmp_path: Path) -> None:
    first = seqlab_command("compare", "rnn", "lstm", "--seeds", "3", *SMALL)
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0].split("\t")[0] == "model"
    assert [line.split("\t")[0] for line in lines[1:3]] == ["rnn", "lstm"]
    picture = next(line for line in lines if line.endswith(".png"))
    assert (tmp_path / picture).is_file()
    assert "claim" in first.stdout  # three seeds are too few for one
    assert len(list((tmp_path / "runs").glob("*/summary.json"))) == 6
    more = seqlab_command("compare", "rnn", "lstm", "--seeds", "4", *SMALL, "--json")
    assert json.loads(more.stdout)["models"][0]["runs"] == 4
    assert len(list((tmp_path / "runs").glob("*/summary.json"))) == 8  # six were reused
    other = seqlab_command("compare", "rnn", "--seeds", "1", *SMALL, "training.learning_rate=0.5")
    assert other.returncode == 0
    assert len(list((tmp_path / "runs").glob("*/summary.json"))) == 9  # other settings, another run


def test_a_run_in_company_equals_the_run_alone(seqlab_command: Command, tmp_path: Path) -> None:
    seqlab_command("compare", "rnn", "lstm", "--seeds", "2", *SMALL)
    alone = seqlab_command(
        "train", "temporal-order", "--model", "lstm", "--seed", "2", "compute.threads=1", *SMALL, "--json"
    )
    path = Path(json.loads(alone.stdout)["path"])
    (company,) = [
        run for run in (tmp_path / "runs").glob("temporal-order-lstm-s2-*") if run.name != path.name
    ]
    assert (company / "metrics.jsonl").read_bytes() == (tmp_path / path / "metrics.jsonl").read_bytes()


def test_models_meet_the_same_data(seqlab_command: Command, tmp_path: Path) -> None:
    """Two names for one model must do exactly the same on the same seed."""
    result = seqlab_command("compare", "lstm", "lstm[forget_bias=1]", "--seeds", "2", *SMALL, "--json")
    outcome = json.loads(result.stdout)
    assert outcome["models"][0]["metric_mean"] == outcome["models"][1]["metric_mean"]


def test_a_failing_run_is_reported_and_its_neighbours_finish(seqlab_command: Command, tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text(
        "import os, torch\n"
        "from seqlab.models import Cell, Input\n"
        "class Dies(Cell):\n"
        "    '''Ends its process at the fifth step of a batch, in training.'''\n"
        "    def __init__(self, input_size, hidden_size):\n"
        "        super().__init__(input_size, hidden_size)\n"
        "        self.input = Input(input_size, hidden_size)\n"
        "    def step(self, x, state):\n"
        "        if torch.is_grad_enabled():\n"
        "            os._exit(7)\n"
        "        return (torch.tanh(self.input(x) + state[0]),)\n"
    )
    result = seqlab_command("compare", "dies.py", "rnn", "--seeds", "2", *SMALL, "--json")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("exit code 7") >= 2
    outcome = {model["model"]: model for model in json.loads(result.stdout)["models"]}
    assert outcome["dies.py"]["failed"] == 2
    assert outcome["rnn"]["runs"] == 2
    assert outcome["rnn"]["failed"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnn", "lsmt"], "Did you mean 'lstm'"),
        (["rnn", "lstm", "--on", "temporal-ordr"], "Did you mean 'temporal-order'"),
        (["rnn", "rnn"], "twice"),
        (["rnn", "lstm[hiden_size=3]"], "hidden_size"),
        (["rnn", "lstm", "--on", "vanishing-gradient"], "vanishing-gradient"),
        (["rnn", "lstm["], "lstm["),
    ],
)
def test_wrong_usage(seqlab_command: Command, words: list[str], said: str) -> None:
    result = seqlab_command("compare", *words)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
