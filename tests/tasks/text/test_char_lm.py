from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.contracts import Batch
from seqlab.errors import TextError
from seqlab.tasks.text import _language_model, _pieces
from seqlab.tasks.text._pieces import batchify
from seqlab.tasks.text.char_lm import CharLM

MakeTask = Callable[..., CharLM]


@pytest.fixture
def task_of(tmp_path: Path) -> MakeTask:
    """Make a task of a text."""

    def make(text: str, **options: Any) -> CharLM:
        path = tmp_path / "text.txt"
        path.write_text(text, encoding="utf-8", newline="")
        return CharLM(corpus=str(path), **options)

    return make


def test_batchify_cuts_the_alphabet_as_the_lecture_does() -> None:
    rows = ["".join(row) for row in batchify(np.array(list("abcdefghijklmnopqrstuvwx")), 4)]
    assert rows[0:3] == ["agms", "bhnt", "ciou"]  # the first input
    assert rows[1:4] == ["bhnt", "ciou", "djpv"]  # its target


def test_batchify_drops_what_is_left_over() -> None:
    assert batchify(np.arange(11), 4).tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_training_reads_columns_on_and_on(task_of: MakeTask) -> None:
    task = task_of("".join(map(chr, range(1000, 2000))), period=7)  # every character is its own place
    size, batches = 5, (900 - 7) // (5 * 7)
    epoch = [task.batch("train", index, size, seed=1) for index in range(batches)]
    assert [batch.continues for batch in epoch] == [False] + [True] * (batches - 1)
    read = torch.cat([batch.inputs for batch in epoch], 1)
    wanted = torch.cat([batch.targets for batch in epoch], 1)
    assert (read[:, 1:] == read[:, :-1] + 1).all(), "a column is one stretch of text"
    assert (wanted == read + 1).all(), "the target is the next character"
    assert (read[1:, 0] == read[:-1, -1] + 1).all(), "columns follow one another"
    assert not task.batch("train", batches, size, seed=1).continues


def test_every_epoch_begins_elsewhere_within_the_training_part(task_of: MakeTask) -> None:
    task = task_of("".join(map(chr, range(1000, 2000))), period=10)
    batches = (900 - 10) // (4 * 10)
    starts, last = set(), 0
    for epoch in range(300):
        starts.add(int(task.batch("train", epoch * batches, 4, seed=1).inputs[0, 0]))
        last = max(last, int(task.batch("train", epoch * batches + batches - 1, 4, seed=1).targets.max()))
    slack = 900 - 1 - 4 * batches * 10
    assert starts == set(range(slack + 1))
    assert last == 899, "the last character of the training part is reached, and none beyond it"


def test_blocks_begin_anywhere_in_the_training_part_each_from_the_start_state(task_of: MakeTask) -> None:
    task = task_of("".join(map(chr, range(1000, 2000))), period=30, batches="blocks")
    assert not task.stream
    starts = set()
    for index in range(300):
        batch = task.batch("train", index, 50, seed=1)
        assert not batch.continues
        assert batch.inputs.shape == (50, 30)
        assert (batch.inputs[:, 1:] == batch.inputs[:, :-1] + 1).all(), "a block is one stretch of text"
        assert (batch.targets == batch.inputs + 1).all(), "the target is the next character"
        starts |= set(batch.inputs[:, 0].tolist())
    assert starts == set(range(900 - 30)), "every place from which a block and its last target fit"
    again, other = task.batch("train", 7, 50, seed=1), task.batch("train", 7, 50, seed=2)
    assert torch.equal(again.inputs, task.batch("train", 7, 50, seed=1).inputs)
    assert not torch.equal(again.inputs, other.inputs)


def test_blocks_longer_than_the_text_are_refused(task_of: MakeTask) -> None:
    task = task_of("abcdefghij" * 10, period=90, batches="blocks")
    with pytest.raises(TextError, match="at least 91 to train on; there are 90") as caught:
        task.batch("train", 0, 4, seed=1)
    assert "task.period=89" in str(caught.value)
    assert task.fitting(4) == (4, 89)


def test_the_text_is_split_90_to_10_by_position(task_of: MakeTask) -> None:
    task = task_of("a" * 90 + "b" * 10)
    assert task.vocabulary.decode(task.text("train")) == "a" * 90
    assert (
        task.vocabulary.decode(task.text("validation"))
        == task.vocabulary.decode(task.text("test"))
        == "b" * 10
    )
    assert task.text("train").dtype == np.uint8


def digest(batch: Batch) -> str:
    parts = (batch.inputs, batch.targets)
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()[:16]


