"""What every task promises, as checks that run over any task by its name and options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import get_args

import torch
from torch import Tensor

from seqlab.contracts import Batch, Split
from seqlab.promises import BrokenPromiseError, nothing_drawn_globally
from seqlab.registry import check_options
from seqlab.settings import Component, Document
from seqlab.tasks import Task, Trial, build_task, problem_of

Promise = Callable[[Component], None]
"""Checks a task, registered or an admitted plug-in, with options that it takes."""

SPLITS: tuple[Split, ...] = get_args(Split)


def nothing_is_drawn_from_a_global_random_state(component: Component) -> None:
    """Neither the constructor nor a batch draws from what has no seed of ours."""
    remedy = "numpy_stream(seed, NAME, split, index) draws."
    with nothing_drawn_globally("The constructor", remedy):
        task = build_task(component)
    with nothing_drawn_globally("A batch", remedy):
        task.batch("train", 0, 4, 1)
    with nothing_drawn_globally("The held-out set", remedy):
        list(task.evaluation("validation", 4, 1))


def a_batch_depends_on_its_arguments_alone(component: Component) -> None:
    """Batches can be had in any order, from any object, and are the same."""
    task, fresh = build_task(component), build_task(component)
    for index in (0, 1, 5):
        task.batch("train", index, 3, 1)
    _require(
        _same(task.batch("train", 7, 4, 1), fresh.batch("train", 7, 4, 1)),
        "batch 7 depends on those before it",
    )
    _require(
        _same(task.batch("train", 7, 4, 1), task.batch("train", 7, 4, 1)),
        "batch 7 is another when asked for again",
    )


def splits_and_seeds_and_batches_differ(component: Component) -> None:
    """No two splits, seeds or indices give the same sequences, unless there is one sequence only."""
    task = build_task(component)
    batches = {f"the {split} set": task.batch(split, 0, 4, 1) for split in SPLITS}
    batches |= {"seed 2": task.batch("train", 0, 4, 2), "batch 1": task.batch("train", 1, 4, 1)}
    shown = {name: batch.inputs.numpy().tobytes() for name, batch in batches.items()}
    if len(set(shown.values())) == 1:
        return  # without chance
    for (one, first), (other, second) in combinations(shown.items(), 2):
        _require(first != second, f"{one} and {other} show the same sequences")


def a_batch_has_the_shapes_and_types_of_the_contract(component: Component) -> None:
    """Of every size and split: forms, symbols, classes, masks, contexts, padding in front."""
    task = build_task(component)
    for size in (1, 5):
        for split in SPLITS:
            _require_right(task, task.batch(split, 0, size, 1), size)
    for split in ("validation", "test"):
        for batch in task.evaluation(split, 7, 1):
            _require_right(task, batch, None)


def evaluation_is_repeatable(component: Component) -> None:
    """The held-out set is the same whenever it is asked for, in every trial of the task."""
    for task in _in_trials(component):
        pairs = zip(task.evaluation("validation", 10, 1), task.evaluation("validation", 10, 1), strict=True)
        _require(
            all(_same(one, again) for one, again in pairs), "the held-out set is another when asked for again"
        )


def perfect_answers_are_judged_perfect(component: Component) -> None:
    """Their figures are declared, with the first metric; nothing is counted as wrong."""
    for task in _in_trials(component):
        figures = _judged(task, perfect)
        declared = {metric.name for metric in task.metrics}
        _require(task.metric.name in figures, f"figures lack {task.metric.name!r}, the first metric")
        _require(
            figures.keys() <= declared,
            f"figures hold {sorted(figures.keys() - declared)}, which metrics do not declare",
        )
        _require(
            figures.get("accuracy", 1) == 1, f"right answers have an accuracy of {figures.get('accuracy')}"
        )
        _require(figures.get("errors", 0) == 0, f"in right answers there are {figures.get('errors')} errors")


def wrong_answers_are_judged_wrong(component: Component) -> None:
    """Their accuracy is 0 (where several answers are right, less than 1); the score tells them apart."""
    task = build_task(component)
    wrong, right = _judged(task, wrongly), _judged(task, perfect)
    share = wrong.get("accuracy", 0)
    is_wrong = share < 1 if task.several_are_right else share == 0
    _require(is_wrong, f"wrong answers have an accuracy of {share}")
    scores = f"{task.score(right):g} and {task.score(wrong):g}"
    _require(
        task.score(right) < task.score(wrong),
        f"score, of which less is better, is {scores} of right and wrong answers",
    )
    first, better = task.metric.name, task.metric.higher_is_better
    _require(
        better is None or (right[first] > wrong[first]) == better,
        f"{first} is {right[first]:g} of right and {wrong[first]:g} of wrong answers",
    )


def a_stream_begins_and_then_continues(component: Component) -> None:
    """Batch 0 continues nothing; the others continue one another just where the task is a stream."""
    task = build_task(component)
    _require(not task.batch("train", 0, 2, 1).continues, "the first batch continues one before it")
    continues = task.batch("train", 1, 2, 1).continues
    _require(continues <= task.stream, "the second batch continues the first, but `stream` is False")


PROMISES: tuple[Promise, ...] = (
    a_batch_has_the_shapes_and_types_of_the_contract,
    nothing_is_drawn_from_a_global_random_state,
    a_batch_depends_on_its_arguments_alone,
    splits_and_seeds_and_batches_differ,
    a_stream_begins_and_then_continues,
    evaluation_is_repeatable,
    perfect_answers_are_judged_perfect,
    wrong_answers_are_judged_wrong,
)
"""Each rests on those before it, so that the first that is broken is the one to mend."""


def perfect(task: Task, batch: Batch) -> Tensor:
    """Return outputs (B, T, O) that are right wherever it counts."""
    rows, steps = batch.inputs.shape[:2]
    targets = batch.targets if batch.targets.dim() > 1 else batch.targets[:, None].expand(rows, steps)
    if task.spec.outputs == "bits":
        return 200 * targets - 100
    if task.spec.outputs == "values":
        return targets.clone() if targets.dim() == 3 else targets[..., None].clone()
    counted = targets.clamp(0, task.spec.output_size - 1)  # what does not count may be anything
    return 100 * torch.nn.functional.one_hot(counted, task.spec.output_size).float()


def wrongly(task: Task, batch: Batch) -> Tensor:
    """Return outputs (B, T, O) that are wrong everywhere; values are so in their order, too."""
    right = perfect(task, batch)
    reversed_ = 2 * right.max() + 1 - right
    return {"classes": right.roll(1, -1), "bits": -right, "values": reversed_}[task.spec.outputs]


def _judged(task: Task, answer: Callable[[Task, Batch], Tensor]) -> dict[str, float]:
    """Return the figures of answers to the held-out set."""
    batches = list(task.evaluation("validation", 10, 1))
    total = task.tally(answer(task, batches[0]), batches[0])
    for batch in batches[1:]:
        total.update(task.tally(answer(task, batch), batch))
    return task.figures(total)


def _in_trials(component: Component) -> Iterator[Task]:
    """Yield the task as it is, and as each of its trials has it."""
    for trial in (Trial("as it is"), *build_task(component).trials):
        changed = Component(name=component.name, **{**component.options, **trial.task})
        yield build_task(check_options("task", changed, Document({}, f"the trial {trial.name!r}")))


def _require(kept: bool, what: str) -> None:
    if not kept:
        raise BrokenPromiseError(f"{what[0].upper()}{what[1:]}.")


def _require_right(task: Task, batch: Batch, size: int | None) -> None:
    problem = problem_of(batch, task, size)
    _require(problem is None, f"a batch is wrong: {problem}")
    _require(
        all(part.is_contiguous() for part in tensors(batch)),
        "a batch is not contiguous; contiguous() makes it so",
    )


def _same(one: Batch, other: Batch) -> bool:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs) and one.continues == other.continues


def tensors(batch: Batch) -> list[Tensor]:
    """Return all that a batch holds."""
    mask = [] if batch.mask is None else [batch.mask]
    return [batch.inputs, batch.targets, *mask, *batch.context.values(), *batch.notes.values()]
