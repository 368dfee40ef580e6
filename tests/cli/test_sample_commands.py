"""`seqlab sample`, `score`, `complete` and `novel`, on a model trained for a moment on the miniature."""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from seqlab.cli.app import app
from seqlab.errors import RunFolderError, TextError, UsageError
from seqlab.text import load_corpus

Invoke = Callable[..., Result]
ROOT = Path(__file__).parents[2]
TRAIN = (
    "task.corpus=miniature task.period=16 model.hidden_size=24 training.steps=20 training.batch_size=8 "
    "training.evaluate_every=20 compute.device=cpu -q"
)


def run_command(words: list[str], text: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=text)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two runs: an n-gram model, and after it a network."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQLAB_RUNS_DIR", str(folder))
        patch.setenv("SEQLAB_OFFLINE", "1")
        for words in (
            ["--model", "ngram[order=6]", *TRAIN.replace("model.hidden_size=24 ", "").split()],
            TRAIN.split(),
        ):
            done = run_command(["train", "char-shakespeare", *words])
            assert done.exit_code == 0, done.output
            time.sleep(1)  # so that the second is newer by a second
    return folder


@pytest.fixture
def invoke(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run a command in this process, among the trained runs."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(trained))
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    return lambda *words, text=None: run_command([str(word) for word in words], text)


def process(trained: Path, *words: str, **options: object) -> subprocess.Popen[bytes]:
    """Start a command as a process of its own."""
    variables = {"SEQLAB_RUNS_DIR": str(trained), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": {**os.environ, **variables}}
    return subprocess.Popen([sys.executable, "-m", "seqlab", *words], **{**settings, **options})  # type: ignore[call-overload,no-any-return]


def fails(done: Result, kind: type[Exception]) -> str:
    assert isinstance(done.exception, kind), done.output
    assert done.exception.exit_code == 2  # type: ignore[attr-defined]
    return str(done.exception)


def test_the_newest_language_model_writes(invoke: Invoke) -> None:
    done = invoke("sample", "--prime", "the", "--length", 50)
    assert done.exit_code == 0
    assert "Using char-shakespeare-gru" in done.stderr
    assert done.stdout.startswith("the")
    assert done.stdout.endswith("\n")
    assert len(done.stdout) == len("the") + 50 + 1
    assert set(done.stdout) <= set(load_corpus("miniature").text)
    assert invoke("sample", "latest", "--prime", "the", "--length", 50).stdout == done.stdout
    assert invoke("sample", "--prime", "the", "--length", 50, "--seed", 2).stdout != done.stdout


@pytest.mark.parametrize("run", ["char-shakespeare-ngram", "char-shakespeare-gru"])
def test_samples_as_json(invoke: Invoke, run: str, tmp_path: Path) -> None:
    words = (
        "sample",
        run,
        "--prime",
        "my",
        "--length",
        30,
        "--seed",
        3,
        "--top-k",
        5,
        "--checkpoint",
        "last",
    )
    one = json.loads(invoke(*words, "--json").stdout)
    file = tmp_path / "texts.json"
    done = invoke(*words, "--count", 3, "--json", "--output", file)
    assert done.stdout == ""
    assert str(file) in done.stderr
    three = json.loads(file.read_text(encoding="utf-8"))
    assert three["texts"][0]["text"] == one["texts"][0]["text"]
    assert len({text["text"] for text in three["texts"]}) == 3
    assert one["settings"] == three["settings"]
    assert one["settings"]["seed"] == 3
    assert one["settings"]["top_k"] == 5
    for text in three["texts"]:
        assert text["text"].startswith("my")
        assert text["characters"] == 30
        assert -10 < text["log_probability_per_character"] < 0


def test_the_log_probability_is_that_of_score(invoke: Invoke, tmp_path: Path) -> None:
    written = json.loads(invoke("sample", "--length", 40, "--json").stdout)["texts"][0]
    file = tmp_path / "text.txt"
    file.write_text(written["text"], encoding="utf-8", newline="")
    scored = json.loads(invoke("score", "latest", file, "--json").stdout)["texts"][0]
    assert scored["characters"] == 40
    expected = written["log_probability_per_character"]
    assert scored["log_probability"] == pytest.approx(40 * expected, abs=1e-3)
    assert scored["bits_per_character"] == pytest.approx(-expected / math.log(2), abs=1e-4)


def test_damaged_weights_leave_the_last(invoke: Invoke, trained: Path) -> None:
    (run,) = trained.glob("char-shakespeare-gru-*")
    weights = run / "checkpoints" / "best.safetensors"
    whole = weights.read_bytes()
    try:
        weights.write_bytes(whole[:100])
        said = fails(invoke("sample", run), RunFolderError)
    finally:
        weights.write_bytes(whole)
    assert "best.safetensors is damaged" in said
    assert "--checkpoint last" in said


def test_texts_are_headed_and_end_with_the_stop_text(invoke: Invoke) -> None:
    done = invoke("sample", "char-shakespeare-ngram", "--count", 2, "--stop", "e", "--temperature", 1)
    first, second = done.stdout.removeprefix("--- 1 of 2 ---\n").split("\n--- 2 of 2 ---\n")
    for text in (first, second.removesuffix("\n")):
        assert text.endswith("e")
        assert text.count("e") == 1


def test_primes(invoke: Invoke, tmp_path: Path) -> None:
    message = fails(invoke("sample", "--prime", "the 예"), TextError)
    assert "'예' (U+C608) at position 5" in message
    assert "--unknown skip" in message
    assert invoke("sample", "--prime", "th예e", "--length", 5, "--unknown", "skip").stdout.startswith("the")
    assert invoke("sample", "--prime", "thé", "--length", 5, "--unknown", "replace").stdout.startswith("the")
    plain = invoke("sample", "--length", 20).stdout
    assert invoke("sample", "--prime", "", "--length", 20).stdout == plain
    file = tmp_path / "prime.txt"
    file.write_text("the", encoding="utf-8")
    expected = invoke("sample", "--prime", "the", "--length", 20).stdout
    assert invoke("sample", "--prime-file", file, "--length", 20).stdout == expected
    assert invoke("sample", "--prime-file", "-", "--length", 20, text="the").stdout == expected
    assert "Leave one out" in fails(invoke("sample", "--prime", "a", "--prime-file", file), UsageError)
    assert "cannot be read" in fails(invoke("sample", "--prime-file", tmp_path / "none"), TextError)


@pytest.mark.parametrize(
    "words", [("--temperature", "-1"), ("--top-p", "0"), ("--min-p", "2"), ("--top-k", "0"), ("--count", "0")]
)
def test_settings_out_of_range(invoke: Invoke, words: tuple[str, str]) -> None:
    assert words[0].removeprefix("--") in fails(invoke("sample", *words), UsageError)


def test_without_a_language_model_it_says_what_to_type(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    for command in ("sample", "novel"):
        assert "seqlab train char-shakespeare" in fails(invoke(command), RunFolderError)


def test_lines_are_ranked(invoke: Invoke) -> None:
    sentence = next(line for line in load_corpus("miniature").text.splitlines() if len(line) > 30)
    words = sentence.split()
    candidates = [" ".join(reversed(words)), sentence, "".join(reversed(sentence))]
    text = "\n".join([*candidates, "", ""])
    ranked = json.loads(invoke("score", "char-shakespeare-ngram", "--rank", "--json", text=text).stdout)[
        "texts"
    ]
    assert [row["text"] for row in ranked] == [candidates[1], candidates[0], candidates[2]]
    assert [row["line"] for row in ranked] == [2, 1, 3]
    by_line = json.loads(invoke("score", "char-shakespeare-ngram", "--line", "--json", text=text).stdout)[
        "texts"
    ]
    assert [row["line"] for row in by_line] == [1, 2, 3]
    assert sorted(row["log_probability"] for row in by_line) == sorted(
        row["log_probability"] for row in ranked
    )
    table = invoke("score", "char-shakespeare-ngram", "--rank", text=text).stdout.splitlines()
    head = ["log_probability", "bits_per_character", "guessing evenly", "characters", "text"]
    assert table[0].split("\t") == head
    symbols = len(set(load_corpus("miniature").text))
    assert ranked[0]["guess"] == pytest.approx(math.log2(symbols))
    assert table[1].endswith(sentence)


def test_texts_that_cannot_be_scored(invoke: Invoke) -> None:
    assert "empty" in fails(invoke("score", "latest", text=""), TextError)
    message = fails(invoke("score", "latest", "--line", text="the\nth예\n"), TextError)
    assert message.startswith("Line 2: The character '예' (U+C608) at position 3")


def test_completions_once(invoke: Invoke) -> None:
    done = invoke("complete", "char-shakespeare-ngram", "--once", "and th", "--json")
    found = json.loads(done.stdout)["completions"]
    assert len(found) == 3
    assert "e" in [one["text"] for one in found]
    assert [one["probability"] for one in found] == sorted(
        (one["probability"] for one in found), reverse=True
    )
    assert all(0 < one["probability"] < 1 for one in found)
    lines = invoke("complete", "char-shakespeare-ngram", "--once", "and th").stdout.splitlines()
    assert [line.split("\t")[1] for line in lines[1:]] == [one["text"] for one in found]
    assert "--once" in fails(invoke("complete"), UsageError)


def test_a_copy_is_not_novel(invoke: Invoke, tmp_path: Path) -> None:
    text = load_corpus("miniature").text
    file = tmp_path / "copy.txt"
    file.write_text("zzz" + text[3000:3200] + "zzz", encoding="utf-8", newline="")
    data = json.loads(invoke("novel", "char-shakespeare-ngram", file, "--json").stdout)
    best = data["passages"][0]
    assert data["longest"] == best["length"] >= 200
    assert text[3000:3200] in best["text"]
    assert best["training_line"] == text[: text.index(best["text"])].count("\n") + 1
    assert data["held_out_longest"] < 100
    sample = json.loads(invoke("novel", "--length", 300, "--json").stdout)
    assert sample["length"] == 300
    assert sample["longest"] < 100
    shown = invoke("novel", "char-shakespeare-ngram", file, "--count", 1).stdout
    assert shown.splitlines()[1].startswith(f"{best['length']}\t")
    assert "\x1b" not in shown


def test_a_reader_that_leaves_ends_it_quietly(trained: Path) -> None:
    with process(trained, "sample", "char-shakespeare-gru", "--length", "200000") as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        start = writer.stdout.read(10)
        writer.stdout.close()
        said = writer.stderr.read().decode()
        assert writer.wait(timeout=600) == 0
    assert len(start) == 10
    assert b"\x1b" not in start
    assert "Error" not in said
    assert "Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_typing_with_suggestions(trained: Path) -> None:
    import pty
    import termios

    controller, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    shown = b""

    def until(wanted: bytes) -> None:
        nonlocal shown
        deadline = time.monotonic() + 600
        while wanted not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([controller], [], [], 1)[0]:
                shown += os.read(controller, 4096)

    with process(trained, "complete", "char-shakespeare-ngram", stdin=terminal, stderr=terminal) as typing:
        try:
            until(b"Tab or 1, 2, 3")
            until(b"\x1b[1A")  # the first picture
            assert not termios.tcgetattr(terminal)[3] & termios.ICANON
            for keys, expected in (
                (b"and tg", b"and tg"),
                (b"\x7f", b"\x1b[Jand t\r\n"),
                (b"h", b"\x1b[Jand th\r\n"),
            ):
                shown = b""
                os.write(controller, keys)
                until(expected)
            until(b"1 e ")
            os.write(controller, b"\x1b[A\t")  # an arrow is passed over; Tab takes the first suggestion
            until(b"\x1b[Jand the\r\n")
            os.write(controller, "예\x04".encode())  # what the model does not know is not taken
            assert typing.stdout is not None
            text = typing.stdout.read().decode()
            assert typing.wait(timeout=600) == 0
        finally:
            typing.kill()
    assert text == "and the\n"
    assert termios.tcgetattr(terminal) == before


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_the_terminal_is_set_back_when_it_is_stopped(trained: Path) -> None:
    import pty
    import termios

    controller, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    with process(trained, "complete", "char-shakespeare-ngram", stdin=terminal, stderr=terminal) as typing:
        deadline = time.monotonic() + 600
        while termios.tcgetattr(terminal) == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        typing.terminate()
        assert typing.wait(timeout=600) == 143
    assert termios.tcgetattr(terminal) == before
    os.close(controller)
    os.close(terminal)


def test_alone_leaves_out_what_the_network_is_mixed_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    done = run_command(["train", "char-shakespeare", "mixture.order=5", *TRAIN.split()])
    assert "held out, stream" in done.stdout
    assert "mixed with counts, block-64" in done.stdout
    scores = {}
    for words in ([], ["--alone"]):
        told = json.loads(run_command(["score", "latest", "--json", *words], "the king\n").stdout)
        assert told["mixed"] is not bool(words)
        scores[bool(words)] = told["texts"][0]["log_probability"]
    assert scores[False] > scores[True] + 3  # after 20 steps a network knows little
    for command in (
        ["sample", "--length", "80"],
        ["complete", "--once", "the "],
        ["novel", "--length", "80"],
    ):
        with_counts, without = run_command(command), run_command([*command, "--alone"])
        assert "mixed with counts" in with_counts.stderr
        assert "mixed with counts" not in without.stderr
        mixed, alone = with_counts.stdout, without.stdout
        assert mixed
        assert alone
        assert mixed != alone
