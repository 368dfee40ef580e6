"""The folder of the runs: made, found, listed, thrown away."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seqlab.errors import RunFolderError, UnknownNameError
from seqlab.runs import (
    Run,
    create_report,
    create_run,
    find_run,
    list_runs,
    make_runs_dir,
    making,
    restore_run,
    runs_dir,
    trash_dir,
    trash_run,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def new(experiment: str = "hello", model: str = "rnn", seed: int = 1, status: str = "finished") -> Run:
    run = create_run(experiment, model, seed, command="seqlab train", config_text="seed: 1\n")
    if status == "finished":
        run.write_summary({"steps": 3})
    run.update_info(status=status)
    return run


def copies(run: Run, count: int) -> list[str]:
    """Make ``count`` runs, a minute apart each, the last one the newest, by writing their files."""
    data = {**json.loads(run.info_path.read_text()), "files": {}}
    del data["sha256"]
    start, ids = datetime(2030, 1, 1, tzinfo=UTC), []
    for number in range(count):
        created = start + timedelta(minutes=number)
        path = runs_dir() / f"many-rnn-s{count - number}-{created:%Y%m%d-%H%M%S}-{number:04x}"
        path.mkdir()
        info = {**data, "created": created.isoformat(timespec="microseconds"), "seed": number}
        (path / "run.json").write_text(json.dumps(info))
        (path / "summary.json").write_text(json.dumps({"steps": number}))
        ids.append(path.name)
    return ids


def test_a_runs_name_says_what_when_and_is_unique() -> None:
    ids = {new("temporal-order", "lstm", 7).id for _ in range(20)}
    assert len(ids) == 20
    for name in ids:
        assert re.fullmatch(r"temporal-order-lstm-s7-\d{8}-\d{6}-[0-9a-f]{4}", name)


@pytest.mark.parametrize(
    ("experiment", "model", "start"),
    [
        ("hello", "cells/my_cell.py:Mine", "hello-my_cell-s1-"),
        ("hello", "C:\\cells\\my_cell.py", "hello-my_cell-s1-"),
        ("../../etc", "lstm[hidden_size=8]", "etc-lstm-hidden_size-8-s1-"),
        ("예쁘다", "..", "unnamed-unnamed-s1-"),
    ],
)
def test_names_are_safe_for_file_systems(folder: Path, experiment: str, model: str, start: str) -> None:
    run = new(experiment, model)
    assert run.id.startswith(start)
    assert run.path.parent == folder
    assert run.info().model == model


def test_an_occupied_name_is_not_taken_again(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    drawn = iter(["0000", "0000", "0001"])
    monkeypatch.setattr(making.secrets, "token_hex", lambda _: next(drawn))
    paths = [making._make_folder(folder, "x") for _ in range(2)]
    assert [path.name for path in paths] == ["x-0000", "x-0001"]


def test_processes_that_begin_together_never_share_a_folder(folder: Path) -> None:
    """With one digit for the number, forced collisions are common; every process must still get its own."""
    code = """
import secrets
from seqlab.runs import create_run, making
making.secrets.token_hex = lambda _: f"{secrets.randbelow(40):04x}"
for name in (create_run("e", "m", 1, command=str(k), config_text=f"seed: {k}").id for k in range(8)):
    print(name)
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    while any(
        process.poll() is None for process in processes
    ):  # whoever looks meanwhile sees whole runs only
        assert all(entry.status == "interrupted" or entry.info for entry in list_runs())
        assert not [entry.problem for entry in list_runs() if entry.problem]
    ids = [line for process in processes for line in process.communicate()[0].split()]
    assert all(process.returncode == 0 for process in processes)
    assert len(ids) == len(set(ids)) == 32
    assert sorted(ids) == sorted(path.name for path in folder.iterdir())
    for name in ids:
        assert Run(folder / name).config_text() == f"seed: {Run(folder / name).info().command}"


def test_a_place_without_room_for_runs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "file"))
    with pytest.raises(RunFolderError, match="Cannot make a run folder"):
        new()
    with pytest.raises(RunFolderError, match="Cannot make a run folder"):
        make_runs_dir()
    with pytest.raises(RunFolderError, match="not a folder of runs"):
        list_runs()