def predictions(batches: list[Batch], *, carried: bool) -> list[tuple[int, int, int]]:
    """Return (input, target, characters read before) of everything that counts, row by row."""
    found = []
    before = 0
    for batch in batches:
        before = before if batch.continues else 0
        assert batch.continues == (carried and batch is not batches[0])
        counted = torch.ones_like(batch.inputs, dtype=torch.bool) if batch.mask is None else batch.mask
        assert bool(counted.any())
        steps = before + torch.arange(batch.inputs.shape[1]).expand_as(counted)
        found += zip(*(part[counted].tolist() for part in (batch.inputs, batch.targets, steps)), strict=True)
        before += batch.inputs.shape[1]
    return found


@settings(max_examples=30)
@given(length=st.one_of(st.integers(2, 80), st.integers(2, 2000), st.integers(500, 600)))
def test_every_protocol_predicts_every_character_but_the_first_once(length: int) -> None:
    text = np.arange(length, dtype=np.int32)
    wanted = [(place, place + 1) for place in range(length - 1)]
    for batches, carried in [
        (list(_pieces.stream(text)), True),
        (list(_pieces.blocks(text, 64)), False),
        (list(_pieces.blocks(text, 256)), False),
    ]:
        assert sorted(p[:2] for p in predictions(batches, carried=carried)) == wanted


@pytest.mark.parametrize("length", [2, 63, 512, 513, 514, 640, 5000])
def test_the_stream_answers_only_what_it_has_read_512_characters_for(length: int) -> None:
    batches = list(_pieces.stream(np.arange(length, dtype=np.int32)))
    for place, _, before in predictions(batches, carried=True):
        assert min(place, _pieces.WARM_UP) <= before <= place
    assert len(batches[0].inputs) <= 64
    for batch in batches:
        assert batch.inputs.shape[1] <= _pieces.STEPS


def test_rows_of_the_stream_are_stretches_of_text() -> None:
    batches = list(_pieces.stream(np.arange(40_000, dtype=np.int32)))
    assert len(batches) > 2
    read = torch.cat([batch.inputs for batch in batches], 1)
    step = read[:, 1:] - read[:, :-1]
    assert (step[:-1] == 1).all()
    assert bool(torch.cat([b.mask for b in batches if b.mask is not None], 1)[0].all()), (
        "the first row counts whole"
    )


@pytest.mark.parametrize("length", [64, 256])
def test_blocks_start_cold_and_the_last_is_shorter(task_of: MakeTask, length: int) -> None:
    task = task_of("".join(map(chr, range(1000, 8000))), block=length)
    *whole, last = task.evaluation("test", 0, 1)
    assert all(batch.inputs.shape[1] == length for batch in whole)
    assert last.inputs.shape == (1, 699 % length)
    for place, _, before in predictions([*whole, last], carried=False):
        assert before == (place - 6300) % length


def test_figures_of_a_uniform_guess() -> None:
    task = CharLM(corpus="miniature")
    batch = task.batch("train", 0, 4, 1)
    size = len(task.vocabulary)
    figures = task.figures(task.tally(torch.zeros(4, 64, size), batch))
    assert figures["loss"] == pytest.approx(np.log(size))
    assert figures["bits"] == pytest.approx(np.log2(size))
    assert figures["perplexity"] == pytest.approx(size, rel=1e-5)
    assert list(figures) == ["loss", "nats_per_character", "bits", "perplexity", "accuracy"]


def test_a_text_too_short_for_the_batch_says_what_fits(task_of: MakeTask) -> None:
    task = task_of("ab" * 500, period=64)
    with pytest.raises(TextError, match=r"at least 2,112 to train on; there are 900") as caught:
        task.batch("train", 0, 32, seed=1)
    assert (
        caught.value.hint
        == "The largest that fits is training.batch_size=13 with task.period=64, or training.batch_size=32 "
        "with task.period=27; --fit takes the first."
    )
    assert task.fitting(32) == (13, 64)
    assert task.fitting(5) == (5, 64)
    assert task.batch("train", 0, 13, seed=1).inputs.shape == (13, 64)
    assert task_of("ab" * 500, period=27).batch("train", 0, 32, seed=1).inputs.shape == (32, 27)
    for size, period in ((14, 64), (32, 28)):
        with pytest.raises(TextError):
            task_of("ab" * 500, period=period).batch("train", 0, size, seed=1)


@pytest.mark.parametrize("text", ["a", "ab", "abcdefghij"])
def test_a_text_too_short_to_split_is_refused(task_of: MakeTask, text: str) -> None:
    with pytest.raises(TextError, match="too short"):
        task_of(text)


