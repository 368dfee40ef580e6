"""The fused engine (:mod:`seqlab.fused`): small recurrent networks, several seeds at once, compiled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import torch

from seqlab import fused
from seqlab.contracts import Split
from seqlab.engines import Announce, Engine, Refusal, Settled
from seqlab.errors import SeqlabError
from seqlab.fused import drawing
from seqlab.models import SequenceModel
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.training import Learner, Step

ADVICE = "Such a small network trains many times faster with Numba: pip install 'seqlab[fast]'"


class Fused(Engine):
    """It trains all learners together."""

    place, together, knows_models = 1, True, True
    devices: tuple[str, ...] = ("cpu",)
    computes_with: tuple[str, ...] = ("torch", "numpy", "numba", "llvmlite")

    def why_not(self, experiment: TrainExperiment, task: Task) -> Refusal | None:
        """Return the reason why it cannot train an experiment, or None if it can."""
        reason = fused.why_not(experiment, task)
        if reason is None:
            return None
        if reason.startswith(fused.BROKEN):
            return Refusal(reason, f"{reason}, so torch trains.")
        return Refusal(reason, ADVICE if reason == fused.NO_NUMBA else None)

    def settle(
        self, experiment: TrainExperiment, task: Task, model: SequenceModel, device: torch.device
    ) -> Settled:
        """Compute in float32, unless something else is asked for, which is refused."""
        if experiment.compute.precision != "auto":
            return Settled(experiment)
        compute = experiment.compute.model_copy(update={"precision": "fp32"})
        return Settled(experiment.model_copy(update={"compute": compute}), "the fused engine knows no other")

    def modules(self, task: Task) -> tuple[str, ...]:
        """Return what draws the task's batches, if there is such a thing."""
        module = drawing.module_of(task)
        return () if module is None else (module,)

    def is_ready(self) -> bool:
        """Say whether the code is compiled."""
        return fused.is_compiled()

    def make_ready(self, announce: Announce = None, task: Task | None = None) -> None:
        """Load the compiled code, or compile it."""
        fused.make_ready(announce)
        if task is not None:
            drawing.make_ready(task)

    def fit(
        self,
        experiment: TrainExperiment,
        task: Task,
        learners: Sequence[Learner],
        seeds: Sequence[int],
        *,
        pause_at: Collection[int] = (),
        on_failure: Callable[[int, SeqlabError], None] | None = None,
        announce: Announce = None,
    ) -> Iterator[tuple[Step | None, ...]]:
        """Train all learners together; see :func:`seqlab.fused.fit_together`."""
        return fused.fit_together(
            learners, task, experiment.training, seeds, threads=experiment.compute.threads,
            pause_at=sorted(pause_at), on_failure=on_failure,
        )  # fmt: skip

    def judge(
        self, experiment: TrainExperiment, task: Task, model: SequenceModel, split: Split, sequences: int
    ) -> dict[str, float]:
        """Return the task's figures over the fixed set of a split."""
        return fused.evaluate(model, task, split, sequences, experiment.seed)


ENGINE = Fused()
