"""A model of a user's own that is no cell, from training to pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run

FADING = """
import os
import signal

import torch
from seqlab.contracts import PAD, hold
from seqlab.models import SequenceModel


class Fading(SequenceModel):
    '''The mean of what was read, the older the less.'''

    def __init__(self, spec, *, hidden_size: int = 8, dropout: float = 0.2):
        super().__init__(spec)
        self.dropout, self.readings = dropout, 0
        self.seen = torch.nn.Embedding(spec.input_size, hidden_size)
        self.begin = torch.nn.Parameter(torch.empty(hidden_size))
        self.readout = torch.nn.Linear(hidden_size, spec.output_size)

    def initialise(self, generator):
        with torch.no_grad():
            for weight in self.parameters():
                weight.uniform_(-0.5, 0.5, generator=generator)

    def start(self, context, rows):
        return ((self.begin.expand(rows, -1),),)

    def forward(self, inputs, state=None):
        ((memory,),) = self.start({}, len(inputs)) if state is None else state
        memories = []
        for x in inputs.unbind(1):
            faded = 0.7 * memory + 0.3 * self.seen(x.clamp(min=0))
            (memory,) = hold(x == PAD, (memory,), (faded,))
            memories.append(memory)
        found = torch.stack(memories, 1)
        if self.training:
            found = found * torch.empty(found.shape).bernoulli_(1 - self.dropout, generator=self.noise)
            self.readings += 1
            if self.readings == int(os.environ.get("CTRL_C_AT", 0)):
                signal.raise_signal(signal.SIGINT)
        return self.readout(found), ((memory,),)
"""
OWN = ("--model", "own.py")
TRAIN = ("train", "char-shakespeare", *OWN, "task.corpus=miniature", "task.period=12", "model.hidden_size=6",
         "training.steps=20", "training.batch_size=4", "training.evaluate_every=8", "training.log_every=1",
         "training.checkpoint_every=6")  # fmt: skip


@pytest.fixture
def own(tmp_path: Path, seqlab_command: Command) -> Command:
    (tmp_path / "own.py").write_text(FADING)
    return seqlab_command


def test_interrupted_and_resumed_it_ends_as_uninterrupted(own: Command, tmp_path: Path) -> None:
    assert own(*TRAIN).returncode == 0
    (whole,) = (tmp_path / "runs").glob("*/metrics.jsonl")
    assert own(*TRAIN, env={"CTRL_C_AT": "11"}).returncode == 130
    (broken,) = set((tmp_path / "runs").glob("*/metrics.jsonl")) - {whole}
    assert 0 < len(broken.read_bytes().splitlines()) < len(whole.read_bytes().splitlines())
    refused = own("resume", "latest")
    assert refused.returncode == 2
    assert "runs only when it is named on the command line" in refused.stderr
    resumed = own("resume", "latest", *OWN)
    assert resumed.returncode == 0, resumed.stderr
    assert broken.read_bytes() == whole.read_bytes()
    best = [Run(metrics.parent).best_weights.read_bytes() for metrics in (whole, broken)]
    assert best[0] == best[1]


def test_what_takes_cells_apart_refuses_it_and_the_rest_works(own: Command, tmp_path: Path) -> None:
    own(*TRAIN)
    for command in ("inspect", "gradients"):
        refused = own(command, "latest", *OWN)
        assert refused.returncode == 2
        assert "own.py is not made of recurrent cells" in " ".join(refused.stderr.split())
    assert "own.py" in own("show", "latest").stdout
    drawn = json.loads(own("plot", "latest", "--json").stdout)["figures"]
    assert any(path.endswith(".png") and Path(path).is_file() for path in drawn)
    sampled = own("sample", "latest", *OWN, "--length", "20", "--prime", "a")
    assert sampled.returncode == 0, sampled.stderr
    assert len(sampled.stdout) >= 20
    (tmp_path / "own.py").write_text(FADING.replace("0.7 * memory + 0.3", "0.6 * memory + 0.4"))
    further = {"sample": (), "score": ("own.py",), "complete": ("--once", "a"), "novel": (), "cells": ()}
    for command, words in further.items():
        refused = own(command, "latest", *OWN, *words)
        assert refused.returncode == 2
        assert "own.py is not what it was" in refused.stderr, command
    assert own("sample", "latest", *OWN, "--length", "3", "--prime", "a", "--anyway").returncode == 0
    (tmp_path / "own.py").write_text(FADING)
    compared = own(
        "compare", "own.py", "own.py[dropout=0.0]", "--on", "char-shakespeare", "--seeds", "1", *TRAIN[4:]
    )
    assert compared.returncode == 0, compared.stderr
    told = own("report")
    assert told.returncode == 0, told.stderr
    (page,) = tmp_path.rglob("*.html")
    assert "own.py" in page.read_text(encoding="utf-8")
