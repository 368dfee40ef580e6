"""Whether the first updates of every experiment are the same to the bit, over and over, and how far threads move them.

    python benchmarks/determinism.py [EXPERIMENT ...] [--repeats 20] [--updates 50] [--seconds 120]

Each experiment that trains a model is begun anew so many times, with its shipped settings and seed, on one thread.
What is compared is the SHA-256 of the whole learner: weights, optimiser, averages, random generators. Then once with
two threads: the greatest difference of a weight, beside the greatest weight. A slow one is repeated only until its
seconds are over, and at least once. One that needs what is not installed, or a corpus that is not there, is named and
passed over.
"""

from __future__ import annotations

import argparse
import sys
import time

import torch

from seqlab.configure import load_settings
from seqlab.engines import engine_of
from seqlab.errors import SeqlabError
from seqlab.session import open_session
from seqlab.settings import TrainExperiment, experiment_names
from seqlab.training.checkpoints import checksum
from seqlab.training.loop import new_learner

SHORT = (
    "training.evaluation_sequences=2",
    "training.test_sequences=2",
    "training.passes=null",
    "training.stop_when={}",
)


def weights_after(experiment: TrainExperiment) -> tuple[str, dict[str, torch.Tensor]]:
    """Train; return the checksum of the learner, and its weights."""
    session = open_session(experiment)
    settings, engine = session.experiment.training, engine_of(session.experiment.training.engine)
    learner = new_learner(session.model, settings)
    engine.make_ready(None)
    for _ in engine.fit(
        session.experiment, session.task, [learner], [experiment.seed], pause_at=[settings.steps]
    ):
        if learner.step >= settings.steps:
            break
    state = learner.state_dict()
    return checksum(state), {name: tensor.detach().clone() for name, tensor in state["model"].items()}


def settings_of(name: str, updates: int, threads: int) -> TrainExperiment | None:
    """Return an experiment cut to its first updates; None for one that trains no single model."""
    first, _ = load_settings(name)
    if not isinstance(first, TrainExperiment):
        return None
    words = [f"training.steps={updates}", f"training.evaluate_every={updates}", f"compute.threads={threads}"]
    experiment, _ = load_settings(name, overrides=[*SHORT, *words])
    assert isinstance(experiment, TrainExperiment)
    return experiment


def farthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> tuple[float, float]:
    """Return the greatest difference of two models' weights, and the greatest weight."""
    floating = [name for name in one if one[name].is_floating_point() and one[name].numel()]
    apart = max((one[name].double() - other[name].double()).abs().max().item() for name in floating)
    return apart, max(one[name].abs().max().item() for name in floating)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    asked = parser.parse_args()
    differ = 0
    print(
        "experiment\tof how many repeats\tequal\ttwo threads: greatest difference\tgreatest weight\tseconds"
    )
    for name in asked.names or experiment_names():
        began = time.perf_counter()
        try:
            experiment = settings_of(name, asked.updates, 1)
            if experiment is None:
                continue
            first, weights = weights_after(experiment)
            again = []
            while len(again) < asked.repeats - 1 and (
                not again or time.perf_counter() - began < asked.seconds
            ):
                again.append(weights_after(experiment)[0])
            equal = again.count(first) + 1
            on_two = settings_of(name, asked.updates, 2)
            assert on_two is not None
            apart, greatest = farthest(weights, weights_after(on_two)[1])
        except SeqlabError as error:
            print(f"{name}\tnot run: {error.message}", flush=True)
            continue
        differ += equal <= len(again)
        seconds = time.perf_counter() - began
        print(f"{name}\t{len(again) + 1}\t{equal}\t{apart:.1e}\t{greatest:.1e}\t{seconds:.0f}", flush=True)
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
