"""The cuda engine: on a GPU of NVIDIA's, updates are recorded once and then repeated (CUDA graphs)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from seqlab.engines import Announce, Refusal
from seqlab.engines.torch import Torch
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.training import Learner, Step, recorded
from seqlab.training.graphs import Graphs
from seqlab.training.runtime import autocast, pick_device


class Cuda(Torch):
    """It trains what the torch engine trains."""

    place = 2
    devices: tuple[str, ...] = ("cuda",)

    def why_not(self, experiment: TrainExperiment, task: Task) -> Refusal | None:
        """Return the reason why it cannot train an experiment, or None if it can."""
        if pick_device(experiment.compute.device).type != "cuda":
            return Refusal("it runs on a GPU of NVIDIA's only")
        return super().why_not(experiment, task)

    def steps(
        self,
        experiment: TrainExperiment,
        task: Task,
        learner: Learner,
        seed: int,
        pause_at: Collection[int],
        announce: Announce,
    ) -> Iterator[Step]:
        """Train one learner, in updates that are repeated; see :func:`seqlab.training.recorded.fit`."""
        device = pick_device(experiment.compute.device)
        return recorded.fit(
            learner, task, experiment.training, seed, autocast(experiment.compute.precision, device),
            Graphs(device), pause_at=pause_at, tell=announce,
        )  # fmt: skip


ENGINE = Cuda()
