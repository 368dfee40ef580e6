"""A text is read by one rule, whichever way it comes in: line ends and encodings of files, primes, input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from seqlab.runs import Run
from seqlab.session import load_language_model, reopen

TINY = (
    "model.hidden_size=4", "training.steps=2", "training.batch_size=2", "task.period=8",
    "training.evaluate_every=2", "training.engine=torch", "-q",
)  # fmt: skip
KOREAN = "자세히 보아야 예쁘다 오래 보아야 사랑스럽다 너도 그렇다\n" * 9


@pytest.fixture
def train(tmp_path: Path, seqlab_command: Command) -> Any:
    """Write a text and train on it; return the run's folder."""

    def run(data: bytes, *words: str) -> Path:
        (tmp_path / "text.txt").write_bytes(data)
        done = seqlab_command("train", "--text", "text.txt", *TINY, *words, "--json")
        assert done.returncode == 0, done.stderr
        return Path(json.loads(done.stdout)["path"])

    return run


def test_line_ends_are_those_of_training_by_every_way_in(
    tmp_path: Path, train: Any, seqlab_command: Command
) -> None:
    lines = "to be or not to be\n" * 20
    crlf = lines.replace("\n", "\r\n")
    run = train(crlf.encode())
    (tmp_path / "lf.txt").write_text(lines)
    assert "\r" not in json.loads((run / "vocabulary.json").read_text())["symbols"]
    assert (
        "Lines of the text end with"
        in json.loads((run / "run.json").read_text())["extra"]["corpus"]["notes"][0]
    )

    def same(*words: str, text: str = "") -> None:
        unix, windows = (
            seqlab_command(*(word.replace("FILE", name) for word in words), text=text or given).stdout
            for name, given in (("lf.txt", lines), ("text.txt", crlf))
        )
        assert unix == windows != ""

    same("score", str(run), "FILE", "--json")
    same("score", str(run), "--json")
    same("sample", str(run), "--prime-file", "FILE", "--length", "3")
    same("novel", str(run), "FILE", "--json")
    for command in (("sample", "--length", "3", "--prime"), ("complete", "--once")):
        unix, windows = (
            seqlab_command(command[0], run, *command[1:], prime).stdout for prime in ("be\nto", "be\r\nto")
        )
        assert unix == windows


def test_line_ends_are_kept_on_request_and_in_runs_of_earlier_versions(
    train: Any, seqlab_command: Command
) -> None:
    text = "to be or not to be\r\n" * 20
    run = train(text.encode(), "task.line_ends=keep")
    scored = seqlab_command("score", run, text=text, env={"PYTHONIOENCODING": "utf-8"})
    vocabulary = json.loads((run / "vocabulary.json").read_text())
    assert "\r" in vocabulary["symbols"]
    Run(run).update_info(files={})  # which earlier versions did not have
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace("  line_ends: keep\n", ""))
    del vocabulary["line_ends"]
    (run / "vocabulary.json").write_text(json.dumps(vocabulary))
    assert reopen(Run(run)).task.vocabulary == load_language_model(Run(run))[1]
    assert seqlab_command("score", run, text=text).stdout == scored.stdout


def test_a_file_is_read_in_the_encoding_of_the_training_text(
    tmp_path: Path, train: Any, seqlab_command: Command
) -> None:
    run = train(KOREAN.encode("cp949"), "--encoding", "cp949")
    (tmp_path / "utf8.txt").write_text(KOREAN, encoding="utf-8")
    own = seqlab_command("score", run, "text.txt", "--json")
    assert own.returncode == 0, own.stderr
    other = seqlab_command("score", run, "utf8.txt", "--encoding", "utf-8", "--json")
    assert own.stdout == other.stdout
    primed = [
        seqlab_command("sample", run, "--length", 3, "--prime-file", file, *more).stdout
        for file, more in (("text.txt", ()), ("utf8.txt", ("--encoding", "utf-8")))
    ]
    assert primed[0] == primed[1]
    wrong = seqlab_command("score", run, "utf8.txt")
    assert wrong.returncode == 2
    assert "--encoding utf-8" in wrong.stderr


def test_a_comparison_says_of_its_text_what_a_run_says(tmp_path: Path, seqlab_command: Command) -> None:
    (tmp_path / "text.txt").write_bytes(b"to be or not to be\r\n" * 30)
    words = "compare ngram[order=1] ngram[order=2] --on char-shakespeare --seeds 1 task.corpus=text.txt"
    done = seqlab_command(*words.split(), "training.batch_size=2", "task.period=8", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Lines of the text end with") == 1
