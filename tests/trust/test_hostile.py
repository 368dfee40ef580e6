"""A run folder that somebody sent: nothing in it is run, and nothing in it fills the memory or leads elsewhere."""

from __future__ import annotations

import gzip
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Command

from seqlab.errors import RunFolderError, SeqlabError, TextError
from seqlab.figures.page import page
from seqlab.runs import Run, trash_run
from seqlab.session.seeing import see_file
from seqlab.tasks import Data, Form
from seqlab.tasks.own.tags import Tags
from seqlab.tasks.pictures._idx import MOST, read_idx
from seqlab.tasks.stories._published import Published
from seqlab.text.parallel import load_pairs
from seqlab.text.reading import read_blocks
from seqlab.training.checkpoints import counters_of

TRAIN = ("train", "hello", "training.steps=4", "-q")


class Harmful:
    """What unpickling would run."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch run-by-pickle",)


@pytest.fixture
def sent(seqlab_command: Command, tmp_path: Path) -> Run:
    assert seqlab_command(*TRAIN).returncode == 0
    (path,) = (tmp_path / "runs").iterdir()
    run = Run(path)
    run.update_info(files={}, status="interrupted")  # whoever sends a folder has made its checksums
    return run


@pytest.mark.parametrize("how", ["plain", "by torch"])
def test_a_pickle_is_not_run(sent: Run, seqlab_command: Command, tmp_path: Path, how: str) -> None:
    if how == "plain":
        sent.last_checkpoint.write_bytes(pickle.dumps(Harmful()))
    else:
        torch.save({"model": Harmful()}, sent.last_checkpoint)
    for words in (("resume", sent.id), ("sample", sent.id, "--checkpoint", "last")):
        refused = seqlab_command(*words)
        assert refused.returncode == 2
        assert "cannot be read" in refused.stderr
    assert not list(tmp_path.rglob("run-by-pickle"))


def test_a_checkpoint_that_unpacks_to_any_size_is_refused(sent: Run) -> None:
    whole = sent.last_checkpoint.read_bytes()
    with zipfile.ZipFile(sent.last_checkpoint) as stored:
        parts = {name: stored.read(name) for name in stored.namelist()}
    with zipfile.ZipFile(sent.last_checkpoint, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    with pytest.raises(RunFolderError, match="it is compressed"):
        counters_of(sent.last_checkpoint)
    sent.last_checkpoint.write_bytes(whole)
    assert counters_of(sent.last_checkpoint)["step"] == 4


def test_pictures_that_unpack_to_more_than_the_bound_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST > 10**8
    monkeypatch.setattr("seqlab.tasks.pictures._idx.MOST", 100_000)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + bytes(10_000_000)))
    assert path.stat().st_size < 20_000
    with pytest.raises(TextError, match="more than 100,000 bytes"):
        read_idx(path, "images")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize(
    "read",
    [
        lambda path: Data.of(path),
        lambda path: list(read_blocks([path], "utf-8")),
        lambda path: Tags(table=str(path), encoding="utf-8"),
        lambda path: Published.read(str(path)),
        lambda path: load_pairs(str(path)),
        lambda path: load_pairs(str(path.parent)),
        lambda path: see_file(path, Form(4, 4)),
        lambda path: page({"figures": [{"name": "a", "caption": "a", "svg": path.name}]}, path.parent),
    ],
)
def test_no_pipe_is_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe.po")
    with pytest.raises(SeqlabError):
        read(tmp_path / "pipe.po")


def test_a_run_that_is_a_link_goes_into_the_trash_as_a_link(sent: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    sent.path.rename(outside)
    sent.path.symlink_to(outside)
    lies = trash_run(sent)
    assert lies.is_symlink()
    assert (outside / "run.json").is_file()


def test_names_of_a_run_are_escaped_on_the_screen_and_in_a_page(sent: Run, seqlab_command: Command) -> None:
    seqlab_command("note", sent.id, "\x1b]0;owned\x07 <script>alert(1)</script> \u202e\u061c")
    for words in (("note", sent.id), ("show", sent.id), ("runs",)):
        shown = seqlab_command(*words)
        assert not {"\x1b", "\x07", "\u202e", "\u061c"} & set(shown.stdout + shown.stderr)