def test_a_folder_that_cannot_be_written_is_told_before_anything_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_runs_dir()
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (folder, os.W_OK))
    with pytest.raises(RunFolderError, match="Permission denied"):
        make_runs_dir()


def test_a_run_is_found_by_id_prefix_latest_and_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = new("hello"), new("echo")
    assert find_run(first.id) == first
    assert find_run("hell") == first
    assert find_run("latest") == second
    assert find_run(str(first.path)) == first
    monkeypatch.chdir(first.path)
    assert find_run(".").id == first.id
    monkeypatch.chdir(folder)
    assert find_run(f"./{first.id}/").id == first.id


def test_an_id_wins_over_being_the_beginning_of_another() -> None:
    run = new()
    longer = run.path.with_name(run.id + "0")
    longer.mkdir()
    assert find_run(run.id) == run


def test_of_several_the_newest_is_meant_or_none() -> None:
    runs = [new("hello", seed=seed) for seed in (1, 2)]
    new("echo")
    assert find_run("hello-rnn") == runs[1]
    with pytest.raises(RunFolderError) as caught:
        find_run("hello-rnn", newest=False)
    assert all(run.id in str(caught.value) for run in runs)
    assert "echo" not in str(caught.value)


def test_an_experiment_s_name_means_its_own_runs() -> None:
    own = new("hello")
    new("hello-again")
    assert find_run("hello") == own
    assert find_run("hell").info().experiment == "hello-again"


def test_the_caller_may_say_which_runs_it_can_use() -> None:
    text, other = new("hello", "lstm", 1), new("hello", "rnn", 2)
    assert find_run("latest", where=lambda info: info.model == "lstm") == text
    assert find_run("hello", where=lambda info: info.model == "lstm") == text
    assert (
        find_run("hello-rnn", where=lambda info: info.model == "lstm") == other
    )  # the only one that is meant
    with pytest.raises(RunFolderError, match="There is no run of a gru in "):
        find_run("latest", where=lambda info: info.model == "gru", kind="run of a gru")
    with pytest.raises(RunFolderError, match="2 runs"):
        find_run("hello", where=lambda info: info.model == "gru", newest=False)


@pytest.mark.parametrize("typed", ["hallo-rnn", "helo", "HELLO-RNN-S1"])
def test_an_unknown_run_gets_the_nearest(typed: str) -> None:
    run = new("hello")
    new("adding")
    with pytest.raises(UnknownNameError) as caught:
        find_run(typed)
    assert f"Did you mean '{run.id}'" in (caught.value.hint or "")


def test_a_thousand_runs_are_not_listed_in_a_message() -> None:
    copies(new(), 30)
    with pytest.raises(UnknownNameError) as caught:
        find_run("qqq")
    assert "seqlab runs" in str(caught.value)
    assert "many-rnn" not in str(caught.value)


@pytest.mark.parametrize("typed", ["latest", "hello", "", "."])
def test_without_runs_nothing_is_found(typed: str) -> None:
    with pytest.raises((RunFolderError, UnknownNameError)):
        find_run(typed)


def test_latest_passes_over_damaged_and_foreign_folders(folder: Path) -> None:
    run, damaged = new(), new()
    damaged.info_path.write_text("{")
    (folder / "foreign").mkdir()
    assert find_run("latest") == run


def test_the_list_tells_damaged_and_foreign_folders(folder: Path) -> None:
    good = new(seed=1)
    garbage, unfinished, no_summary, bad_summary, empty = (new(seed=seed) for seed in range(2, 7))
    garbage.info_path.write_bytes(b"\xff\x00garbage")
    unfinished.info_path.unlink()
    no_summary.summary_path.unlink()
    bad_summary.summary_path.write_text("[]")
    empty.info_path.write_text("")
    (folder / "holiday").mkdir()
    (folder / "holiday" / "run.json").mkdir()
    (folder / "photos").mkdir()
    (folder / "a plain file").write_text("x")
    (folder / "broken-link").symlink_to("nowhere")
    (folder / ".hidden").mkdir()
    told = {entry.id: (entry.status, entry.problem) for entry in list_runs()}
    assert told.pop(good.id) == ("finished", None)
    assert told.pop("photos") == ("foreign", "not a run folder")
    status, problem = told.pop("holiday")
    assert status == "damaged"
    assert "directory" in (problem or "")
    assert told.pop(unfinished.id) == ("damaged", "run.json is missing")
    assert told.pop(no_summary.id) == ("finished", "summary.json is missing")
    status, problem = told.pop(bad_summary.id)
    assert status == "finished"
    assert "summary.json is damaged" in (problem or "")
    for run in (garbage, empty):
        status, problem = told.pop(run.id)
        assert status == "damaged"
        assert "run.json is damaged" in (problem or "")
    assert told == {}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told() -> None:
    run = new()
    run.info_path.chmod(0)
    assert list_runs()[0].status == "damaged"


