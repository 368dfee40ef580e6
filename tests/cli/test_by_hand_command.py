"""`seqlab train worked-example` as a user types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from conftest import Command


def test_the_worked_example_is_printed_step_by_step(seqlab_command: Command) -> None:
    result = seqlab_command("train", "worked-example")
    assert result.returncode == 0, result.stderr
    assert "h = tanh(a)               = (0.0997, 0.0000, 0.0997)" in result.stdout
    assert "W = ( 0.1000  0.1000  0.0000)\n    ( 0.0000  0.0000  0.0000)" in result.stdout
    assert "lstm dJ/dW = (" in result.stdout
    assert "y' = softmax(o)           = (0.5299, 0.4701)    wanted (0.7000, 0.4000)" in result.stdout
    assert "All three agree for the rnn, the lstm and the gru." in result.stdout
    told = json.loads(seqlab_command("train", "worked-example", "--json").stdout)
    assert len(told["steps"]) == 4
    assert list(told["weights"]) == ["U", "W", "V", "b", "c"]
    assert told["weights"]["V"] == [[0, 0.1, 0], [-0.2, 0, 0]]
    assert all(check["agrees"] for check in told["checks"])
    rows = list(csv.DictReader(Path(told["csv"]).read_text().splitlines()))
    h = [
        float(row["value"]) for row in rows if (row["part"], row["name"], row["step"]) == ("steps", "h", "2")
    ]
    assert h == pytest.approx(told["steps"][1]["h"])
    (W,) = (check["by_hand"] for check in told["checks"] if (check["cell"], check["weight"]) == ("rnn", "W"))
    assert {
        (int(row["row"]), int(row["column"])): pytest.approx(float(row["value"]), rel=1e-8)
        for row in rows
        if (row["part"], row["name"]) == ("rnn", "W")
    } == {(i, j): value for i, line in enumerate(W) for j, value in enumerate(line)}


def test_there_is_nothing_to_set(seqlab_command: Command) -> None:
    refused = seqlab_command("train", "worked-example", "seed=3")
    assert refused.returncode == 2
    assert "there is no setting 'seed'" in refused.stderr


def test_the_memory_is_driven(seqlab_command: Command) -> None:
    told = json.loads(seqlab_command("train", "memory-gates", "--json").stdout)
    assert [drive["name"] for drive in told["drives"]] == [
        "output on",
        "output off",
        "reset",
        "keep",
        "write",
    ]
    assert [path.rpartition(".")[2] for path in told["figures"]] == ["png", "svg", "csv"]
