"""`seqlab neighbours`: words that lie near one another, of a trained run."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_neighbours_are_told_in_a_table_and_as_json(seqlab_command: Command) -> None:
    trained = seqlab_command(
        "train", "word-vectors", "task.corpus=miniature", "training.steps=2", "training.batch_size=8",
        "model.hidden_size=4", "training.evaluation_sequences=8", "training.test_sequences=8", "--seed", "2",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert "1-gram" in trained.stdout
    shown = seqlab_command("neighbours", "latest", "the", "and", "-n", "3")
    head, *rows = (line.split("\t") for line in shown.stdout.splitlines())
    assert head == ["near to", "word", "cosine", "seen"]
    assert [row[0] for row in rows] == ["the"] * 3 + ["and"] * 3
    assert all(re.fullmatch(r"-?[01]\.\d{3}", row[2]) for row in rows)
    found = json.loads(seqlab_command("neighbours", "latest", "the", "-", "and", "+", "to", "--json").stdout)
    (query,) = found["queries"]
    assert (query["plus"], query["minus"]) == (["the", "to"], ["and"])
    assert len(query["neighbours"]) == 8
    wrong = seqlab_command("neighbours", "latest", "thei")
    assert wrong.returncode == 2
    assert "Did you mean 'the" in wrong.stderr


def test_a_network_of_words_has_neighbours_too(seqlab_command: Command) -> None:
    trained = seqlab_command(
        "train", "char-shakespeare", "task.corpus=miniature", "task.tokens=word", "task.rare=5", "task.period=8",
        "--model", "lstm[hidden_size=4,embedding_size=4,tied=true]", "training.batch_size=4", "training.steps=2",
        "training.evaluate_every=2",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert seqlab_command("neighbours", "latest", "the").returncode == 0