def test_a_thousand_runs_are_listed_newest_first() -> None:
    ids = copies(new(), 1000)
    listed = list_runs()
    assert [entry.id for entry in listed[:-1]] == ids[::-1]
    assert [entry.summary for entry in listed[:-1]] == [{"steps": number} for number in range(999, -1, -1)]
    assert find_run("latest").id == ids[-1]


def test_runs_of_the_same_second_keep_their_order() -> None:
    made = [new(seed=seed).id for seed in range(6)]
    assert [entry.id for entry in list_runs()] == made[::-1]


def test_a_damaged_run_keeps_its_place_by_its_name() -> None:
    ids = copies(new(), 3)
    (runs_dir() / ids[1] / "run.json").unlink()
    assert [entry.id for entry in list_runs()][:3] == ids[::-1]


def test_listing_reads_small_files_only() -> None:
    run = new()
    for path in (run.metrics_path, run.log_path, run.last_checkpoint):
        path.write_text("large")
    code = """
import sys
from seqlab.runs import list_runs
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
list_runs()
print(*sorted(path.rpartition("/")[2] for path in opened if "runs" in path))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["run.json", "summary.json"]


def test_the_trash_holds_a_run_until_it_is_restored(folder: Path) -> None:
    run, other = new(seed=1), new(seed=2)
    before = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    assert trash_run(run) == folder / ".trash" / run.id
    assert [entry.id for entry in list_runs()] == [other.id]
    with pytest.raises(UnknownNameError):
        find_run(run.id)
    assert restore_run(run.id) == run
    assert {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()} == before
    assert find_run(run.id) == run


def test_a_running_run_is_not_thrown_away() -> None:
    run = new(status="running")
    with pytest.raises(RunFolderError, match="still running"):
        trash_run(run)
    assert find_run(run.id) == run


def test_a_damaged_run_can_be_thrown_away() -> None:
    run = new()
    run.info_path.write_text("{")
    trash_run(run)
    assert list_runs() == []


def test_restoring_never_replaces_a_run() -> None:
    run = new()
    trash_run(run)
    run.path.mkdir()
    with pytest.raises(RunFolderError, match="is there already"):
        restore_run(run.id)
    assert list(run.path.iterdir()) == []


@pytest.mark.parametrize("typed", ["..", "../runs", "nothing"])
def test_only_what_the_trash_holds_is_restored(typed: str) -> None:
    run = new()
    trash_run(run)
    with pytest.raises(UnknownNameError):
        restore_run(typed)
    with pytest.raises(UnknownNameError, match=f"Did you mean '{run.id}'"):
        restore_run(run.id[:-1] + "x")


def test_the_beginning_of_a_trashed_runs_name_is_enough() -> None:
    first, second = new(seed=1), new(seed=2)
    trash_run(first), trash_run(second)
    with pytest.raises(RunFolderError, match="2 trashed runs"):
        restore_run("hello-rnn-s")
    assert restore_run("hello-rnn-s1") == first
    assert [entry.id for entry in list_runs()] == [first.id]
    assert [entry.id for entry in list_runs(trash_dir())] == [second.id]


def test_runs_import_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "matplotlib", "scipy", "pydantic", "yaml"}
    code = f"import seqlab.runs, sys; print({heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_reports_stand_beside_the_runs_and_are_none(folder: Path) -> None:
    run = new()
    paths = [create_report("rnn vs lstm") for _ in range(2)]
    assert [path.parent for path in paths] == [folder / "reports"] * 2
    assert all(path.name.startswith("rnn-vs-lstm-") for path in paths)
    assert [entry.id for entry in list_runs()] == [run.id]
