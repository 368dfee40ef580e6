from __future__ import annotations

from seqlab.tasks.basics.hello import Hello


def test_inputs_are_hell_and_targets_ello() -> None:
    task = Hello()
    batch = task.batch("train", 5, 3, seed=9)
    assert [task.vocabulary.decode(row) for row in batch.inputs] == ["hell"] * 3
    assert [task.vocabulary.decode(row) for row in batch.targets] == ["ello"] * 3
    assert task.spec.input_size == task.spec.output_size == len(task.vocabulary) == 4
    assert task.spec.causal


def test_it_can_be_sampled_from_h_to_hello() -> None:
    task = Hello()
    task.vocabulary.encode(task.sample.prime)  # the prime is in the vocabulary
    assert task.sample.prime == "h"
    assert len(task.sample.prime) + task.sample.length == len("hello")
    assert task.sample.temperature == 0


def test_it_is_judged_on_its_one_sequence() -> None:
    (batch,) = Hello().evaluation("test", 2560, seed=1)
    assert len(batch.inputs) == 1
