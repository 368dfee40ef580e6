from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.tasks.basics.echo import BLOCK, Echo, echo


def stream_of(task: Echo, rows: int, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of the first batches, put behind one another."""
    chunks = [task.batch("train", index, rows, seed=3) for index in range(batches)]
    return torch.cat([c.inputs for c in chunks], 1).numpy(), torch.cat([c.targets for c in chunks], 1).numpy()


@settings(max_examples=40)
@given(delay=st.integers(0, 50), chunk=st.integers(1, 40), length=st.integers(1, 300))
def test_agrees_with_the_oracle_over_the_whole_stream(delay: int, chunk: int, length: int) -> None:
    inputs, targets = stream_of(Echo(delay=delay, chunk=chunk, length=length), 2, -(-length // chunk))
    assert inputs.shape == (2, length)
    for row, wanted in zip(inputs.tolist(), targets.tolist(), strict=True):
        assert echo(row, delay) == wanted


def test_the_stream_goes_on_across_the_blocks_that_are_drawn() -> None:
    inputs, targets = stream_of(Echo(delay=100, chunk=300, length=3 * BLOCK), 2, 10)
    assert [echo(row, 100) for row in inputs.tolist()] == targets.tolist()
    assert abs(inputs.mean() - 0.5) < 0.03


@pytest.mark.parametrize("chunk", [7, 20, 1500])
def test_how_the_stream_is_cut_does_not_change_it(chunk: int) -> None:
    inputs, _ = stream_of(Echo(chunk=chunk, length=3000), 2, -(-3000 // chunk))
    whole, _ = stream_of(Echo(chunk=3000, length=3000), 2, 1)
    assert np.array_equal(inputs, whole)


def test_a_new_stream_begins_when_one_ends() -> None:
    task = Echo(chunk=20, length=50)
    batches = [task.batch("train", index, 4, seed=1) for index in range(6)]
    assert [batch.continues for batch in batches] == [False, True, True] * 2
    assert [batch.inputs.shape[1] for batch in batches] == [20, 20, 10] * 2
    assert not torch.equal(batches[0].inputs, batches[3].inputs)


def test_rows_are_different_streams() -> None:
    inputs = Echo(chunk=200).batch("train", 0, 50, seed=1).inputs
    assert len({row.numpy().tobytes() for row in inputs}) == 50


@pytest.mark.parametrize(("sequences", "rows", "chunks"), [(10, 10, 1), (256, 64, 4), (100, 64, 2)])
def test_evaluation_reads_fresh_streams_on_and_on(sequences: int, rows: int, chunks: int) -> None:
    batches = list(Echo().evaluation("test", sequences, seed=1))
    assert [len(batch.inputs) for batch in batches] == [rows] * chunks
    assert [batch.continues for batch in batches] == [False] + [True] * (chunks - 1)
    inputs, targets = (torch.cat([getattr(b, name) for b in batches], 1) for name in ("inputs", "targets"))
    assert torch.equal(inputs[:, :-3], targets[:, 3:])


@pytest.mark.parametrize("delay", [3, 30])
def test_silence_before_the_first_echo_is_left_out_of_accuracy_after_delay(delay: int) -> None:
    task = Echo(delay=delay, chunk=20)
    silent = torch.tensor([1.0, 0.0]).expand(64, 20, 2)  # 0 at every step: right before the first echo
    total = Counter[str]()
    for batch in task.evaluation("test", 128, seed=1):
        total.update(task.tally(silent, batch))
    figures = task.figures(total)
    steps = 64 * 40
    assert total["echoes"] == steps - 64 * delay
    assert figures["accuracy_after_delay"] == pytest.approx(
        (figures["accuracy"] * steps - 64 * delay) / (steps - 64 * delay)
    )
    assert figures["sequences"] == 128
