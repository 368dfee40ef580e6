"""Checkpoints: ``last.pt`` holds everything needed to go on bit for bit, ``best.safetensors`` weights alone.

Files are written beside their place and then renamed, so that a crash leaves the old one or the new one.
Neither knows the device it was written on.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from seqlab.errors import RunFolderError
from seqlab.models import SequenceModel
from seqlab.runs import replace_file
from seqlab.training.loop import Learner


def save_checkpoint(path: Path, learner: Learner) -> None:
    """Save all that ``learner`` needs to go on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = io.BytesIO()
    torch.save(_apart(learner.state_dict()), data)
    replace_file(path, data.getvalue())


def load_checkpoint(path: Path, learner: Learner) -> None:
    """Bring ``learner`` back to a saved state.

    Raises:
        RunFolderError: when the file is damaged or belongs to another model.
    """
    saved = _read(path)
    try:
        learner.load_state_dict(saved)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise RunFolderError(
            f"{path} does not fit the run's settings: {first_line(error)}",
            hint="Was config.yaml edited? Start a new run with `seqlab train --config`.",
        ) from error


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Save a model's weights alone, as ``state_dict`` names them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in weights.items()}
    replace_file(path, safetensors.torch.save(tensors))


def load_weights(path: Path, model: SequenceModel) -> None:
    """Load weights into a model.

    Raises:
        RunFolderError: when the file is missing, damaged or belongs to another model.
    """
    if not path.is_file():
        raise RunFolderError(
            f"{path} is missing: the run has not come so far, or the file is gone.",
            hint="The last weights lie in a file of their own: --checkpoint last, where a command has it.",
        )
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (safetensors.SafetensorError, RuntimeError, OSError) as error:
        raise RunFolderError(
            f"{path} is damaged or of another model: {first_line(error)}",
            hint="The last weights lie in a file of their own: --checkpoint last, where a command has it.",
        ) from error


def _apart(value: Any) -> Any:
    """Copy tensors out of what they may be a part of, all of which torch would save."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _apart(part) for key, part in value.items()}
    return type(value)(map(_apart, value)) if isinstance(value, list | tuple) else value


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RunFolderError(
            f"{path} is missing: the run has not come so far, or the file is gone.",
            hint="The best weights lie in another file: --checkpoint best, where a command has it.",
        )
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or hostile file; none may pass
        raise RunFolderError(
            f"{path} cannot be read: {first_line(error)}",
            hint="The file is damaged, or not a checkpoint of seqlab. The best weights lie in another: "
            "--checkpoint best, where a command has it.",
        ) from error
    if not isinstance(saved, dict):
        raise RunFolderError(f"{path} is not a checkpoint of seqlab.")
    return saved


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def step_of(path: Path) -> int:
    """Return the step at which a checkpoint was saved; 0 where there is none."""
    return int(_read(path)["counters"]["step"]) if path.is_file() else 0
