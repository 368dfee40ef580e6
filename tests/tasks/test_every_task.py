"""What every task promises, whatever it is: run over all that are registered."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab import registry
from seqlab.contracts import PAD, Batch
from seqlab.settings import Component
from seqlab.tasks import Task, Trial, build_task

SMALL = {
    "adding": {"length": 20},
    "char-lm": {"corpus": "miniature", "period": 16},
    "copy": {"lag": 5},
    "echo": {"length": 60},
}
"""Settings that make a task quick; a task that is not named here is tested with its defaults."""

WITHOUT_CHANCE = {"hello"}
"""Tasks that have one sequence only."""

GOLDEN = {
    "adding": "b449745f42b6ba67",
    "copy": "9fca82d428c78cab",
    "echo": "fad2c37311fd4950",
    "hello": "f8b9beb2ee45f3c0",
    "temporal-order": "b7e97f8e8f2ce897",
}
"""The first 16 digits of the SHA-256 of batch 3 (train, 4 rows, seed 7), from version to version the same."""

names = pytest.mark.parametrize("name", registry.names("task"))


def make(name: str) -> Task:
    return build_task(Component(name=name, **SMALL.get(name, {})))


def tensors(batch: Batch) -> list[Tensor]:
    return [
        batch.inputs,
        batch.targets,
        *([] if batch.mask is None else [batch.mask]),
        *batch.context.values(),
    ]


def same(one: Batch, other: Batch) -> bool:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs) and one.continues == other.continues


@names
def test_a_batch_depends_on_split_index_size_and_seed_alone(name: str) -> None:
    task, fresh = make(name), make(name)
    for index in (0, 1, 5):
        task.batch("train", index, 3, 1)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  (no global stream may have a say)
    assert same(task.batch("train", 7, 4, 1), fresh.batch("train", 7, 4, 1))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_batch_is_the_same_on_every_machine(name: str) -> None:
    parts = tensors(make(name).batch("train", 3, 4, 7))
    digest = hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()
    assert digest[:16] == GOLDEN[name]


@names
def test_splits_and_seeds_and_batches_differ(name: str) -> None:
    if name in WITHOUT_CHANCE:
        pytest.skip("has one sequence only")
    task = make(name)
    batches = [task.batch(split, 0, 4, 1) for split in ("train", "validation", "test")]
    batches += [task.batch("train", 0, 4, 2), task.batch("train", 1, 4, 1)]
    shown = [batch.inputs.numpy().tobytes() for batch in batches]
    assert len(set(shown)) == len(shown)


@names
@pytest.mark.parametrize("size", [1, 5])
def test_a_batch_has_the_shapes_and_types_of_the_contract(name: str, size: int) -> None:
    task = make(name)
    for batch in [task.batch("train", 0, size, 1), *task.evaluation("test", 7, 1)]:
        rows, steps = batch.inputs.shape[:2]
        if task.spec.inputs == "tokens":
            assert batch.inputs.dtype == torch.int64
            assert batch.inputs.shape == (rows, steps)
            assert int(batch.inputs.min()) >= PAD
            assert int(batch.inputs.max()) < task.spec.input_size
        else:
            assert batch.inputs.dtype == torch.float32
            assert batch.inputs.shape == (rows, steps, task.spec.input_size)
        if task.spec.outputs == "classes":
            assert batch.targets.dtype == torch.int64
            assert 0 <= int(batch.targets.min()) <= int(batch.targets.max()) < task.spec.output_size
            assert batch.targets.shape in {(rows, steps), (rows,)}
        else:
            assert batch.targets.dtype == torch.float32
            alone = {(rows, steps), (rows,)} if task.spec.outputs == "values" else set()
            assert batch.targets.shape in {(rows, steps, task.spec.output_size), *alone}
        assert batch.context.keys() == task.spec.context.keys()
        for name, signal in task.spec.context.items():
            part, features = batch.context[name], signal.kind == "features"
            assert part.dtype == (torch.float32 if features else torch.int64)
            assert part.dim() == 1 + len(signal.axes) + features
            assert len(part) == rows
        if batch.mask is not None:
            assert batch.mask.dtype == torch.bool
            assert batch.mask.shape == (rows, steps)
        if batch.targets.dim() == 1:
            assert batch.mask is not None
            assert bool((batch.mask.sum(1) == 1).all())
        assert not batch.continues or task.stream
        assert all(part.is_contiguous() for part in tensors(batch))
    assert len(task.batch("train", 0, size, 1).inputs) == size


@names
def test_padding_stands_in_front(name: str) -> None:
    task = make(name)
    if task.spec.inputs == "tokens":
        padded = task.batch("train", 0, 64, 1).inputs == PAD
        assert bool((padded[:, 1:] <= padded[:, :-1]).all())


@names
def test_evaluation_is_repeatable_and_perfect_answers_are_judged_perfect(name: str) -> None:
    task = make(name)
    for trial in (Trial("held out"), *task.trials):
        task = build_task(Component(name=name, **{**SMALL.get(name, {}), **trial.task}))
        batches = list(task.evaluation("validation", 10, 1))
        again = list(task.evaluation("validation", 10, 1))
        assert all(same(a, b) for a, b in zip(batches, again, strict=True))
        total = task.tally(perfect(task, batches[0]), batches[0])
        for batch in batches[1:]:
            total.update(task.tally(perfect(task, batch), batch))
        figures = task.figures(total)
        assert figures.get("accuracy", 1) == 1
        assert task.score(figures) < 1e-6
        assert task.metric.name in figures
        assert set(figures) <= {metric.name for metric in task.metrics}
        assert figures.get("errors", 0) == 0


@names
def test_wrong_answers_are_judged_wrong(name: str) -> None:
    task = make(name)
    batch = next(task.evaluation("validation", 10, 1))
    right = perfect(task, batch)
    wrong = {"classes": right.roll(1, -1), "bits": -right, "values": right + 1}[task.spec.outputs]
    figures = task.figures(task.tally(wrong, batch))
    assert figures.get("accuracy", 0) == 0
    assert task.score(figures) > 0.9


@names
def test_a_stream_begins_and_then_continues(name: str) -> None:
    task = make(name)
    assert not task.batch("train", 0, 2, 1).continues
    assert task.batch("train", 1, 2, 1).continues == task.stream


def perfect(task: Task, batch: Batch) -> Tensor:
    """Return outputs (B, T, O) that are right wherever it counts."""
    rows, steps = batch.inputs.shape[:2]
    targets = batch.targets if batch.targets.dim() == 2 else batch.targets[:, None].expand(rows, steps)
    if task.spec.outputs == "bits":
        return 200 * batch.targets - 100
    if task.spec.outputs == "values":
        return batch.targets.clone() if batch.targets.dim() == 3 else targets[..., None].clone()
    return 100 * torch.nn.functional.one_hot(targets, task.spec.output_size).float()
