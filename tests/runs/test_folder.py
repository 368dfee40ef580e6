"""One run folder: written, read, damaged, cut short."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqlab.errors import RunFolderError, UsageError
from seqlab.files import replace_file, to_json, write_output
from seqlab.runs import Run, create_run, headline
from seqlab.runs.info import now


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    return create_run(
        "hello", "rnn", 1, command=["seqlab", "train", "a b"], config_text="seed: 1\n", task="hello"
    )


def unsealed(run: Run) -> dict[str, Any]:
    """Return what run.json holds without its checksum, to be edited."""
    return {key: value for key, value in json.loads(run.info_path.read_text()).items() if key != "sha256"}


def test_a_new_run_tells_what_it_is(run: Run) -> None:
    info = run.info()
    assert (info.status, info.experiment, info.model, info.seed, info.task) == (
        "running",
        "hello",
        "rnn",
        1,
        "hello",
    )
    assert info.command == "seqlab train 'a b'"
    assert info.pid == os.getpid()
    assert info.versions.keys() - {"numba"} == {"python", "seqlab", "torch", "numpy"}
    assert info.machine["cores"] >= 1
    assert info.machine["cpu"]
    assert info.created <= now()
    assert run.config_text() == "seed: 1\n"
    assert run.summary() is None
    assert run.metrics() == []


def test_the_status_brings_times_and_process_along(run: Run) -> None:
    ended = run.update_info(status="finished")
    assert ended.ended is not None
    assert ended.ended >= (ended.started or "")
    again = run.update_info(status="running")
    assert again.ended is None
    assert (again.started or "") >= ended.ended
    assert run.info() == again


def test_additions_add_up_and_unknown_keys_stay(run: Run) -> None:
    data = unsealed(run)
    run.info_path.write_text(json.dumps({**data, "from_the_future": [1]}))
    run.update_info(extra={"device": "cpu"})
    run.update_info(extra={"precision": "fp32"}, data_hash="ab")
    assert run.info().extra == {"device": "cpu", "precision": "fp32"}
    assert run.info().data_hash == "ab"
    assert json.loads(run.info_path.read_text())["from_the_future"] == [1]


def test_an_unknown_field_is_a_mistake_of_the_caller(run: Run) -> None:
    with pytest.raises(AssertionError, match="colour"):
        run.update_info(colour="red")


@pytest.mark.parametrize(
    ("process", "status"),
    [
        ({}, "running"),
        ({"pid": 2**22 + 1}, "interrupted"),  # above the greatest number that Linux gives
        ({"boot": "an earlier start of this host"}, "interrupted"),
        ({"began": -1}, "interrupted"),  # the number was given anew to another process
        ({"pid": 2**22 + 1, "host": "another host"}, "running"),
    ],
)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to tell processes apart")
def test_a_run_whose_process_is_gone_shows_as_interrupted(
    run: Run, process: dict[str, object], status: str
) -> None:
    data = unsealed(run)
    data["process"].update(process)
    run.info_path.write_text(json.dumps(data))
    assert run.info().status == status
    assert json.loads(run.info_path.read_text())["status"] == "running"  # computed, not written


def test_a_run_without_its_process_on_record_is_taken_at_its_word(run: Run) -> None:
    data = unsealed(run)
    del data["process"]
    run.info_path.write_text(json.dumps(data))
    assert run.info().status == "running"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        ("[]", "not an object"),
        ("{}", "lacks 'status'"),
        ('{"status": "running", "created": 3, "experiment": "a", "model": "b", "seed": 1}', "3 as 'created'"),
        ('{"status": "asleep", "created": "", "experiment": "a", "model": "b", "seed": 1}', "asleep"),
        ("[" * 100_000, "damaged"),
    ],
)
def test_a_damaged_run_json_is_told(run: Run, text: str, told: str) -> None:
    run.info_path.write_text(text)
    with pytest.raises(RunFolderError, match=told):
        run.info()


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is no run folder"):
        Run(tmp_path).info()


def test_metrics_come_back_as_they_were_written(run: Run) -> None:
    records = [{"step": 20, "sequences": 640, "loss": 0.1 + 0.2}, {"step": 40, "validation_loss": 1e-300}]
    for record in records:
        run.append_metrics(record)
    run.append_metrics(*records)
    assert run.metrics() == records * 2
    assert run.metrics_path.read_bytes().count(b"\n") == 4


def test_figures_that_are_not_finite_become_null(run: Run) -> None:
    run.append_metrics({"step": 1, "loss": math.nan, "grad_norm": math.inf})
    run.write_summary({"held_out": {"loss": -math.inf, "errors": np.int64(3), "accuracy": np.float32(0.5)}})
    assert run.metrics() == [{"step": 1, "loss": None, "grad_norm": None}]
    assert run.summary() == {"held_out": {"loss": None, "errors": 3, "accuracy": 0.5}}
    assert "NaN" not in run.metrics_path.read_text()


def test_nan_of_another_program_is_read_as_null(run: Run) -> None:
    run.summary_path.write_text('{"loss": NaN, "steps": 3}')
    assert run.summary() == {"loss": None, "steps": 3}


def test_what_cannot_be_json_is_refused() -> None:
    with pytest.raises(TypeError):
        to_json({"x": object()})


@pytest.mark.parametrize("torn", [b'{"step": 60, "lo', b"{", b'{"step": 60}'])
def test_a_torn_last_line_is_left_out_and_cut_off(run: Run, torn: bytes) -> None:
    run.append_metrics({"step": 20})
    run.append_metrics({"step": 40})
    whole = run.metrics_path.read_bytes()
    run.metrics_path.write_bytes(whole + torn)
    assert [record["step"] for record in run.metrics()] == [20, 40]
    run.truncate_metrics(60)
    assert run.metrics_path.read_bytes() == whole
    run.append_metrics({"step": 60})
    assert [record["step"] for record in run.metrics()] == [20, 40, 60]


def test_a_damaged_line_in_the_middle_is_told_with_its_number(run: Run) -> None:
    run.metrics_path.write_text('{"step": 1}\nrubbish\n{"step": 2}\n')
    with pytest.raises(RunFolderError, match="line 2"):
        run.metrics()


def test_going_on_from_a_checkpoint_leaves_the_file_of_an_uninterrupted_run(run: Run) -> None:
    def record(step: int) -> None:
        run.append_metrics({"step": step, "loss": 1 / step})
        if step % 40 == 0:
            run.append_metrics({"step": step, "validation_loss": 2 / step})

    for step in range(20, 101, 20):
        record(step)
    uninterrupted = run.metrics_path.read_bytes()
    run.truncate_metrics(40)
    assert [line["step"] for line in run.metrics()] == [20, 40, 40]
    for step in range(60, 101, 20):
        record(step)
    assert run.metrics_path.read_bytes() == uninterrupted


def test_truncating_before_anything_is_recorded_is_allowed(run: Run) -> None:
    run.truncate_metrics(0)
    assert run.metrics() == []


def test_the_log_grows_and_the_error_is_replaced(run: Run) -> None:
    assert run.error_text() is None
    run.log("예 one")
    run.log("two")
    run.write_error("first")
    run.write_error("second\n\n")
    assert run.log_path.read_text(encoding="utf-8") == "예 one\ntwo\n"
    assert run.error_text() == "second\n"


def test_a_missing_or_binary_config_is_told(run: Run) -> None:
    run.config_path.write_bytes(b"\xff\xfe")
    with pytest.raises(RunFolderError, match="does not hold what the run wrote"):
        run.config_text()
    run.config_path.unlink()
    with pytest.raises(RunFolderError, match="is missing, though the run has written it"):
        run.config_text()
    run.update_info(files={})  # as in runs of earlier versions
    run.config_path.write_bytes(b"\xff\xfe")
    with pytest.raises(RunFolderError, match="UTF-8"):
        run.config_text()
    run.config_path.unlink()
    with pytest.raises(RunFolderError, match="lacks its config"):
        run.config_text()


def test_a_replacement_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace_file(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_judgement_left_is_swept_by_the_next(run: Run) -> None:
    half_written = run.path / ".judgements.json.123-abcd.tmp"
    half_written.write_text('{"as tr')
    run.keep_judgement("longer", {"figures": {"loss": 0.5}})
    assert not half_written.exists()
    assert list(run.judgements()) == ["longer"]


def test_a_file_that_a_user_named_is_whole_a_link_is_followed_and_a_pipe_stays_one(tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "file", tmp_path / "link", tmp_path / "pipe"
    file.write_text("old")
    link.symlink_to(file)
    write_output(link, "new")
    assert file.read_text() == "new"
    assert link.is_symlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        write_output(pipe, "said")
        assert os.read(reader, 10) == b"said"
        os.close(reader)
        assert pipe.is_fifo()
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        write_output(file / "below", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has other files")
def test_what_cannot_be_replaced_is_written_to_as_it_stands(tmp_path: Path) -> None:
    log, other, secret, loop = (tmp_path / name for name in ("log", "other", "secret", "loop"))
    with log.open("a") as stream:
        for said in ("before ", "between ", "after"):
            stream.write(said)
            stream.flush()
            write_output(Path(f"/dev/fd/{stream.fileno()}"), "told ")
    assert log.read_text() == "before told between told aftertold "
    other.hardlink_to(log)
    write_output(other, "new")
    assert log.read_text() == "new"
    secret.write_text("old")
    secret.chmod(0o600)
    write_output(secret, "new")
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("new", 0o600)
    loop.symlink_to(loop)
    with pytest.raises(UsageError, match="symbolic links"):
        write_output(loop, "")
    write_output(tmp_path / ("n" * 255), "a long name")
    if os.geteuid() != 0:
        secret.chmod(0o400)
        with pytest.raises(UsageError, match="Permission denied"):
            write_output(secret, "newer")


@pytest.mark.parametrize(
    ("summary", "metric", "wanted"),
    [
        (None, None, None),
        ({}, None, None),
        ({"held_out": "rubbish", "trials": [1]}, None, None),
        ({"held_out": {"loss": 0.5, "errors": 3, "sequences": 9}}, None, ("loss", 0.5)),
        ({"held_out": {"loss": 0.5, "errors": 3, "digits": 0.9}}, None, ("digits", 0.9)),
        ({"held_out": {"loss": 0.5, "accuracy": 0.7, "sequence_accuracy": 0.6}}, "sequence_accuracy",
         ("sequence_accuracy", 0.6)),
        ({"held_out": {"loss": 0.5, "accuracy": None}}, "accuracy", ("loss", 0.5)),
        ({"held_out": {"loss": 0.5, "accuracy": 0.7, "mae": 0.6}}, "mae", ("mae", 0.6)),
    ],
)  # fmt: skip
def test_the_headline(
    summary: dict[str, object] | None, metric: str | None, wanted: tuple[str, float] | None
) -> None:
    assert headline(summary, metric) == wanted
