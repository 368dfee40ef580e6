"""One model learns one task: one run."""

from __future__ import annotations

from seqlab.kinds import Asked
from seqlab.settings import TrainExperiment

SETTINGS = TrainExperiment
FLAGS = ("--budget", "--dry-run", "--explain", "--fit")


def run(settings: TrainExperiment, asked: Asked) -> None:
    """Train a run, or what the flags ask for instead."""
    from seqlab.cli.corpus import fit_to_text
    from seqlab.cli.train import start

    flags = asked.flags
    start(
        fit_to_text(settings) if "--fit" in flags else settings,
        flags.get("--budget"), "--dry-run" in flags, "--explain" in flags, asked.quiet, asked.as_json,
    )  # fmt: skip
