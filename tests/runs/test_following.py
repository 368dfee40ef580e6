"""A run that is watched while it trains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run, create_run
from seqlab.runs.following import follow


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    return create_run("hello", "rnn", 1, command="seqlab train hello", config_text="kind: train\n")


def line(step: int) -> str:
    return json.dumps({"step": step, "loss": 1 / step}) + "\n"


def test_records_come_as_they_are_written_and_once(run: Run) -> None:
    written = [
        line(1) + line(2),
        line(1) + line(2) + line(3)[:7],  # half a line
        line(1) + line(2) + line(3),
        line(1) + line(2),  # gone on with from a checkpoint
        line(1) + line(2) + line(3) + line(4),
        line(1) + line(2) + line(3) + line(4),
    ]

    def pause(_: float) -> None:
        if not written:
            run.update_info(status="finished")
        else:
            run.metrics_path.write_text(written.pop(0))

    seen = [(anew, [record["step"] for record in records]) for anew, records in follow(run, 0.0, pause)]
    assert seen == [
        (False, []), (False, [1, 2]), (False, []), (False, [3]), (True, [1, 2]), (False, [3, 4]), (False, []),
        (False, []),
    ]  # fmt: skip


def test_what_was_rewritten_longer_between_two_looks_is_seen_anew(run: Run) -> None:
    written = [line(10) + line(20), line(10) + line(15) + line(16) + line(17)]

    def pause(_: float) -> None:
        if written:
            run.metrics_path.write_text(written.pop(0))
        else:
            run.update_info(status="finished")

    seen = [(anew, [record["step"] for record in records]) for anew, records in follow(run, 0.0, pause)]
    assert seen[2] == (True, [10, 15, 16, 17])


def test_the_command_ends_with_the_run(seqlab_command: Command, tmp_path: Path, run: Run) -> None:
    records = [{"step": 5, "sequences": 5, "loss": 0.5}, {"step": 5, "sequences": 5, "validation_loss": 0.25}]
    run.metrics_path.write_text("".join(json.dumps(record) + "\n" for record in records))
    run.update_info(status="finished", extra={"metric": "loss"})
    done = seqlab_command("watch", run.id)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "step 5, 5 sequences, validation loss 0.25",
        f"{run.id}: finished. step 5, 5 sequences, loss 0.5, validation loss 0.25",
    ]
    found = [json.loads(one) for one in seqlab_command("watch", run.id, "--json").stdout.splitlines()]
    assert found == records
    run.metrics_path.write_text("nothing\n")
    done = seqlab_command("watch", run.id)
    assert done.returncode == 2
    assert "is damaged: it holds b'nothing" in done.stderr
