"""A run in one file: what goes in comes out, and nothing else does."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.errors import SeqlabError
from seqlab.runs import Run, create_run
from seqlab.runs.packing import pack_run, unpack_run

CONFIG = "kind: train\nexperiment: hello\nseed: 1\ntask: {name: hello}\nmodel: {name: rnn}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    made = create_run("hello", "rnn", 1, command="seqlab train hello", config_text=CONFIG)
    (made.figures / "curves.png").write_bytes(bytes(range(256)) * 9)
    made.update_info(status="finished")
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_what_is_packed_comes_out_to_the_bit(run: Run, tmp_path: Path) -> None:
    (run.path / "link").symlink_to("/etc/passwd")
    wanted = {name: data for name, data in content(run.path).items() if name != "link"}
    file = tmp_path / "run.zip"
    assert sorted(pack_run(run, file)) == sorted(wanted)
    with pytest.raises(SeqlabError, match="is here already"):
        unpack_run(file)
    shutil.rmtree(run.path)
    back = unpack_run(file)
    assert back.path == run.path
    assert content(back.path) == wanted
    with pytest.raises(SeqlabError, match="is there already"):
        pack_run(back, file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.zip", "runs"]


def test_a_run_in_training_is_not_packed(run: Run, tmp_path: Path) -> None:
    run.update_info(status="running")
    with pytest.raises(SeqlabError, match="is being trained"):
        pack_run(run, tmp_path / "run.zip")


Change = Callable[[dict[str, bytes], str], None]


def repacked(run: Run, file: Path, change: Change, kind: int = stat.S_IFREG) -> Path:
    """Return a file in which something is not as it was packed."""
    pack_run(run, file)
    with zipfile.ZipFile(file) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    change(members, run.id)
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind if data == b"/etc/passwd" else stat.S_IFREG) << 16
            packed.writestr(info, data, zipfile.ZIP_DEFLATED)
    return file


def told(members: dict[str, bytes], run: str, name: str, size: int = 4, data: bytes = b"evil") -> None:
    """Add a file, and tell of it."""
    listed = json.loads(members[f"{run}/packed.json"])
    listed["files"][name] = {"sha256": "0" * 64, "bytes": size}
    members[f"{run}/packed.json"] = json.dumps(listed).encode()
    members[f"{run}/{name}"] = data


CHANGES: dict[str, tuple[Change, str]] = {
    "a byte": (lambda members, run: members.update({f"{run}/config.yaml": b"kind: trail\n" + CONFIG[12:].encode()}), "is not what was packed"),
    "a size": (lambda members, run: members.update({f"{run}/config.yaml": b"x"}), "does not tell of"),
    "a missing file": (lambda members, run: members.pop(f"{run}/config.yaml") and None, "config.yaml is missing"),
    "a further file": (lambda members, run: members.update({f"{run}/more.txt": b"x"}), "does not tell of"),
    "outside": (lambda members, run: told(members, run, "../evil.txt"), "no name in a run's folder"),
    "absolute": (lambda members, run: told(members, run, "/tmp/evil.txt"), "no name in a run's folder"),
    "another drive": (lambda members, run: told(members, run, "c:evil.txt"), "no name in a run's folder"),
    "hidden": (lambda members, run: told(members, run, ".lock"), "no name in a run's folder"),
    "another hash": (lambda members, run: told(members, run, "evil.txt"), "is not what was packed"),
    "a bomb": (lambda members, run: told(members, run, "evil.txt", 2**50), "it says that it comes to"),
    "a bomb that is there": (lambda members, run: told(members, run, "evil.txt", 10**7, bytes(10**7)), "it says that it comes to"),
    "a file without a name": (lambda members, run: members.update({"": b"x"}), "does not tell of"),
    "no list": (lambda members, run: members.pop(f"{run}/packed.json") and None, "it has no packed.json"),
    "an odd list": (lambda members, run: members.update({f"{run}/packed.json": b"[1]"}), "packed.json says"),
    "two lists": (lambda members, run: members.update({"other/packed.json": b"{}"}), "more than one packed.json"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_not_as_it_was_packed_is_refused_and_leaves_nothing(
    run: Run, tmp_path: Path, what: str
) -> None:
    change, said = CHANGES[what]
    file = repacked(run, tmp_path / "run.zip", change)
    shutil.rmtree(run.path)
    with pytest.raises(SeqlabError, match=said):
        unpack_run(file)
    assert list((tmp_path / "runs").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.zip", "runs"]


def test_a_link_is_refused(run: Run, tmp_path: Path) -> None:
    def link(members: dict[str, bytes], run: str) -> None:
        told(members, run, "evil", len(b"/etc/passwd"))
        members[f"{run}/evil"] = b"/etc/passwd"

    file = repacked(run, tmp_path / "run.zip", link, stat.S_IFLNK)
    shutil.rmtree(run.path)
    with pytest.raises(SeqlabError, match="does not tell of"):
        unpack_run(file)


@settings(max_examples=60)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(0, 255))
def test_a_damaged_file_is_never_a_run_that_was_not_packed(
    tmp_path_factory: pytest.TempPathFactory, share: float, flip: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("packed")
        patch.setenv("SEQLAB_RUNS_DIR", str(folder / "runs"))
        made = create_run("hello", "rnn", 1, command="seqlab train hello", config_text=CONFIG)
        made.update_info(status="finished")
        wanted, file = content(made.path), folder / "run.zip"
        pack_run(made, file)
        shutil.rmtree(made.path)
        whole = bytearray(file.read_bytes())
        place = int(share * len(whole))  # dates make it longer or shorter by a byte
        if flip:
            whole[place] ^= flip
        else:
            del whole[place:]
        file.write_bytes(whole)
        try:
            back = unpack_run(file)
        except SeqlabError:
            assert not any((folder / "runs").iterdir())
        else:  # what does not count was damaged, such as a date
            assert content(back.path) == wanted


def test_elsewhere_a_run_is_looked_at_and_sampled_from_without_its_text(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("a rat, a cat, a hat.\n" * 80)
    sizes = ("model.hidden_size=6", "training.steps=6", "training.batch_size=4", "task.period=8")
    assert seqlab_command("train", "-q", "--text", "notes.txt", *sizes).returncode == 0
    wanted = seqlab_command("sample", "latest", "--length", "20").stdout
    assert seqlab_command("pack", "latest", "with.zip", "--data").returncode == 0
    done = seqlab_command("pack", "latest", "run.zip", "--json")
    assert not any(name.startswith("data/") for name in json.loads(done.stdout)["files"])
    (tmp_path / "notes.txt").rename(tmp_path / "away.txt")
    there = {"SEQLAB_RUNS_DIR": str(tmp_path / "there")}
    assert seqlab_command("unpack", "run.zip", env=there).returncode == 0
    assert seqlab_command("sample", "latest", "--length", "20", env=there).stdout == wanted
    for words in (("show",), ("plot",), ("runs",), ("export", "latest"), ("inspect", "--input", "a cat")):
        done = seqlab_command(*words, env=there)
        assert done.returncode == 0, done.stderr
    again = {"SEQLAB_RUNS_DIR": str(tmp_path / "again")}
    done = seqlab_command("unpack", "with.zip", env=again)
    typed = done.stderr.partition("seqlab resume ")[2].split("\n")[0].split()
    assert seqlab_command("resume", *typed, env=again).returncode == 0, typed
    assert seqlab_command("judge", "latest", env=again).returncode == 0
