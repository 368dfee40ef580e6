"""`seqlab map`: pictures, table and figures of what a run has in mind."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_states_are_mapped_with_their_labels(seqlab_command: Command, tmp_path: Path) -> None:
    trained = seqlab_command(
        "train", "dates", "model.hidden_size=4", "training.steps=2", "training.batch_size=4",
        "training.evaluation_sequences=4", "training.test_sequences=4",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    out = tmp_path / "pictures"
    shown = seqlab_command("map", "-n", "12", "--by", "year", "--output", out, "--format", "png")
    assert shown.returncode == 0, shown.stderr
    assert "12 states at the end of the source, 4 numbers each" in shown.stdout
    assert {line.split("\t")[0] for line in shown.stdout.splitlines() if "\t" in line} >= {"month", "year"}
    assert (out / "map-pca.png").stat().st_size > 1000
    found = json.loads(seqlab_command("map", "-n", "12", "--json", "--format", "svg").stdout)
    assert (found["by"], len(found["points"])) == ("month", 12)
    assert set(found["nearest"]["month"]) == {"share", "chance", "labels"}
    with (out / "map-pca.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [point["text"] for point in found["points"]]
    assert rows[0].keys() >= {"x", "y", "month", "year", "length"}
    wrong = seqlab_command("map", "--by", "moth")
    assert wrong.returncode == 2
    assert "Did you mean 'month'" in wrong.stderr


def test_words_are_mapped_where_there_is_nothing_else(seqlab_command: Command) -> None:
    trained = seqlab_command(
        "train", "word-vectors", "task.corpus=miniature", "training.steps=1", "training.batch_size=8",
        "model.hidden_size=4", "training.evaluation_sequences=8", "training.test_sequences=8",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    shown = seqlab_command("map", "latest", "-n", "20", "--format", "svg")
    assert shown.returncode == 0, shown.stderr
    assert "20 vectors of words, 4 numbers each" in shown.stdout
