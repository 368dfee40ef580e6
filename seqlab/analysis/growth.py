"""How the time of a training step grows: with length, units, batch, and seeds trained together."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from seqlab.analysis.cost import BLOCKS, Machine, measure_machine, training_cost
from seqlab.contracts import Batch, Spec, Split, numpy_stream
from seqlab.errors import SettingsError, UsageError
from seqlab.fused import NO_NUMBA, fit_together, make_ready, why_not
from seqlab.fused.layout import LANES
from seqlab.fused.memory import LARGE
from seqlab.models import Cell, Recurrent, build_model, count_parameters
from seqlab.registry import load
from seqlab.runs.machine import processors
from seqlab.settings import Component, Compute, TrainExperiment, Training
from seqlab.tasks import Task
from seqlab.training import fit, new_learner
from seqlab.training.runtime import prepare, threads_for

MODELS = ("rnn", "lstm", "gru", "mingru", "minlstm")
SWEEPS: dict[str, tuple[int, ...]] = {
    "time": (10, 30, 100, 300, 1000, 3000, 10_000),
    "hidden": (4, 16, 64, 256, 1024),
    "batch": (1, 8, 32, 128, 512),
    "seeds": (1, 3, 10, 30, 100),
}
"""What grows, and its sizes; the rest stays at :data:`BASE`."""
BASE = {"time": 100, "hidden": 12, "batch": 32, "seeds": 1}
REPEATS = 7
SLICE, MOST_SLICES = 0.02, 20
"""Seconds that a repeat lasts at least for each seed, of so many seeds: as many steps are timed together."""
ENGINES = ("torch", "fused")
NO_TIME = "the time was used up"
_FOREVER = 10**9


@dataclass(frozen=True)
class Setting:
    """One point: a model of some size, on sequences of some length, trained by an engine.

    Attributes:
        model: as it was named.
        engine: torch or fused.
        time: steps of a sequence.
        hidden: units of a layer.
        batch: sequences in a batch.
        seeds: learners trained together; torch trains one.
    """

    model: str
    engine: str
    time: int
    hidden: int
    batch: int
    seeds: int


@dataclass(frozen=True)
class Measurement:
    """What a training step took.

    Attributes:
        setting: the point.
        threads: that the engine may use.
        seconds: of a training step of one seed (a step of all, over their number), median of the repeats.
        least: of the repeats.
        most: of the repeats.
        repeats: how many.
        flops: of a seed's step, by formula.
        bytes: likewise.
        floor: seconds below which it could not come.
    """

    setting: Setting
    threads: int
    seconds: float
    least: float
    most: float
    repeats: int
    flops: int
    bytes: int
    floor: float


@dataclass(frozen=True)
class Growth:
    """A study of how the cost grows.

    Attributes:
        machines: what this machine reaches, by threads.
        sweeps: the sizes of what grew.
        base: the sizes of what did not.
        measured: the points.
        left_out: points that would have taken too long, each with the reason.
    """

    machines: dict[int, Machine]
    sweeps: dict[str, tuple[int, ...]]
    base: dict[str, int]
    measured: dict[Setting, Measurement]
    left_out: dict[Setting, str]

    def lines(self, sweep: str) -> dict[tuple[str, str], list[Measurement | None]]:
        """Return by model and engine what was measured at each size of a sweep; None where nothing was."""
        found: dict[tuple[str, str], list[Measurement | None]] = {}
        for name, engine in product(dict.fromkeys(point.model for point in self.measured), ENGINES):
            points = [Setting(name, engine, **{**self.base, sweep: size}) for size in self.sweeps[sweep]]
            line = [self.measured.get(point) for point in points]
            if any(line):
                found[name, engine] = line
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "machines": [{**asdict(machine), "blocks": list(BLOCKS)} for machine in self.machines.values()],
            "sweeps": {name: list(sizes) for name, sizes in self.sweeps.items()},
            "base": self.base,
            "measured": [_flat(point, asdict(one)) for point, one in self.measured.items()],
            "left_out": [_flat(point, {"reason": why}) for point, why in self.left_out.items()],
        }


def _flat(point: Setting, figures: dict[str, Any]) -> dict[str, Any]:
    return {**asdict(point), **{name: value for name, value in figures.items() if name != "setting"}}


class Symbols(Task):
    """One batch of random symbols, the same at every step, with a class asked for at the end: free data."""

    spec = Spec("tokens", 8, "classes", 4, causal=True)

    def __init__(self, time: int, batch: int) -> None:
        stream = numpy_stream(1, "cost")
        mask = torch.zeros(batch, time, dtype=torch.bool)
        mask[:, -1] = True
        self._batch = Batch(_drawn(stream, 8, (batch, time)), _drawn(stream, 4, (batch,)), mask)

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return the batch."""
        return self._batch


