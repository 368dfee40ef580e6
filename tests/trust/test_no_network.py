"""Nothing is fetched but what was asked for: no command reaches out, and none when seqlab is offline."""

from __future__ import annotations

import socket

import pytest
from conftest import Command

from seqlab.text import corpora


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Have every connection beyond this machine's own processes refused; return those that were tried."""
    tried: list[object] = []

    def refuse(self: socket.socket, address: object, *more: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            tried.append(address)
            raise OSError("no network")
        connect(self, address)  # type: ignore[arg-type]

    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **more: tried.append(words) or [])
    return tried


def test_commands_that_need_no_text_from_elsewhere_reach_out_for_nothing(
    no_network: list[object], seqlab_command: Command
) -> None:
    tiny = ("training.steps=3", "training.test_sequences=2", "training.evaluation_sequences=2", "-q")
    for words in (
        ("list",),
        ("train", "hello", *tiny),
        ("sample", "latest"),
        ("plot", "latest"),
        ("show", "latest"),
        ("export", "latest"),
        ("corpus", "list"),
        ("compare", "rnn", "gru", "--seeds", "1", "training.steps=3", "-q"),
        ("report",),
    ):
        done = seqlab_command(*words, env={"SEQLAB_OFFLINE": "0"})
        assert done.returncode == 0, done.stderr
    assert not no_network


def test_offline_the_text_is_not_fetched_and_that_is_said(
    no_network: list[object], seqlab_command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    offline = {"SEQLAB_OFFLINE": "1", "SEQLAB_DATA_DIR": "", "SEQLAB_CACHE_DIR": str(tmp_path)}
    done = seqlab_command("corpus", "fetch", "shakespeare", env=offline)
    assert done.returncode == 2
    assert "SEQLAB_OFFLINE is set" in done.stderr
    assert not no_network
    monkeypatch.setattr(corpora, "_UNREACHED", {})
    done = seqlab_command("corpus", "fetch", "shakespeare", env={**offline, "SEQLAB_OFFLINE": "0"})
    assert done.returncode == 2
    assert no_network, "it would have been fetched"


def test_the_one_address_is_fetched_by_https_and_its_hash_is_known() -> None:
    assert corpora.SHAKESPEARE_URL.startswith("https://")
    assert len(corpora.SHAKESPEARE_SHA256) == 64
