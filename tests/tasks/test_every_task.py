"""What every task promises, whatever it is: run over all that are registered."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import rich.style  # noqa: F401 - it draws a random number as it is imported, which no task shall seem to do
import torch

from seqlab import registry
from seqlab.settings import Component
from seqlab.tasks import build_task
from seqlab.tasks._promises import PROMISES, Promise, perfect, tensors, wrongly

SMALL = {
    "adding": {"length": 20},
    "char-lm": {"corpus": "miniature", "period": 16},
    "copy": {"lag": 5},
    "echo": {"length": 60},
    "labels": {"table": str(Path(__file__).parent / "own" / "small.csv")},
    "lines": {"corpus": "miniature"},
    "near-words": {"corpus": "miniature"},
    "stories": {"story": 2, "questions": 100},
    "tags": {"table": str(Path(__file__).parent / "own" / "small.conll")},
    "translate": {"pairs": str(Path(__file__).parent / "pairs" / "small.tsv")},
}
"""Settings that make a task quick; a task that is not named here is tested with its defaults."""

GOLDEN = {
    "adding": "b449745f42b6ba67",
    "addition": "fb5215eb33770c52",
    "anbn": "036da4bae076e9dc",
    "anbncn": "b03cee3a1220d507",
    "associative-recall": "b9e429049d059635",
    "binary-addition": "248c110dd56f767f",
    "binary-multiplication": "fcd897431c2ba29e",
    "bounded-dyck": "a446c63eedd6222c",
    "bucket-sort": "4c2905956f5f56f8",
    "continual-reber": "3158b3f2b7c8001d",
    "copy": "9fca82d428c78cab",
    "copy-bits": "6c0db66cb5a3be04",
    "cycle-navigation": "04df776c57716909",
    "dates": "b978457fbc0cf32f",
    "digit-captions": "4a28ddc10320c446",
    "digit-drawing": "55d85e6f326b0c33",
    "digit-glimpses": "dedac07ad3cae58b",
    "duplicate-string": "61b5ad984c04c863",
    "dyck": "44d3d127d577da96",
    "dynamic-n-grams": "b4c6e00a180ce0c7",
    "echo": "fad2c37311fd4950",
    "embedded-reber": "e369990d3c87b9b5",
    "even-pairs": "28851e37b0f76ffd",
    "execute": "4730ff8dc41d86cf",
    "hello": "f8b9beb2ee45f3c0",
    "induction-heads": "5d6d5031807ddea9",
    "labels": "3019686ba04248cd",
    "lines": "5a5236f818d733a0",
    "missing-duplicate": "d6a9bf3bc181d758",
    "modular-arithmetic": "179729bc4b407eb5",
    "modular-arithmetic-brackets": "2708c54366a5f669",
    "mqar": "429b1848eb787e43",
    "moving-digits": "5eed9425033833de",
    "multiplication": "fb0ec958f11ba644",
    "noise-free-lag": "505e162dfdac40dd",
    "odds-first": "d1966ad0e9b4a571",
    "parity-check": "1fa7a7afd61acda9",
    "permutations": "65faa71c0ebbbcca",
    "picture-questions": "15fd04bdde681e46",
    "priority-sort": "c7fb66ed4221b01b",
    "repeat-copy": "886c2527355b595b",
    "reverse-string": "c89a3fe41a9fb98c",
    "reverse-words": "007f7f3640307d0b",
    "scene-captions": "14ffe76a6c2b133a",
    "selective-copy": "f01ec4098dc8451d",
    "sequential-digits": "6f389d6b7e3f1762",
    "series": "74993fa9d87add47",
    "solve-equation": "971531eddce70ef9",
    "square-root": "6789a6f1bae413cf",
    "stack-manipulation": "befe775a2c33ed9c",
    "stories": "fe666fc90050566e",
    "tags": "0fe34676eca1a37f",
    "temporal-order": "b7e97f8e8f2ce897",
    "three-symbols": "0607cffe513ccd41",
    "timing": "3e7d485a1ab3c268",
    "two-sequence": "b434b4d365403045",
}
"""The first 16 digits of the SHA-256 of batch 3 (train, 4 rows, seed 7), from version to version the same."""

names = pytest.mark.parametrize("name", registry.names("task"))


def component(name: str) -> Component:
    return Component(name=name, **SMALL.get(name, {}))


@names
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_every_task(promise: Promise, name: str) -> None:
    promise(component(name))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_batch_is_the_same_on_every_machine(name: str) -> None:
    parts = tensors(build_task(component(name)).batch("train", 3, 4, 7))
    digest = hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()
    assert digest[:16] == GOLDEN[name]


@names
def test_a_stream_continues(name: str) -> None:
    task = build_task(component(name))
    assert task.batch("train", 1, 2, 1).continues == task.stream


@names
def test_the_score_of_perfect_answers_is_next_to_nothing_and_that_of_wrong_ones_is_not(name: str) -> None:
    task = build_task(component(name))
    batch = next(task.evaluation("validation", 10, 1))
    assert task.score(task.figures(task.tally(perfect(task, batch), batch))) < 1e-6
    assert task.score(task.figures(task.tally(wrongly(task, batch), batch))) > 0.9


@names
def test_who_changes_a_batch_changes_no_later_one(name: str) -> None:
    """What a task keeps to be quick it hands out as copies."""
    task = build_task(component(name))
    ways = (lambda: task.batch("train", 1, 3, 1), lambda: next(iter(task.evaluation("test", 3, 1))))
    for draw in ways:
        wanted = [part.clone() for part in tensors(draw())]
        for part in tensors(draw()):
            part.zero_()
        assert all(torch.equal(one, other) for one, other in zip(wanted, tensors(draw()), strict=True))