def test_the_batch_is_the_same_on_every_machine(task_of: MakeTask) -> None:
    batch = task_of("To be, or not to be: that is the question.\n" * 20, period=16).batch(
        "train", 3, 4, seed=7
    )
    assert digest(batch) == "64fdd0f6457fc3c3"


def test_korean(task_of: MakeTask) -> None:
    text = "자세히 보아야 예쁘다 오래 보아야 사랑스럽다 " * 40
    task = task_of(text, period=8)
    batch = task.batch("train", 0, 2, seed=1)
    line = task.vocabulary.decode(batch.inputs[0])
    assert line in text
    assert task.vocabulary.decode(batch.targets[0])[:-1] == line[1:]
    assert task.sample.prime == "자", "there is no line break to begin with"


def test_a_run_can_record_its_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEQLAB_DATA_DIR", raising=False)
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    task = CharLM(corpus="shakespeare")
    info = task.data.to_dict()
    assert info["name"] == "miniature"
    assert info["stands_in_for"] == "shakespeare"
    assert "SEQLAB_OFFLINE" in str(info["reason"])
    assert info["symbols"] == len(task.vocabulary)
    assert info["characters"] == len(task.text("train")) + len(task.text("test"))


@pytest.mark.skipif(
    "SEQLAB_DATA_DIR" not in os.environ, reason="SEQLAB_DATA_DIR, where the text lies, is not set"
)
def test_tiny_shakespeare_has_the_known_split() -> None:
    task = CharLM()
    assert [trial.name for trial in task.trials] == ["stream", "block-256", "block-64"]
    assert task.data.name == "shakespeare"
    assert len(task.vocabulary) == 65
    assert len(task.text("train")) == 1_003_854
    assert len(task.text("validation")) == 111_540
    for trial in task.trials:
        total = sum(
            batch.inputs.numel() if batch.mask is None else int(batch.mask.sum())
            for batch in CharLM(**trial.task).evaluation("validation", 0, 1)
        )
        assert total == 111_539


@pytest.mark.parametrize(("length", "size", "period"), [(12, 3, 50), (40, 1, 17), (40, 32, 17), (300, 7, 64)])
def test_what_is_said_to_fit_fits(task_of: MakeTask, length: int, size: int, period: int) -> None:
    task = task_of("ab" * length, period=period)
    fits, shorter = task.fitting(size)
    assert fits <= size
    assert shorter <= period
    task_of("ab" * length, period=shorter).batch("train", 0, fits, seed=1)


TEXT = "자세히 보아야 예쁘다, 오래 보아야 사랑스럽다.\nEvery word is seen, every word is heard.\n" * 30


@pytest.mark.parametrize("tokens", ["byte", "word"])
def test_bits_per_character_of_other_tokens(task_of: MakeTask, tokens: str) -> None:
    task = task_of(TEXT, tokens=tokens)
    held_out = task.vocabulary.decode(task.text("test")) if tokens == "word" else None
    nats, targets = 1.7 * 100, 100.0
    figures = task.figures({"loss": nats, "targets": targets, "correct": 50.0})
    assert figures["loss"] == pytest.approx(1.7)
    assert figures["bits_per_token"] == pytest.approx(1.7 / np.log(2))
    length = len(task.text("test"))
    characters = (
        len(held_out)
        if held_out is not None
        else sum(byte & 0xC0 != 0x80 for byte in task.text("test").tolist())
    )
    assert figures["bits"] == pytest.approx(1.7 * length / characters / np.log(2))
    assert figures["nats_per_character"] == pytest.approx(figures["bits"] * np.log(2))
    assert task.characters_per_token == pytest.approx(characters / length)


def test_rare_characters_are_charged_a_guess_among_them(task_of: MakeTask) -> None:
    """The bits are those of a code that says "rare", and then which of the rare ones."""
    text = ("ab" * 50 + "".join(map(chr, range(1000, 1010)))) * 20
    task = task_of(text, rare=30)
    assert task.vocabulary.symbols == ("a", "b", "\ufffd")
    assert task.data.folded == 10
    share = np.bincount(task.text("test"), minlength=3) / len(task.text("test"))
    loss = float(-(share * np.log(share)).sum())  # of a model that knows the shares
    figures = task.figures({"loss": loss, "targets": 1.0, "correct": 0.0})
    spelled = np.append(share[:2], np.full(10, share[2] / 10))
    assert figures["bits"] == pytest.approx(float(-(spelled * np.log2(spelled)).sum()))


def test_the_first_million_of_a_long_held_out_text_is_judged(
    task_of: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_language_model, "JUDGED", 100)
    for block in (None, 64):
        batches = list(task_of("ab" * 5000, block=block).evaluation("test", 0, 1))
        assert len(predictions(batches, carried=not block)) == 99
