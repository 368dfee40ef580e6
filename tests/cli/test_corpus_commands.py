"""`seqlab corpus`, and a text of one's own from training to sampling."""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from seqlab.cli.app import app
from seqlab.errors import SettingsError, TextError, UnknownNameError, UnreachableError, UsageError
from seqlab.text import corpora

Invoke = Callable[..., Result]
PLAY = b"First Citizen:\nSpeak, speak.\n" * 100
POEM = "자세히 보아야 예쁘다\n오래 보아야 사랑스럽다\n너도 그렇다\n"


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run a command in this process, with empty folders for runs and the cache."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("SEQLAB_DATA_DIR", "SEQLAB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that has the play."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PLAY)))
            self.end_headers()
            self.wfile.write(PLAY)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{running.server_address[1]}/play"
        monkeypatch.setattr(corpora, "SHAKESPEARE_URL", url)
        monkeypatch.setattr(corpora, "SHAKESPEARE_SHA256", hashlib.sha256(PLAY).hexdigest())
        yield url
        running.shutdown()
        thread.join()


def fails(done: Result, kind: type[Exception]) -> str:
    assert isinstance(done.exception, kind), done.output
    assert done.exception.exit_code == 2  # type: ignore[attr-defined]
    return str(done.exception)


def test_a_text_is_fetched_and_listed(
    invoke: Invoke, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {row["name"]: row for row in json.loads(invoke("corpus", "list", "--json").stdout)["corpora"]}
    assert before["shakespeare"]["where"] is None
    assert before["miniature"]["bytes"] > 10_000
    assert "not fetched yet" in invoke("corpus", "list").stdout
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    assert "SEQLAB_OFFLINE is set" in fails(invoke("corpus", "fetch", "shakespeare"), UnreachableError)
    monkeypatch.delenv("SEQLAB_OFFLINE")
    done = invoke("corpus", "fetch", "shakespeare")
    file = tmp_path / "cache" / "tinyshakespeare.txt"
    assert done.stdout == f"shakespeare\t{file}\n"
    assert server in done.stderr
    assert file.read_bytes() == PLAY
    after = json.loads(invoke("corpus", "list", "--json").stdout)["corpora"]
    assert {row["name"]: row["where"] for row in after}["shakespeare"] == str(file)
    assert "Did you mean 'shakespeare'" in fails(invoke("corpus", "fetch", "shakespear"), UnknownNameError)


def test_without_a_server_it_says_so(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "SHAKESPEARE_URL", "http://127.0.0.1:9/nobody")
    assert "cannot be reached" in fails(invoke("corpus", "fetch"), UnreachableError)


def test_a_text_is_described(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_bytes((POEM * 3).encode("cp949"))
    told = json.loads(invoke("corpus", "info", "poem.txt", "--encoding", "cp949", "--json").stdout)
    assert told["characters"] == told["length"] == len(POEM * 3)
    assert told["vocabulary"] == Counter(POEM * 3)
    assert told["sha256"] == hashlib.sha256((POEM * 3).encode()).hexdigest()
    assert (told["training"], told["held_out"]) == (
        int(0.9 * told["length"]),
        math.ceil(0.1 * told["length"]),
    )
    words = json.loads(
        invoke(
            "corpus", "info", "poem.txt", "--encoding", "cp949", "--tokens", "word", "--rare", "6", "--json"
        ).stdout
    )
    assert words["vocabulary"] == {"\n": 9, " ": 15, "보아야": 6, "\ufffd": 18}
    assert words["folded"] == 6
    shown = invoke("corpus", "info", "poem.txt", "--encoding", "cp949").stdout
    assert f"\n␣\t{15}\n" in shown
    assert "\n↵\t9\n" in shown
    message = fails(invoke("corpus", "info", "poem.txt"), TextError)
    assert "poem.txt is not UTF-8 text: byte 0 is 0xC0" in message
    assert "--encoding" in message


SMALL = ("training.steps=6", "training.evaluate_every=6", "model.hidden_size=8", "compute.device=cpu", "-q")


@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
def test_a_text_of_ones_own_from_training_to_sampling(invoke: Invoke, tmp_path: Path, tokens: str) -> None:
    folder = tmp_path / "my poems"
    folder.mkdir()
    for name in ("a.txt", "b.txt", "c.md"):
        (folder / name).write_text(POEM * 20, encoding="utf-8")
    rare = () if tokens == "byte" else ("task.rare=41",)
    done = invoke(
        "train", "--text", folder, "--glob", "*.txt", "--fit", f"task.tokens={tokens}", *rare, *SMALL
    )
    assert done.exit_code == 0, done.output
    assert "bits/char" in done.stdout
    assert ("bits_per_token" in done.stdout) == (tokens != "char" or bool(rare))
    (run,) = (tmp_path / "runs").glob("my-poems-gru-*")
    settings = (run / "config.yaml").read_text(encoding="utf-8")
    assert str(folder) in settings
    (folder / "a.txt").unlink()
    (folder / "b.txt").unlink()

    vocabulary = json.loads((run / "vocabulary.json").read_text(encoding="utf-8"))
    assert vocabulary["tokens"] == tokens
    assert sum(vocabulary["counts"]) > 0
    one = invoke("sample", run, "--length", 30, "--prime", "예쁘다 ")
    assert one.exit_code == 0, one.output
    several = json.loads(invoke("sample", run, "--length", 30, "--count", 2, "--json").stdout)["texts"]
    for text in several:
        assert text["tokens"] == 30
        assert text["characters"] == len(text["text"])
        assert "\ufffd" in text["text"] or tokens != "word", "a rare word is seen as such"
        assert text["log_probability_per_character"] < 0
    (tmp_path / "line.txt").write_text("보아야 예쁘다", encoding="utf-8")
    scored = json.loads(invoke("score", run, tmp_path / "line.txt", "--json").stdout)["texts"][0]
    if tokens == "byte":
        assert (scored["characters"], scored["tokens"]) == (7, 19)
    assert scored["bits_per_character"] == pytest.approx(
        -scored["log_probability"] / math.log(2) / scored["characters"]
    )
    shown = invoke("show", run).stdout
    assert len({line.split("\t")[0] for line in shown.splitlines() if line.startswith("sample ")}) >= 2
    assert "corpus.tokens" in shown
    completed = invoke("complete", run, "--once", "예쁘")
    if tokens == "word":
        assert "whole words" in fails(completed, UsageError)
    else:
        assert completed.exit_code == 0, completed.output


def test_fit_takes_what_fits(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text(POEM * 10, encoding="utf-8")
    message = fails(invoke("train", "--text", "short.txt", *SMALL), TextError)
    assert "--fit takes the first" in message
    done = invoke("train", "--text", "short.txt", "--fit", "--dry-run", *SMALL)
    assert done.exit_code == 0, done.output
    told = dict(
        part.split("=") for part in done.stderr.split("Fitted to the text: ")[1].split(".\n")[0].split(", ")
    )
    assert f"training.batch_size={told['training.batch_size']}" in message
    assert f"task.period={told['task.period']}" in message
    assert "--fit is for texts" in fails(invoke("train", "hello", "--fit"), UsageError)


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (("--text", "nowhere.txt"), TextError, "nowhere.txt"),
        (("--text", "miniature", "--encoding", "utf-9"), TextError, "There is no encoding 'utf-9'"),
        (("--text", ".", "--glob", "*.xyz"), TextError, "holds no file '*.xyz'"),
        (("--text", "miniature", "task.tokens=words"), SettingsError, "word"),
        (("--text", "miniature", "task.normalisation=NFD"), SettingsError, "NFC"),
        (("--text", "miniature", "task.rare=1000000"), TextError, "smaller task.rare"),
        (("--text", "miniature", "task.rare=5", "task.tokens=byte"), TextError, "never rare"),
        (("hello", "--text", "miniature"), UsageError, "hello reads no text"),
        (("rnn-vs-lstm", "--text", "miniature"), UsageError, "reads no text"),
    ],
)
def test_what_cannot_be_learned_is_explained(
    invoke: Invoke, words: tuple[str, ...], kind: type[Exception], said: str
) -> None:
    assert said in fails(invoke("train", *words, *SMALL), kind)
