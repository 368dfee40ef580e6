"""`seqlab train --images`: pictures of a user's own, from the command to what is on record."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqlab.runs import Run
from seqlab.tasks.pictures import _images

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = ("model.hidden_size=4", "training.steps=2", "training.evaluate_every=2", "compute.threads=1")
ENGINE = "training.engine=torch"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hundred pictures of 4 x 4 pixels, without a test set."""
    folder, stream = tmp_path / "mine", np.random.default_rng(1)
    folder.mkdir()
    images = stream.integers(0, 256, (200, 4, 4), np.uint8).tobytes()
    header = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (200, 4, 4))
    (folder / "train-images-idx3-ubyte").write_bytes(header + images)
    labels = b"\0\0\x08\x01" + (200).to_bytes(4, "big") + bytes(k % 10 for k in range(200))
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
    return folder


def test_pictures_of_a_folder_are_learned_and_on_record(
    seqlab_command: Command, folder: Path, tmp_path: Path
) -> None:
    trained = seqlab_command("train", "--images", "mine", *SMALL, ENGINE)
    assert trained.returncode == 0, trained.stderr
    (path,) = (path.parent for path in tmp_path.rglob("run.json"))
    assert path.name.startswith("mine-lstm")
    info, recorded = Run(path).info(), folder / "train-images-idx3-ubyte"
    assert str(recorded) in info.extra["corpus"]["source"]
    assert info.data_hash == info.extra["corpus"]["sha256"]
    content = recorded.read_bytes()
    recorded.write_bytes(content[:-1] + b"\1")
    judged = seqlab_command("judge", "latest")
    assert judged.returncode == 2
    assert "was trained on data with SHA-256" in judged.stderr
    recorded.write_bytes(content[:-1])
    cut = seqlab_command("train", "pixel-digits", "--images", folder, *SMALL, ENGINE)
    assert cut.returncode == 2
    assert "behind byte 16 stand 3,199 bytes" in cut.stderr


def test_of_a_run_whose_pictures_came_with_a_package_it_is_said_how_to_install_it(
    seqlab_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", reason="its digits are what is trained on")
    assert seqlab_command("train", "row-digits", *SMALL, ENGINE).returncode == 0
    _images._named.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    refused = seqlab_command("judge", "latest")
    assert (refused.returncode, "pip install" in refused.stderr) == (2, True), refused.stderr
    assert "--text" not in refused.stderr


def test_what_reads_no_pictures_is_refused(seqlab_command: Command, folder: Path) -> None:
    refused = seqlab_command("train", "hello", "--images", folder)
    assert refused.returncode == 2
    assert "hello reads no pictures" in refused.stderr
    assert "--images FOLDER learns with the settings of row-digits" in refused.stderr
