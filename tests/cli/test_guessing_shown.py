"""What guessing comes to stands beside every figure, and whoever is not better is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command

TASK = """
class Unequal(Task):
    '''Nine answers in ten are class 1, by chance.'''

    spec = Spec("tokens", 2, "classes", 2, causal=True)

    def batch(self, split, index, size, seed):
        stream = numpy_stream(seed, split, index)
        inputs = torch.from_numpy(stream.integers(0, 2, (size, 3)))
        targets = torch.from_numpy((stream.random((size, 3)) < 0.9).astype(np.int64))
        return Batch(inputs, targets)
"""
SETTINGS = """
kind: train
experiment: unequal
task: {name: own.py}
model: {name: rnn, hidden_size: 2}
training: {steps: 30, batch_size: 32, learning_rate: 0.03, test_sequences: 500}
trials: {few: {task: {}}}
"""


@pytest.fixture
def seqlab(own: Callable[..., Command]) -> Command:
    return own(TASK, SETTINGS)


def test_an_accuracy_that_is_the_majority_s_share_is_called_so(seqlab: Command) -> None:
    result = seqlab("train", "--config", "own.yaml", "--task", "own.py")
    assert result.returncode == 0, result.stderr
    share = re.search(r"To beat \(guessing\): accuracy (0\.[89]\d*)", result.stderr)
    assert share is not None, result.stderr
    assert f"accuracy {share[1]} (guessing {float(share[1]):.3g})" in result.stdout
    assert f"This is no better than guessing: accuracy {float(share[1]):.4g}, where" in result.stdout


def test_a_network_that_has_learned_nothing_is_worse(seqlab: Command) -> None:
    result = seqlab("train", "--config", "own.yaml", "--task", "own.py", "training.steps=0")
    assert "This is worse than guessing: accuracy 0." in result.stdout


def test_runs_show_judge_and_plot_have_it(seqlab: Command, tmp_path: Path) -> None:
    seqlab("train", "--config", "own.yaml", "--task", "own.py", "-q")
    (run,) = json.loads(seqlab("runs", "--json").stdout)
    assert run["metric"] == "accuracy"
    assert run["guess"] == pytest.approx(0.9, abs=0.03)
    assert f"{run['guess']:.3g}" in seqlab("runs").stdout
    assert f"guess held_out.accuracy\t{run['guess']:.6g}" in seqlab("show").stdout
    judged = json.loads(seqlab("judge", "latest", "--task", "own.py", "--sequences", "77", "--json").stdout)
    assert judged["guess"]["figures"]["sequences"] == 77
    assert "guessing there" in seqlab("judge", "latest", "--task", "own.py").stdout
    seqlab("plot", "--output", "pictures")
    assert "guessing" in (tmp_path / "pictures" / "curves.svg").read_text()


def test_a_solved_task_needs_no_such_word(seqlab_command: Command) -> None:
    result = seqlab_command("train", "hello")
    assert "(guessing 0." in result.stdout
    assert "than guessing" not in result.stdout


@pytest.mark.slow
def test_texts_of_a_sweep_are_levels_between_which_nothing_is_claimed(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be " * 60)
    (tmp_path / "b.txt").write_text("".join(f"{number} " for number in range(300)))
    result = seqlab_command(
        "compare", "rnn[hidden_size=4]", "--on", "char-shakespeare", "--seeds", "6", "-q", "--json",
        "--grid", "task.corpus=a.txt,b.txt", "training.steps=3", "training.batch_size=2", "task.period=8",
    )  # fmt: skip
    facts = json.loads(result.stdout)
    assert [model["level"] for model in facts["models"]] == ["corpus=a.txt", "corpus=b.txt"]
    assert facts["pairs"] == []
    assert "p =" not in facts["verdict"]
    assert facts["verdict"].count("worse than a 3-gram") == 2


def test_what_only_training_knows_is_no_level(seqlab_command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be " * 60)
    result = seqlab_command(
        "compare", "rnn[hidden_size=4]", "--on", "char-shakespeare", "--seeds", "5", "-q", "--json",
        "--grid", "task.period=4,8", "training.steps=2", "training.batch_size=2", "task.corpus=a.txt",
    )  # fmt: skip
    facts = json.loads(result.stdout)
    assert [(model["level"], model["model"]) for model in facts["models"]] == [
        (None, "rnn[hidden_size=4] period=4"),
        (None, "rnn[hidden_size=4] period=8"),
    ]
    assert len(facts["pairs"]) == 1