def _drawn(stream: Any, below: int, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(stream.integers(0, below, shape))


def study(
    models: Mapping[str, Component],
    sweeps: Mapping[str, Sequence[int]] = SWEEPS,
    base: Mapping[str, int] = BASE,
    *,
    point_seconds: float = 30,
    all_seconds: float = 540,
    announce: Callable[[str], None] = lambda line: None,
) -> Growth:
    """Measure how the time of a training step grows.

    Args:
        models: the settings of each model, by the name it shall have; their sizes are set here.
        sweeps: what grows, and its sizes in rising order; with more than one seed the fused engine only.
        base: the sizes of what does not grow.
        point_seconds: a point whose repeats would take longer is left out, and what is larger with it.
        all_seconds: after so long nothing further is begun; compiling does not count.
        announce: called with a line on what comes next.

    Raises:
        SettingsError: when a model is not built of cells.
        UsageError: when only the seeds shall grow, of models that the fused engine does not train here.
    """
    for name, component in models.items():
        if not issubclass(load("model", component.name), Cell):
            raise SettingsError(f"What a step of {name} costs is not known: it is not made of cells.")
    chosen = {sweep: tuple(sizes) for sweep, sizes in sweeps.items()}
    reasons = [_why_not(component, base["hidden"]) for component in models.values()]
    if None in reasons:
        make_ready(announce)
    elif chosen.pop("seeds", None):
        alone = f"Seeds are trained together by the fused engine, which does not train {' or '.join(models)}"
        if not chosen:
            retry = "Try: seqlab bench rnn lstm gru --seeds 1,10,100"
            raise UsageError(f"{alone} here.", hint=f"{NO_NUMBA}." if NO_NUMBA in reasons else retry)
        announce(f"{alone} here: they do not grow.")
    announce("what the machine reaches")
    machines = {threads: measure_machine(threads) for threads in sorted({1, processors()})}
    growth = Growth(machines, chosen, dict(base), {}, {})
    name, component = next(iter(models.items()))
    _loop(Setting(name, "torch", 1, 1, 1, 1), _sized(component, 1), Symbols(1, 1), 1)(1)  # torch, too
    ends = time.perf_counter() + all_seconds
    for (sweep, sizes), (name, component) in product(growth.sweeps.items(), models.items()):
        for engine in ENGINES[sweep == "seeds" :]:
            points = [Setting(name, engine, **{**base, sweep: size}) for size in sizes]
            points = [point for point in points if engine == "torch" or _fused_can(component, point.hidden)]
            if points:
                announce(f"{name}, {engine}: {sweep} to {getattr(points[-1], sweep):,}")
                _along(growth, component, points, point_seconds, ends)
    return growth


def _along(
    growth: Growth,
    component: Component,
    points: Sequence[Setting],
    limit: float,
    ends: float,
) -> None:
    """Measure the points of a line as far as time allows."""
    for point in points:
        if point in growth.measured:
            continue
        if time.perf_counter() > ends:
            growth.left_out[point] = NO_TIME
        elif point not in growth.left_out:
            found = _measure(point, component, growth.machines, limit)
            if isinstance(found, float):
                growth.left_out[point] = f"a step takes {found:.2g} s"
            else:
                growth.measured[point] = found
        if point in growth.left_out:
            return  # what is larger takes longer


def _measure(
    point: Setting, component: Component, machines: Mapping[int, Machine], limit: float
) -> Measurement | float:
    """Time a training step; where the repeats would take too long, return the seconds of one."""
    component = _sized(component, point.hidden)
    task = Symbols(point.time, point.batch)
    with torch.device("meta"):  # its shapes are all that is asked for
        model = Recurrent(load("model", component.name), task.spec, **component.options)
    threads = threads_for(count_parameters(model))
    prepare(threads, torch.device("cpu"))
    threads = threads if point.engine == "torch" else processors()
    go = _loop(point, component, task, 1)
    once = _seconds(go, 1)
    if once <= limit:  # the first time may have to make things ready
        once = _seconds(go, 1)
    if once * (REPEATS + 1) > limit:
        return once
    steps = min(max(round(SLICE * min(point.seeds, MOST_SLICES) / once), 1), 200)
    if steps > 1:
        go = _loop(point, component, task, steps)
        go(steps)
    seconds = sorted(_seconds(go, steps) / steps / point.seeds for _ in range(REPEATS))
    cost = training_cost(model, batch=point.batch, time=point.time, answers=point.batch)
    used = _threads_used(point, threads)
    floor = machines[max(count for count in machines if count <= used)].floor(cost)
    return Measurement(
        point,
        threads,
        statistics.median(seconds),
        seconds[0],
        seconds[-1],
        REPEATS,
        **asdict(cost),
        floor=floor,
    )


def _threads_used(point: Setting, threads: int) -> int:
    """Return how many threads work on a point: with the fused engine one on each seed, or all on a large one.

    So far as there are tiles for them: those of a large network are LANES wide (:func:`shapes_of`).
    """
    if point.engine == "torch" or (point.seeds == 1 and point.hidden >= LARGE and point.batch > LANES):
        return threads
    return min(threads, point.seeds)


def _seconds(go: Callable[[int], None], steps: int) -> float:
    started = time.perf_counter()
    go(steps)
    return time.perf_counter() - started


def _loop(point: Setting, component: Component, task: Task, steps: int) -> Callable[[int], None]:
    """Return a function that makes more training steps, ``steps`` of them or a multiple."""
    settings = Training(
        steps=_FOREVER,
        batch_size=point.batch,
        evaluate_every=_FOREVER,
        evaluation_sequences=1,
        checkpoint_every=steps,  # there the fused engine has made no more steps than were asked for
    )
    seeds = range(1, point.seeds + 1)
    learners = [new_learner(build_model(component, task.spec, seed), settings) for seed in seeds]
    happening: Iterator[object]
    if point.engine == "torch":
        happening = fit(learners[0], task, settings, 1)
    else:
        happening = fit_together(learners, task, settings, seeds, ahead=steps)

    def go(count: int) -> None:
        for _ in range(count):
            next(happening)

    return go


def _sized(component: Component, hidden: int) -> Component:
    return Component(name=component.name, **{**component.options, "hidden_size": hidden})


def _fused_can(component: Component, hidden: int) -> bool:
    """Say whether the fused engine would be used for that model, as ``auto`` has it."""
    return _why_not(component, hidden) is None


def _why_not(component: Component, hidden: int) -> str | None:
    task = Symbols(1, 1)
    experiment = TrainExperiment(
        experiment="bench",
        task=Component(name="temporal-order"),
        model=_sized(component, hidden),
        compute=Compute(device="cpu"),
    )
    return why_not(experiment, task)
