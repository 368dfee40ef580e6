"""Checkpoints: ``last.pt`` holds everything needed to go on bit for bit, ``best.safetensors`` weights alone.

Each holds the SHA-256 of what is in it, and one that does not fit is refused: a flipped bit in a weight is no
other weight. Those of earlier versions have none.

Files are written beside their place and then renamed, so that a crash leaves the old one or the new one.
Neither knows the device it was written on.
"""

from __future__ import annotations

import errno
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from seqlab.errors import RunFolderError
from seqlab.files import SEAL
from seqlab.models import SequenceModel
from seqlab.runs import replace_file
from seqlab.training.loop import Learner


def save_checkpoint(path: Path, learner: Learner) -> None:
    """Save all that ``learner`` needs to go on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(path, apart(learner.state_dict()))


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
    replace_file(path, safetensors.torch.save(tensors, {SEAL: checksum(dict(sorted(tensors.items())))}))


def load_weights(path: Path, model: SequenceModel) -> None:
    """Load weights into a model.

    Raises:
        RunFolderError: when the file is missing, damaged or belongs to another model.
    """
    tensors = read_weights(path)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise _unfit(path, error) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return weights by their names, in the order of these.

    Raises:
        RunFolderError: when the file is missing or damaged.
        OSError: when the system cannot read it, which says nothing of the file.
    """
    if not path.is_file():
        raise RunFolderError(
            f"{path} is missing: the run has not come so far, or the file is gone.",
            hint="The last weights lie in a file of their own: --checkpoint last, where a command has it.",
        )
    try:
        with safetensors.safe_open(path, "pt") as opened:
            written = (opened.metadata() or {}).get(SEAL)
            tensors = {name: opened.get_tensor(name) for name in sorted(opened.keys())}
        _require_whole(path, tensors, written, "The last weights", "last")
        return tensors
    except safetensors.SafetensorError as error:
        raise _unfit(path, error) from error
    except (RuntimeError, OSError) as error:  # of torch and of safetensors, without a number
        raise OSError(errno.EIO, first_line(error), str(path)) from None


def _unfit(path: Path, error: Exception) -> RunFolderError:
    return RunFolderError(
        f"{path} is damaged or of another model: {first_line(error)}",
        hint="The last weights lie in a file of their own: --checkpoint last, where a command has it.",
    )


def _save(path: Path, state: Mapping[str, Any]) -> None:
    data = io.BytesIO()
    torch.save({**state, SEAL: checksum(state)}, data)
    replace_file(path, data.getvalue())


def apart(value: Any) -> Any:
    """Copy tensors out of what they may be a part of, all of which torch would save."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: apart(part) for key, part in value.items()}
    return type(value)(map(apart, value)) if isinstance(value, list | tuple) else value


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RunFolderError(
            f"{path} is missing: the run has not come so far, or the file is gone.",
            hint="The best weights lie in another file: --checkpoint best, where a command has it.",
        )
    try:
        with zipfile.ZipFile(path) as packed:
            if any(part.compress_type != zipfile.ZIP_STORED for part in packed.infolist()):
                raise ValueError("it is compressed, as no checkpoint is, and might unpack to any size")
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or hostile file; none may pass
        raise RunFolderError(
            f"{path} cannot be read: {first_line(error)}",
            hint="The file is damaged, or not a checkpoint of seqlab. The best weights lie in another: "
            "--checkpoint best, where a command has it.",
        ) from error
    if not isinstance(saved, dict):
        raise RunFolderError(f"{path} is not a checkpoint of seqlab.")
    written = saved.pop(SEAL, None)
    _require_whole(path, saved, written, "The best weights", "best")
    return saved


def checksum(value: Any) -> str:
    """Return the SHA-256 of tensors and numbers, however they are nested in dictionaries and sequences.

    >>> checksum({"w": torch.zeros(2)}) == checksum({"w": torch.zeros(2)})
    True
    >>> checksum({"w": torch.zeros(2)}) == checksum({"w": torch.tensor([0.0, 1e-45])})
    False
    """
    found = hashlib.sha256()
    _add(found, value)
    return found.hexdigest()


def _add(found: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        found.update(f"{value.dtype}{tuple(value.shape)}".encode())
        found.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy())
    elif isinstance(value, dict):
        found.update(f"{{{len(value)}".encode())
        for key, part in value.items():
            found.update(repr(key).encode())
            _add(found, part)
    elif isinstance(value, list | tuple):
        found.update(f"[{len(value)}".encode())
        for part in value:
            _add(found, part)
    else:
        found.update(repr(value).encode())


def _require_whole(path: Path, content: Any, written: str | None, others: str, checkpoint: str) -> None:
    if written is not None and written != checksum(content):
        raise RunFolderError(
            f"{path} is damaged: it does not hold what was written.",
            hint=f"{others} lie in a file of their own: --checkpoint {checkpoint}, where a command has it.",
        )


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def counters_of(path: Path) -> dict[str, Any]:
    """Return the counters of a checkpoint: its ``step``, and so on; at step 0 where there is none."""
    return dict(_read(path)["counters"]) if path.is_file() else {"step": 0}


def go_beyond_the_end(path: Path) -> None:
    """Let a checkpoint that was the last of a training be gone on with."""
    saved = _read(path)
    saved["counters"].update(ended=False, stale=0)
    _save(path, saved)


def step_of(path: Path) -> int:
    """Return the step at which a checkpoint was saved; 0 where there is none."""
    return int(counters_of(path)["step"])
