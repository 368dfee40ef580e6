"""Every model in every task at the smallest sizes: it learns and is judged, or there is a reason why not.

    python benchmarks/smallest.py [MODEL ...] [--of PLACE]

A place is an experiment that trains one model, as it is shipped but for its numbers of steps and sequences; or a task
with every number among its settings at its least, be it a length, a number of symbols, or how far apart something is.
Each model, with the fewest units that it takes, makes two updates there on one sequence each, in a run of its own, and
is judged on one. What counts as right: all losses are finite numbers and the run is finished; or it is refused by an
error of seqlab's before there is a folder. Data that would be fetched, or are large, have small ones in their place.

Printed are what went wrong, how many pairs learned and were refused for which reasons, and figures that are no numbers
though the loss is one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annotated_types import Ge

from seqlab import registry
from seqlab.configure import load_settings
from seqlab.errors import RunFailedError, RunFolderError, SeqlabError
from seqlab.runs import runs_dir
from seqlab.session import begin, train
from seqlab.settings import TrainExperiment, experiment_names

TINY = (
    "training.steps=2", "training.passes=null", "training.batch_size=1", "training.evaluate_every=2",
    "training.evaluation_sequences=1", "training.test_sequences=1", "training.stop_when={}", "compute.threads=1",
)  # fmt: skip
TABLES = Path(__file__).parents[1] / "tests" / "tasks"
DATA = {
    "char-lm": {"corpus": "miniature"},
    "labels": {"table": TABLES / "own" / "small.csv"},
    "lines": {"corpus": "miniature"},
    "near-words": {"corpus": "miniature"},
    "stories": {"questions": 10},
    "tags": {"table": TABLES / "own" / "small.conll"},
    "translate": {"pairs": TABLES / "pairs" / "small.tsv", "held_out": 2},
}
"""Small data, by the task that reads them."""
BEYOND = {
    "associative-recall": {"bits": 5},  # or no 20 items, of which a trial asks, are different
    "dyck": {"longest": 10},  # or a part has no string
    "translate": {"longest": 6, "asked": 6},  # or no pairs are left
}
"""What a task asks for beyond the least of each setting by itself."""


@dataclass(frozen=True)
class Place:
    """Where a model learns: an experiment, or a task by itself, with settings laid over it."""

    name: str
    experiment: str | None
    task: str | None
    words: tuple[str, ...]

    def settings(self, model: str) -> TrainExperiment:
        """Return the settings with which a model learns here, with as few units as it takes."""

        def with_model(named: str) -> TrainExperiment:
            found, _ = load_settings(
                self.experiment, task=self.task, model=named, overrides=[*TINY, *self.words]
            )
            assert isinstance(found, TrainExperiment)
            return found

        if "hidden_size" not in registry.options_model(registry.load("model", model)).model_fields:
            return with_model(model)
        options = {**with_model(model).model.options, "hidden_size": 1}
        return with_model(f"{model}[hidden_size={registry.load('model', model).nearest_size(**options)}]")


def places() -> Iterator[Place]:
    """Yield the experiments as they are shipped, and each task at its least."""
    for name in experiment_names():
        experiment, _ = load_settings(name)
        if isinstance(experiment, TrainExperiment):
            small = DATA.get(experiment.task.name, {})
            yield Place(name, name, None, tuple(f"task.{key}={value}" for key, value in small.items()))
    for name in registry.names("task"):
        yield Place(f"{name}, least", None, name, tuple(f"task.{word}" for word in least(name)))


def least(task: str) -> list[str]:
    """Return the settings that put each number of a task at its least, with small data."""
    chosen = dict[str, object]()
    for name, field in registry.options_model(registry.load("task", task)).model_fields.items():
        bounds = [bound.ge for bound in field.metadata if isinstance(bound, Ge)]
        if bounds and isinstance(field.default, int):
            chosen[name] = bounds[0]
    return [
        f"{name}={value}" for name, value in {**chosen, **DATA.get(task, {}), **BEYOND.get(task, {})}.items()
    ]


def outcome(place: Place, model: str) -> tuple[str | None, list[str]]:
    """Let a model learn; return why it was refused, if it was, and which figures are no numbers.

    Raises:
        RunFolderError: when a refused run has left something.
        RunFailedError: when a run broke off.
        AssertionError: when it was not finished, or a loss is no number.
    """
    try:
        run, session = begin(place.settings(model), command="smallest")
    except SeqlabError as error:
        if list(runs_dir().glob("*")):
            raise RunFolderError("What was refused has left a folder.") from error
        return error.message, []
    try:
        summary = train(run, session)
        assert run.info().status == "finished"
        assert all(math.isfinite(line["loss"]) for line in run.metrics() if "loss" in line)
        assert math.isfinite(summary["held_out"].get("loss", 0.0))
        json.dumps(run.summary(), allow_nan=False)
        return None, [name for name, value in summary["held_out"].items() if not math.isfinite(value)]
    finally:
        shutil.rmtree(run.path)


def kind_of(reason: str) -> str:
    """Return a reason without the names, numbers and shapes in it."""
    return re.sub(r"'[^']*'|\[[^\]]*\]|\d[\d,.]*", "...", reason.partition(". ")[0])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*")
    parser.add_argument("--of", action="append", help="a place by its name")
    asked = parser.parse_args()
    os.environ["SEQLAB_RUNS_DIR"] = tempfile.mkdtemp(prefix="seqlab-smallest-")
    learned, refused, no_numbers, wrong = Counter[str](), Counter[str](), Counter[str](), 0
    everywhere = [place for place in places() if not asked.of or place.name in asked.of]
    for model in asked.models or registry.names("model"):
        began = time.perf_counter()
        for place in everywhere:
            try:
                reason, without = outcome(place, model)
            except Exception as error:
                wrong += 1
                cause = error.__cause__ if isinstance(error, RunFailedError) and error.__cause__ else error
                print(f"WRONG {model} in {place.name}: {error}", flush=True)
                traceback.print_exception(cause, limit=-4, file=sys.stdout)
                continue
            learned[model] += reason is None
            refused.update([] if reason is None else [kind_of(reason)])
            no_numbers.update(f"{name} of {place.name}" for name in without)
        print(
            f"{model}\t{learned[model]} of {len(everywhere)}\t{time.perf_counter() - began:.0f} s", flush=True
        )
    print(f"{learned.total()} pairs learned, {refused.total()} were refused, {wrong} went wrong")
    for title, counts in (("refused because", refused), ("no number", no_numbers)):
        for what, times in counts.most_common():
            print(f"{times}\t{title}: {what}")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
