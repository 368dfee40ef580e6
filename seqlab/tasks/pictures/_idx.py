"""Files in the IDX format, in which MNIST and Fashion-MNIST are published.

byte 0, 1    0
byte 2       the type of the numbers: 8, unsigned bytes
byte 3       the number of axes
4 bytes each the sizes of the axes, the greatest byte first; then all numbers, the last axis fastest
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import TextError
from seqlab.outside import open_ordinary

Bytes = NDArray[np.uint8]
What = Literal["images", "labels"]
Part = Literal["train", "t10k"]

AXES: dict[What, int] = {"images": 3, "labels": 1}
UNSIGNED = 8
MOST = 1_000_000_000
"""Bytes that are read at most: a small file may unpack to more than there is memory."""


def find_idx(folder: Path, part: Part, what: What) -> Path | None:
    """Return a file of a folder by its published name, packed or not; None where it is not there."""
    stems = [f"{part}-{what}{joiner}idx{AXES[what]}-ubyte" for joiner in "-."]
    places = (folder / f"{stem}{end}" for stem in stems for end in ("", ".gz"))
    return next((place for place in places if place.is_file()), None)


def read_idx(path: Path, what: What) -> Bytes:
    """Return pictures (N, R, C), or labels (N,).

    Raises:
        TextError: saying what is wrong, at which byte.
    """
    content = _content(path)
    if len(content) < 4 or content[:2] != b"\0\0":
        raise _wrong(path, f"its first bytes are {content[:4].hex(' ') or 'none'}, not 00 00 08")
    if content[2] != UNSIGNED:
        raise _wrong(path, f"byte 2 is {content[2]:#04x}: only unsigned bytes, 0x08, are read")
    if content[3] != AXES[what]:
        raise _wrong(path, f"byte 3 says that it has {content[3]} axes; {what} have {AXES[what]}")
    start = 4 + 4 * AXES[what]
    if len(content) < start:
        raise _wrong(path, f"it ends at byte {len(content)}, within its header of {start} bytes")
    shape = tuple(np.frombuffer(content, ">u4", AXES[what], 4).tolist())
    said = " x ".join(f"{size:,}" for size in shape)
    if len(content) - start != math.prod(shape):
        raise _wrong(
            path,
            f"behind byte {start} stand {len(content) - start:,} bytes, "
            f"where its header says {said} = {math.prod(shape):,}",
        )
    if not math.prod(shape):
        raise _wrong(path, f"its shape is {said}, so that it holds nothing")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    """Return the content of a file, unpacked where it is packed."""
    try:
        with open_ordinary(path) as opened:
            content = opened.read(MOST + 1)
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as unpacked:
                content = unpacked.read(MOST + 1)
        if len(content) > MOST:
            raise _wrong(path, f"it holds more than {MOST:,} bytes")
        return content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _wrong(path, f"it cannot be unpacked ({error})") from None
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}.") from None


def _wrong(path: Path, what: str) -> TextError:
    return TextError(f"{path} is no IDX file of that kind: {what}.", hint="Is it whole? Fetch it again.")
