"""What is held out: by position, lines or documents; documents as batches; notes about a text."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqlab.contracts import PAD
from seqlab.errors import SettingsError, TextError
from seqlab.models import build_model
from seqlab.settings import Component
from seqlab.tasks.text import _pieces
from seqlab.tasks.text.char_lm import CharLM
from seqlab.training.evaluation import evaluate

NAMES = ["".join(letters) for letters in itertools.product("abcdefgh", repeat=3)]  # in alphabetical order
MakeTask = Callable[..., CharLM]


@pytest.fixture
def names(tmp_path: Path) -> MakeTask:
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n")
    return lambda **options: CharLM(corpus=str(tmp_path / "names.txt"), period=8, **options)


@pytest.fixture
def folder(tmp_path: Path) -> MakeTask:
    """Make a task of a folder of 20 documents: of 1 to 20 letters, each letter of its own kind."""
    for number in range(20):
        (tmp_path / f"{number:02}.txt").write_text(chr(ord("a") + number) * (number + 1))
    return lambda **options: CharLM(corpus=str(tmp_path), documents="marked", **options)


def test_a_tenth_of_the_lines_is_held_out_from_everywhere(names: MakeTask) -> None:
    task = names(split_by="line")
    parts = {split: task.vocabulary.decode(task.text(split)).splitlines() for split in ("train", "test")}
    assert sorted(parts["train"] + parts["test"]) == NAMES, "each line is in one part, as a whole"
    assert parts["train"] == sorted(parts["train"]), "in the order of the text"
    assert len(parts["test"]) == 52  # of 512: as many as make a tenth
    assert {name[0] for name in parts["test"]} == set("abcdefgh")
    assert parts["test"] == names(split_by="line").vocabulary.decode(task.text("test")).splitlines()
    by_position = names()
    assert by_position.vocabulary.decode(by_position.text("test")).strip()[0] == "h"


def test_parts_that_differ_are_called_different_by_size_and_not_by_chance(names: MakeTask) -> None:
    (note,) = names().data.notes
    assert "differs from the training part" in note
    assert "more of 'h'" in note
    assert "task.split_by=line" in note
    assert names(split_by="line").data.notes == ()
    assert CharLM(corpus="miniature").data.notes == ()


def test_words_that_are_rare_make_no_difference(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    words = [f"w{number}" for number in random.zipf(1.3, 20_000) % 9999]
    (tmp_path / "words.txt").write_text(" ".join(words))
    assert CharLM(corpus=str(tmp_path / "words.txt"), tokens="word").data.notes == ()


def test_too_few_lines_to_choose_from(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("line\n" * 9)
    with pytest.raises(TextError, match="10 of them; this one has 9"):
        CharLM(corpus=str(tmp_path / "text.txt"), split_by="line")


def test_documents_begin_with_a_mark_and_are_held_out_as_a_whole(folder: MakeTask) -> None:
    task = folder(split_by="document")
    parts = {split: task.vocabulary.decode(task.text(split)) for split in ("train", "test")}
    documents = [chr(ord("a") + number) * (number + 1) for number in range(20)]
    found = [part.split("\x1c")[1:] for part in parts.values()]
    assert sorted(found[0] + found[1]) == documents
    assert all(part.startswith("\x1c") for part in parts.values())
    assert task.vocabulary.start == task.sample.prime == "\x1c"  # type: ignore[union-attr]


@pytest.mark.parametrize("asked", [{"split_by": "document"}, {"batches": "documents"}])
def test_documents_that_are_not_marked_are_refused(folder: MakeTask, asked: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="not marked") as caught:
        CharLM(corpus="miniature", **asked)
    assert "task.documents=marked" in str(caught.value.hint)
    assert "columns" not in str(caught.value)  # which ask for none
    assert "position" not in str(caught.value)


def test_batches_of_documents_begin_each_at_the_start_state(folder: MakeTask) -> None:
    task = folder(batches="documents", period=12)
    assert not task.stream
    seen = set()
    for index in range(30):
        batch = task.batch("train", index, 8, seed=1)
        assert batch.inputs.shape == (8, 12)
        assert not batch.continues
        assert batch.mask is not None
        assert ((batch.inputs != PAD) == batch.mask).all(), "padding counts for nothing"
        for inputs, targets, counted in zip(batch.inputs, batch.targets, batch.mask, strict=True):
            read, wanted = inputs[counted].numpy(), targets[counted].numpy()
            text, last = task.vocabulary.decode(read), task.vocabulary.decode(wanted[-1:])
            assert (read[1:] == wanted[:-1]).all()
            letters = set(text) - {"\x1c"}
            assert len(letters) <= 1, "no document goes on into the next"
            if len(text) < 12:
                assert text[0] == "\x1c"
                assert last == "\x1c", "the end of a document is to be predicted"
            seen |= letters
    assert len(seen) > 15


def test_a_pass_over_documents_reads_as_many_tokens_as_there_are(folder: MakeTask) -> None:
    task = folder(batches="documents", split_by="document", period=8)
    documents = task.vocabulary.decode(task.text("train")).split("\x1c")[1:]
    read = np.mean([min(len(document) + 1, 8) for document in documents[:-1]] + [min(len(documents[-1]), 8)])
    assert task.steps_of_a_pass(4) == pytest.approx(len(task.text("train")) / (4 * read))


def test_documents_are_judged_one_by_one_from_the_start_state(
    folder: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = folder(batches="documents", split_by="document")
    assert [trial.name for trial in task.trials] == ["documents"]
    model = build_model(Component(name="gru", hidden_size=5), task.spec, seed=1)
    text, mark = task.text("test"), task.vocabulary.encode("\x1c")[0]
    places = [*np.flatnonzero(text == mark), len(text) - 1]
    total = 0.0
    with torch.no_grad():
        for first, last in itertools.pairwise(places):
            piece = torch.from_numpy(text[first : last + 1].astype(np.int64))
            outputs, _ = model(piece[None, :-1])
            total += float(torch.nn.functional.cross_entropy(outputs[0], piece[1:], reduction="sum"))
    for answers in (1 << 25, 64):  # as a whole, and in small pieces
        monkeypatch.setattr("seqlab.contracts.ANSWERS", answers)
        figures = evaluate(model, task, task.evaluation("test", 1, 1))
        assert figures["loss"] == pytest.approx(total / (len(text) - 1), rel=1e-5)


@pytest.mark.parametrize("block", [None, 16, 3000])
def test_fewer_positions_at_once_give_the_same_figures(
    monkeypatch: pytest.MonkeyPatch, block: int | None
) -> None:
    task = CharLM(corpus="miniature", block=block)
    model = build_model(Component(name="gru", hidden_size=3), task.spec, seed=1)
    usual = evaluate(model, task, task.evaluation("test", 1, 1))
    monkeypatch.setattr("seqlab.contracts.ANSWERS", len(task.vocabulary) * 700)
    largest = max(batch.inputs.numel() for batch in task.evaluation("test", 1, 1))
    assert largest <= 700
    few = evaluate(model, task, task.evaluation("test", 1, 1))
    assert few == pytest.approx(usual, rel=1e-5)
    assert _pieces.POSITIONS > 700


def test_a_large_vocabulary_is_told_what_would_make_it_smaller(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(25_000)] + ["often"] * 900 + ["again"] * 900
    random = np.random.default_rng(1)
    (tmp_path / "words.txt").write_text(" ".join(random.permutation(words)))
    (note,) = CharLM(corpus=str(tmp_path / "words.txt"), tokens="word").data.notes
    assert "25,003 different tokens" in note
    assert "task.rare=3 leaves 4" in note


def test_tasks_that_differ_in_no_reading_share_the_text(names: MakeTask) -> None:
    first, second = names(), names(block=4)
    assert first.text("train").base is second.text("train").base
    assert first.vocabulary is second.vocabulary
    assert names(tokens="byte").vocabulary is not first.vocabulary
