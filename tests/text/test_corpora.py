from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seqlab.errors import Remark, TextError, UnreachableError, UsageError
from seqlab.text import corpora, download, load_corpus

PLAY = b"First Citizen:\nSpeak, speak.\n" * 500
"""Stands for the play, so that no test needs the network; its hash is made the known one."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/silent":
            self.server.release.wait(10)  # type: ignore[attr-defined]
            return
        body = b"<html>Please log in</html>" if self.path == "/wrong" else PLAY
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:5000] if self.path == "/broken" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.release = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.release.set()  # type: ignore[attr-defined]
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, online, and the hash of the play that the server offers."""
    for name in ("SEQLAB_DATA_DIR", "SEQLAB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(corpora, "SHAKESPEARE_SHA256", hashlib.sha256(PLAY).hexdigest())
    return tmp_path / "cache"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_the_play_is_fetched_once_and_announced(cache: Path, server: str) -> None:
    announced: list[str] = []
    first = load_corpus("shakespeare", url=f"{server}/play", announce=announced.append)
    assert first.text.encode() == PLAY
    assert first.stands_in_for is None
    assert len(announced) == 1
    assert f"{server}/play" in announced[0]
    assert files(cache) == ["tinyshakespeare.txt"]

    again = load_corpus("shakespeare", url="http://127.0.0.1:9/never-asked", announce=announced.append)
    assert again.text == first.text
    assert len(announced) == 1


def test_what_is_cached_is_used_offline(cache: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load_corpus("shakespeare", url=f"{server}/play", announce=lambda _: None)
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    assert load_corpus("shakespeare").text.encode() == PLAY


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("wrong", "is not the file that was asked for"),
        ("broken", "broke off"),
        ("missing", "404"),
    ],
)
def test_a_failed_download_is_explained_and_leaves_nothing(
    cache: Path, server: str, page: str, said: str
) -> None:
    with pytest.raises(TextError) as caught:
        load_corpus("shakespeare", url=f"{server}/{page}", announce=lambda _: None)
    assert said in caught.value.message
    assert f"{server}/{page}" in caught.value.message
    assert "SEQLAB_OFFLINE=1" in str(caught.value.hint)
    assert files(cache) == []


