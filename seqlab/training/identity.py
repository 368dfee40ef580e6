"""When two runs are the same run: the same settings, code, data and plug-in."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from seqlab.registry import is_plugin, plugin_path
from seqlab.settings import TrainExperiment

_PACKAGE = Path(__file__).resolve().parent.parent
_DECIDING = ("contracts.py", "tasks", "models", "text", "training", "fused", "session")
"""The parts of the package on which a run's figures depend."""


def fingerprint(experiment: TrainExperiment, data_hash: str | None) -> str:
    """Return what identifies a run: with the same one, runs on one machine are the same to the bit.

    Args:
        experiment: the checked settings; the experiment's name, summary, presets and advice for other models
            do not count.
        data_hash: the SHA-256 of the corpus, or None.

    Returns:
        64 hexadecimal digits.
    """
    settings = experiment.model_dump(exclude={"experiment", "summary", "presets", "models"})
    everything = json.dumps([settings, code_hash(), data_hash, plugin_hashes(experiment)], sort_keys=True)
    return hashlib.sha256(everything.encode()).hexdigest()


def plugin_hashes(experiment: TrainExperiment) -> dict[str, str]:
    """Return the SHA-256 of the user's own file behind the model, and behind the task, where there is one."""
    names = {"model": experiment.model.name, "task": experiment.task.name}
    return {
        kind: hashlib.sha256(plugin_path(name).read_bytes()).hexdigest()
        for kind, name in names.items()
        if is_plugin(name)
    }


@cache
def code_hash() -> str:
    """Return the hash of the source on which a run's figures depend."""
    digest = hashlib.sha256()
    for part in _DECIDING:
        path = _PACKAGE / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(_PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
