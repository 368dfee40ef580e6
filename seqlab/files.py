"""Files that are never half written, JSON that every reader takes, and the cache folder."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.errors import RunFolderError


def cache_folder() -> Path:
    """Return the folder of what can be had again: downloads, encoded texts, compiled code, options."""
    import platformdirs

    chosen = os.environ.get("SEQLAB_CACHE_DIR")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("seqlab")


def replace_file(path: Path, data: bytes | str, *, force: bool = True) -> None:
    """Put ``data`` in the place of ``path``: a crash at any moment leaves the old file or the new one.

    It is written beside, forced to the disk, and renamed.

    Args:
        path: the file.
        data: what shall stand in it.
        force: False for what is of no use without a later file that is forced. It may be lost with the
            machine's power, not by the end of this process.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            if force:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def to_json(data: Any, *, indent: int | None = None) -> str:
    """Write plain data as JSON. Figures that are not finite become null: JSON has no word for them.

    >>> to_json({"loss": float("nan"), "step": 3})
    '{"loss": null, "step": 3}'
    """
    return json.dumps(_plain(data), indent=indent, ensure_ascii=False, allow_nan=False)


def from_json(text: bytes) -> Any:
    """Read JSON; NaN and infinity, which other programs write, become None."""
    return json.loads(text, parse_constant=lambda word: None)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises:
        FileNotFoundError: when there is no such file.
        RunFolderError: when it cannot be read or holds something else.
    """
    try:
        data = from_json(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RunFolderError(f"Cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is damaged: {error}.") from None
    if not isinstance(data, dict):
        raise RunFolderError(f"{path} is damaged: it holds {type(data).__name__}, not an object.")
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a single number of numpy or torch
        return _plain(value.item())
    return value
