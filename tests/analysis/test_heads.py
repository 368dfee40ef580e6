"""What the heads of a memory do, as `inspect` shows it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command

from seqlab.analysis.heads import HeadsOverTime, watch
from seqlab.figures.heads import heads_figure
from seqlab.models.memory.ntm import NTM
from seqlab.tasks.recall.copy_bits import CopyBits

TINY = ("model.hidden_size=4", "model.slots=5", "model.cell_size=3", "training.steps=2", "task.length=3")


def model_of(task: CopyBits, heads: int) -> NTM:
    model = NTM(task.spec, hidden_size=4, slots=6, cell_size=3, heads=heads)
    model.initialise(torch.Generator().manual_seed(1))
    return model


def test_what_heads_do_is_what_the_model_did() -> None:
    """The weights at the last step are those of the state that reading ends in, and so is what was read."""
    task = CopyBits(length=4, bits=2, exactly=True)
    model = model_of(task, heads=2)
    batch = task.batch("test", 0, 1, seed=1)
    found = watch(task, model, batch)
    outputs, ((_, _, weights, _, read),) = model(batch.inputs)
    assert list(found.weights) == ["reads 1", "reads 2", "writes 1", "writes 2"]
    for head, name in enumerate(found.weights):
        np.testing.assert_allclose(found.weights[name][-1], weights[0, head].detach(), rtol=1e-5)
    np.testing.assert_allclose(found.vectors["reads 2"][-1], read[0, 3:].detach(), rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(found.outputs, outputs[0].sigmoid().detach(), rtol=1e-4)
    assert np.isnan(found.wanted[:5]).all()
    assert np.array_equal(found.wanted[5:], batch.targets[0, 5:].numpy())


def test_the_picture_follows_a_head_around_the_circle() -> None:
    walked = np.eye(8)[[1, 0, 7, 6]]
    nothing = np.zeros((4, 2))
    found = HeadsOverTime(nothing, nothing, nothing, {"reads": walked}, {"reads": nothing})
    (where,) = [axes for axes in heads_figure(found, "").axes if axes.get_ylabel().endswith("where")]
    assert where.images[0].get_array().shape == (4, 4)  # slots 6, 7, 0 and 1, and no other
    assert [label.get_text() for label in where.get_yticklabels()] == ["6", "1"]


@pytest.mark.slow
def test_inspect_shows_where_heads_stand(seqlab_command: Command) -> None:
    assert seqlab_command("train", "copy-bits", *TINY, "--quiet").returncode == 0
    shown = seqlab_command("inspect", "latest", "--example", "700")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[0] == "step\treads, slot (weight)\twrites, slot (weight)"
    told = json.loads(seqlab_command("inspect", "latest", "--json").stdout)
    assert len(told["heads"]["reads"]["weights"][0]) == 5
    rows = list(csv.DictReader(Path(told["figures"][-1]).read_text().splitlines()))
    assert len(rows) == 2 * 5 * len(told["inputs"])
    read = sum(float(row["weight"]) for row in rows if row["head"] == "reads")
    assert abs(read - len(told["inputs"])) < 1e-3
    refused = seqlab_command("inspect", "latest", "--lesions")
    assert refused.returncode == 2
    assert "--lesions is for networks of one cell" in refused.stderr