@pytest.mark.parametrize("page", ["silent", "nobody"])
def test_without_a_server_the_miniature_stands_in_and_says_so(
    cache: Path, server: str, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SECONDS", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        url = f"{server}/silent" if page == "silent" else nobody
        corpus = load_corpus("shakespeare", url=url, announce=lambda _: None)
    assert (corpus.name, corpus.stands_in_for) == ("miniature", "shakespeare")
    assert f"{url} cannot be reached" in str(corpus.reason)
    assert files(cache) == []


def test_a_server_that_is_not_reached_is_tried_once(cache: Path) -> None:
    tried: list[str] = []
    first = load_corpus("shakespeare", url="http://127.0.0.1:9/no", announce=tried.append)
    second = load_corpus("shakespeare", url="http://127.0.0.1:9/no", announce=tried.append)
    assert len(tried) == 1
    assert second == first
    assert "cannot be reached" in str(second.reason)


def test_a_damaged_cache_is_fetched_anew(cache: Path, server: str) -> None:
    cache.mkdir()
    (cache / "tinyshakespeare.txt").write_bytes(PLAY[:-1])
    assert load_corpus("shakespeare", url=f"{server}/play", announce=lambda _: None).text.encode() == PLAY


def test_a_cache_that_cannot_be_written_is_explained(cache: Path, server: str) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(TextError, match="cannot be kept") as caught:
        load_corpus("shakespeare", url=f"{server}/play", announce=lambda _: None)
    assert "SEQLAB_CACHE_DIR" in str(caught.value.hint)


def test_offline_the_miniature_stands_in_and_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    corpus = load_corpus("shakespeare", url="http://127.0.0.1:9/never-asked")
    assert corpus.name == "miniature"
    assert corpus.text == load_corpus("miniature").text
    assert corpus.stands_in_for == "shakespeare"
    assert "SEQLAB_OFFLINE" in str(corpus.reason)
    assert str(cache) in str(corpus.reason)


def test_the_data_folder_comes_first(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_DATA_DIR", str(tmp_path))
    (tmp_path / "tinyshakespeare.txt").write_bytes(PLAY)
    corpus = load_corpus("shakespeare", url="http://127.0.0.1:9/never-asked")
    assert corpus.text.encode() == PLAY
    assert corpus.source == str(tmp_path / "tinyshakespeare.txt")


def test_another_file_in_the_data_folder_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLAB_DATA_DIR", str(tmp_path))
    (tmp_path / "tinyshakespeare.txt").write_bytes(PLAY + b"!")
    with pytest.raises(TextError, match="is not Tiny Shakespeare"):
        load_corpus("shakespeare")


def test_the_miniature_is_text_enough_to_learn_from() -> None:
    corpus = load_corpus("miniature")
    assert len(corpus.text) >= 60_000
    assert corpus.stands_in_for is None


def test_the_standard_library_is_bounded_and_the_same_each_time() -> None:
    corpus = load_corpus("python")
    assert corpus.files == load_corpus("python").files
    assert 3_000_000 < len(corpus.text) < 13_000_000
    assert not any("site-packages" in path.parts or "test" in path.parts for path in corpus.files)
    assert "import" in corpus.text
    compile(corpus.text.partition("\nclass ")[0], "<head>", "exec")  # it is source


def test_a_file_of_any_script(tmp_path: Path) -> None:
    path = tmp_path / "시.txt"
    path.write_bytes("\ufeff자세히 보아야\r\n예쁘다".encode())
    corpus = load_corpus(str(path))
    assert corpus.text == "자세히 보아야\n예쁘다"
    assert corpus.source == str(path)


def test_a_folder_is_read_in_sorted_order_without_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for name, text in {
        "c.txt": "third",
        "b/a.txt": "second\n",
        "a.txt": "first\n",
        "a.md": "other",
        "empty.txt": "",
        ".hidden.txt": "hidden",
        ".git/x.txt": "hidden",
    }.items():
        (tmp_path / name).write_text(text)
    corpus = load_corpus(str(tmp_path), glob="*.txt")
    assert corpus.text == "first\nsecond\nthird"
    assert load_corpus(str(tmp_path)).text == "other\nfirst\nsecond\nthird"


def test_a_file_may_be_called_as_a_corpus_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("python").write_text("not the library")
    assert load_corpus("./python").text == "not the library"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ab\0c", "byte 2 is zero"),
        (b"caf\xe9 noir", "byte 3 is 0xE9"),
    ],
)
def test_what_is_no_text_is_refused_by_its_path(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(data)
    with pytest.raises(TextError) as caught:
        _ = load_corpus(str(path)).text
    assert said in caught.value.message
    assert "--encoding" in str(caught.value.hint)
    assert "mine.txt" in caught.value.message


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TextError, match="neither a file nor a folder"):
        load_corpus(str(tmp_path / "pipe"))


@pytest.mark.parametrize("name", ["shakespear", "no/such/file.txt", "", "x" * 5000, "a\0b"])
def test_an_unknown_corpus_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        load_corpus(name)


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(TextError, match="Did you mean 'shakespeare'"):
        load_corpus("shakespere")


@pytest.mark.parametrize("glob", ["*.c", "", "/x", "**x"])
def test_a_glob_that_finds_nothing_is_refused(tmp_path: Path, glob: str) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(TextError):
        load_corpus(str(tmp_path), glob=glob)


def test_to_fetch_is_to_fetch(cache: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "SHAKESPEARE_URL", f"{server}/play")
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    with pytest.raises(UnreachableError, match="SEQLAB_OFFLINE"):
        corpora.fetch_corpus("shakespeare", announce=lambda _: None)
    monkeypatch.delenv("SEQLAB_OFFLINE")
    assert corpora.fetch_corpus("shakespeare", announce=lambda _: None).files == (
        cache / "tinyshakespeare.txt",
    )


@pytest.mark.skipif(
    "SEQLAB_DATA_DIR" not in os.environ, reason="SEQLAB_DATA_DIR, where the text lies, is not set"
)
def test_tiny_shakespeare_is_the_known_text() -> None:
    corpus = load_corpus("shakespeare")
    assert len(corpus.text) == 1_115_394
    assert len(set(corpus.text)) == 65
    assert hashlib.sha256(corpus.text.encode()).hexdigest() == corpora.SHAKESPEARE_SHA256


def test_how_much_a_folder_holds_is_said_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("to be or not to be\n" * 100)
    monkeypatch.setattr("seqlab.text.corpora.MANY_FILES", 2)
    with pytest.warns(Remark, match=r"holds 3 files '\*\.txt' of 0 MB; all are read"):
        load_corpus(str(tmp_path), glob="*.txt")
    monkeypatch.setattr("seqlab.text.corpora.MOST_BYTES", 5_000)
    with pytest.raises(TextError, match="more than the 0 GB that are read"):
        load_corpus(str(tmp_path), glob="*.txt")
