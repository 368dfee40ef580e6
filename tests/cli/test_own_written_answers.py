"""Tasks of a user's own whose answers are written, or whose models are sampled from."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

ECHO = """
class Echo(Task):
    '''Say the symbols of the source again, and then END.'''

    trials = (Trial("greedy", answers="greedy"), Trial("beam", answers="beam"))

    def __init__(self) -> None:
        self.spec = Spec(
            "tokens", 6, "classes", 6, causal=True,
            context={"source": Signal("tokens", 6)}, writes=Written(begin=4, end=5, longest=6),
        )

    def batch(self, split, index, size, seed):
        source = numpy_stream(seed, "echo", split, index).integers(0, 4, (size, 3))
        targets = np.concatenate([source, np.full((size, 1), 5)], 1)
        inputs = np.concatenate([np.full((size, 1), 4), source], 1)
        return Batch(*map(torch.from_numpy, (inputs, targets)), context={"source": torch.from_numpy(source)})


class Seer(SequenceModel):
    '''Looks up in the source what stands at the place where it is.'''

    takes = ("tokens(time)",)
    reads = ("tokens",)

    def __init__(self, spec: Spec, *, shift: int = 0) -> None:
        super().__init__(spec)
        self.shift = shift
        self.scale = torch.nn.Parameter(torch.ones(()))

    def initialise(self, generator):
        pass

    def start(self, context, rows):
        source = torch.cat([context["source"], context["source"].new_full((rows, 1), 5)], 1)
        return ((source, torch.zeros(rows, 1, dtype=torch.int64)),)

    def forward(self, inputs, state=None):
        ((source, place),) = state
        at = place + torch.arange(inputs.shape[1])
        told = source.gather(1, (at + self.shift).clamp(0, source.shape[1] - 1))
        return 9 * self.scale * torch.nn.functional.one_hot(told, 6).float(), ((source, place + inputs.shape[1]),)
"""

WRITTEN = """
kind: train
task: {name: own.py:Echo}
model: {name: own.py:Seer}
training: {steps: 2, batch_size: 4, evaluate_every: 2, test_sequences: 40}
"""


@pytest.mark.parametrize(("shift", "right"), [(0, 1.0), (1, 0.0)])
def test_answers_that_are_written_are_judged_as_they_are_written(
    own: Callable[..., Command], shift: int, right: float
) -> None:
    seqlab = own(ECHO, WRITTEN)
    words = ("train", "--config", "own.yaml", "--task", "own.py:Echo", "--model", "own.py:Seer")
    done = seqlab(*words, f"model.shift={shift}", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    for name in ("greedy", "beam"):
        assert summary["trials"][name]["sequences"] == 40
        assert summary["trials"][name]["sequence_accuracy"] == right
    judged = seqlab(
        "judge", "latest", "--answers", "greedy", "--task", "own.py:Echo", "--model", "own.py:Seer", "--json"
    )
    assert json.loads(judged.stdout)["figures"] == summary["trials"]["greedy"]


def test_a_model_that_takes_no_context_is_refused(own: Callable[..., Command]) -> None:
    seqlab = own(ECHO, WRITTEN.replace("{name: own.py:Seer}", "{name: lstm}"))
    refused = seqlab("train", "--config", "own.yaml", "--task", "own.py:Echo")
    assert refused.returncode == 2
    assert "The task gives source, tokens(time), before the first step" in refused.stderr


LETTERS = """
from seqlab.tasks import Sample
from seqlab.text import Vocabulary

class Letters(Task):
    '''Say abc again and again.'''

    sample = Sample(prime="a", length=6, temperature=0.0)

    def __init__(self) -> None:
        self.vocabulary = Vocabulary.of("abc")
        self.spec = Spec("tokens", 3, "classes", 3, causal=True)

    def batch(self, split, index, size, seed):
        text = torch.arange(9).expand(size, -1) % 3
        return Batch(text[:, :-1].contiguous(), text[:, 1:].contiguous())
"""


def test_what_a_task_of_ones_own_has_taught_to_write_is_sampled_from(own: Callable[..., Command]) -> None:
    seqlab = own(LETTERS)
    done = seqlab("train", "--task", "own.py", "training.steps=200", "training.learning_rate=0.05")
    assert done.returncode == 0, done.stderr
    written = seqlab("sample", "latest", "--prime", "a", "--length", "5", "--temperature", "0")
    assert written.returncode == 0, written.stderr
    assert written.stdout.strip() == "abcabc", "the model and its vocabulary are enough: no code runs"
    assert "no such option" not in seqlab("score", "latest", "own.yaml", "--unknown", "skip").stderr.lower()


def test_figures_that_nobody_counts_of_written_answers_are_named(own: Callable[..., Command]) -> None:
    counted = """
    def tally(self, outputs, batch):
        total = super().tally(outputs, batch)
        total["trust"] = 1
        return total

    metrics = (Metric("accuracy", True), Metric("trust", True))

    def figures(self, total):
        return {"accuracy": total["correct"] / total["targets"], "trust": total["trust"]}
"""
    seqlab = own(ECHO.replace("\n\nclass Seer", f"{counted}\n\nclass Seer"), WRITTEN)
    done = seqlab("train", "--config", "own.yaml", "--task", "own.py:Echo", "--model", "own.py:Seer")
    assert done.returncode == 1
    assert "figures need 'trust' of answers that are written" in done.stderr
    assert "tally_written" in done.stderr
