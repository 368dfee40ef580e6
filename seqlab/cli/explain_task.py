"""`seqlab explain` of a task: what it asks, a sequence of it, how it is judged, its settings."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from seqlab.cli.console import say, show_json, show_table, tell
from seqlab.cli.explain_named import what_it_sets

if TYPE_CHECKING:
    from seqlab.settings import Component
    from seqlab.tasks import Task

SEED, MOST = 1, 60
"""Of the sequence that is shown, and how many of its steps are."""


def explain_task(component: Component, *, as_json: bool) -> None:
    """Print what there is to say of a task, or as JSON."""
    from seqlab.cli.show import word
    from seqlab.constructors import options_model
    from seqlab.errors import SeqlabError
    from seqlab.registry import load
    from seqlab.settings import experiment_names
    from seqlab.settings.describing import described
    from seqlab.tasks import build_task

    cls = load("task", component.name)
    text = inspect.cleandoc(cls.__doc__ or "")
    summary, _, rest = re.split(r"(?m)^Args:$|^>>> ", text)[0].partition("\n")
    try:
        task: Task | None = build_task(component)
    except SeqlabError:  # what it reads is not here
        task = None
    example = None if task is None else _example(task)
    rows = described(options_model(cls), "task")
    sets = what_it_sets(component.name) if component.name in experiment_names() else {}
    if as_json:
        return show_json(
            {
                "name": component.name,
                "summary": summary,
                "description": rest.strip("\n").rstrip(),
                "spec": None if task is None else task.spec.to_dict(),
                "metrics": [] if task is None else [metric.to_dict() for metric in task.metrics],
                "trials": {} if task is None else {trial.name: trial.to_dict() for trial in task.trials},
                "example": example,
                "settings": {one.key: component.options.get(one.key.removeprefix("task.")) for one in rows},
                "experiment": sets,
            }
        )
    say(f"{component.name}, a task: {summary}\n")
    print(rest.strip("\n").rstrip() + "\n")
    if task is not None:
        spec = task.spec
        answers = f"answers with {spec.output_size} {spec.outputs}"
        say(f"It reads {spec.input_size} {_THINGS[spec.inputs]}, and {answers}.")
        titles = [metric.title for metric in task.metrics if not metric.detail]
        say(f"Judged by {', '.join(titles)}{_and_by(task)}")
    if example is not None:
        print()
        show_table(("a sequence", ""), list(example.items()))
    if rows:
        print()
        show_table(
            ("setting", "here", "what it is"),
            [
                (
                    one.key,
                    word(component.options.get(one.key.removeprefix("task."), one.default)),
                    one.sentence,
                )
                for one in rows
            ],
        )
    if sets:
        words = " ".join(f"{key}={word(value)}" for key, value in sets.items())
        say(f"\nThe experiment {component.name} sets {words}")
    return tell(f"Next: seqlab train {_experiment(component.name)}")


_THINGS = {"tokens": "symbols", "features": "features a step"}


def _and_by(task: Task) -> str:
    names = [trial.name for trial in task.trials]
    if not names:
        return "."
    shown = names if len(names) < 8 else [*names[:3], "...", names[-1]]
    return f"; trials: {', '.join(shown)}."


def _example(task: Task) -> dict[str, str] | None:
    """Return what a training sequence reads and what is wanted of it, where both are symbols."""
    spec = task.spec
    if spec.inputs != "tokens" or spec.outputs != "classes" or task.stream:
        return None
    batch = task.batch("train", 0, 1, SEED)
    there = batch.inputs[0] >= 0
    read = batch.inputs[0][there].tolist()
    counted = there if batch.mask is None else batch.mask[0]
    wanted = batch.targets[0][counted] if batch.targets.dim() == 2 else batch.targets
    if task.in_text:
        return {"asks": task.asked(batch)[0], "answer": task.text_of(wanted.numpy())}
    return {
        "reads": _written(read, task, task.symbols),
        "answers": _written(wanted.tolist(), task, task.answers),
    }


def _written(codes: list[int], task: Task, names: tuple[str, ...]) -> str:
    if task.vocabulary is not None and not names:
        import numpy as np

        return task.vocabulary.decode(np.array(codes))
    shown: list[Any] = [names[code] for code in codes] if names else codes
    return " ".join(map(str, shown[:MOST])) + (" ..." if len(shown) > MOST else "")


def _experiment(task: str) -> str:
    """Return what trains on that task: the experiment of its name, or another with the task put in."""
    from seqlab.settings.catalogue import experiment_names

    return task if task in experiment_names() else f"--task {task}"
