"""Numbers at their ends: losses that grow for ever, JSON that is always JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run
from seqlab.training.checkpoints import read_weights, save_weights


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_a_loss_that_grows_for_ever_is_said_and_nothing_but_json_is_printed(
    seqlab_command: Command, engine: str
) -> None:
    if engine == "fused":
        pytest.importorskip("numba")
    words = ("training.learning_rate=100", "training.optimizer=sgd", "training.clip_norm=null")
    sizes = ("training.steps=400", "training.test_sequences=4", "training.evaluation_sequences=4")
    done = seqlab_command("train", "adding", *words, *sizes, f"training.engine={engine}", "-q", "--json")
    assert done.returncode == 1
    assert "the loss is inf" in done.stderr
    shown = json.loads(seqlab_command("show", "latest", "--json").stdout, parse_constant=pytest.fail)
    assert shown["status"] == "failed"
    json.loads(seqlab_command("runs", "--json").stdout, parse_constant=pytest.fail)


def test_what_is_printed_of_a_network_without_a_number_in_it_is_json(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("To be, or not to be, that is the question.\n" * 40)
    words = ("training.steps=2", "model.hidden_size=4", "task.period=8", "mixture=null", "-q")
    assert seqlab_command("train", "--text", "text.txt", *words).returncode == 0
    (path,) = (tmp_path / "runs").iterdir()
    run = Run(path)
    nothing = {name: weights * math.nan for name, weights in read_weights(run.best_weights).items()}
    save_weights(run.best_weights, nothing)
    run.update_info(files={})
    told = 0
    for asked in (
        ("show",),
        ("runs",),
        ("judge",),
        ("score", "latest", "text.txt"),
        ("sample",),
        ("inspect",),
    ):
        done = seqlab_command(*asked, "--json")
        assert done.returncode in (0, 1)
        told += done.returncode == 0
        if done.stdout:
            json.loads(done.stdout, parse_constant=pytest.fail)
    assert told >= 4
