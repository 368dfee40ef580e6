"""`seqlab train --pairs`: pairs of a user's own, from the command to what is written and judged."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab.runs import Run

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = (
    "model.hidden_size=4", "training.steps=2", "training.batch_size=4", "training.evaluate_every=2",
    "training.checkpoint_every=2", "task.rare=1", "compute.threads=1",
)  # fmt: skip


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "한국어.tsv"
    lines = [f"{number}번 버스가 온다.\tBus {number} is coming.\tCC-BY" for number in range(40)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_pairs_are_learned_in_a_run_of_their_name_and_written_answers_are_judged(
    seqlab_command: Command, pairs: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sacrebleu")
    trained = seqlab_command("train", "--pairs", pairs, *SMALL)
    assert trained.returncode == 0, trained.stderr
    assert "BLEU" in trained.stdout
    assert "sacrebleu" not in trained.stderr
    (folder,) = (path.parent for path in tmp_path.rglob("run.json"))
    run = Run(folder)
    info, summary = run.info(), run.summary()
    assert summary is not None
    assert info.experiment == "한국어"
    assert info.extra["corpus"]["source"] == str(pairs)
    assert info.data_hash == info.extra["corpus"]["sha256"]
    guess = info.extra["guess"]["trials"]["written"]
    assert guess["name"] == "word-for-word translation"
    assert {"bleu", "chrf"} <= summary["trials"]["written"].keys()
    answered = seqlab_command("answer", "latest", "7번 버스가 온다.")
    assert answered.returncode == 0, answered.stderr


def test_an_experiment_that_reads_no_pairs_is_refused(seqlab_command: Command, pairs: Path) -> None:
    refused = seqlab_command("train", "hello", "--pairs", pairs)
    assert refused.returncode == 2
    assert "--pairs is for translation" in refused.stderr
    missing = seqlab_command("train", "--pairs", "nowhere.tsv")
    assert missing.returncode == 2
    assert "Known are: de-en, ko-en" in missing.stderr
