"""Which sentences of a story are read: models that look where they are told to, against what supports the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.analysis.hops import find_supporting, read_hops
from seqlab.contracts import PAD, Batch, Split, State
from seqlab.errors import UsageError
from seqlab.models import SequenceModel
from seqlab.tasks.stories.stories import Stories


class Looking(SequenceModel):
    """Looks first at the last sentence that has a word of the question's end, then at the first sentence.

    It keeps the last ``kept`` sentences, and answers with the first class.
    """

    def __init__(self, task: Stories, kept: int = 1000) -> None:
        super().__init__(task.spec)
        self.kept = kept
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def start(self, context: Mapping[str, Tensor], rows: int) -> State:
        return ((context["story"][:, -self.kept :],),)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        assert state is not None
        scores = torch.zeros(*inputs.shape, self.spec.output_size)
        scores[..., 0] = np.log(3)
        return scores, state

    def alignments(self, inputs: Tensor, state: State) -> dict[str, Tensor]:
        ((story,),) = state
        said = (story == inputs[:, -1, None, None]).any(-1)  # (B, S)
        places = torch.arange(1, story.shape[1] + 1)
        last = torch.nn.functional.one_hot((said * places).argmax(1), story.shape[1]).float()
        first = torch.nn.functional.one_hot((story != PAD).any(-1).int().argmax(1), story.shape[1]).float()
        return {
            name: hop[:, None].expand(-1, inputs.shape[1], -1)
            for name, hop in (("last", last), ("first", first))
        }

    def initialise(self, generator: torch.Generator) -> None:
        """Nothing is drawn."""


class Blind(Looking):
    alignments = SequenceModel.alignments


def test_a_hop_that_reads_what_supports_is_told_from_one_that_does_not() -> None:
    """Where somebody is follows from the last sentence of them."""
    task = Stories(story=1, questions=100)
    found = find_supporting(task, Looking(task), 200, 1)
    assert found is not None
    batches = list(task.evaluation("test", 200, 1))
    supports = [
        [bool(mark) for mark, sentence in zip(marks, story, strict=True) if (sentence != PAD).any()]
        for batch in batches
        for marks, story in zip(batch.notes["supporting"], batch.context["story"], strict=True)
    ]
    assert found.questions == len(supports) == 200
    assert found.hops["last"] == found.all_found == 1
    assert found.hops["first"] == pytest.approx(np.mean([marks[0] for marks in supports]))
    assert 0 < found.hops["first"] < 0.5
    assert found.chance == pytest.approx(np.mean([np.mean(marks) for marks in supports]))


def test_all_that_supports_must_have_been_read() -> None:
    """Story 2 needs two sentences, of which these hops read one at most."""
    task = Stories(story=2, questions=100)
    found = find_supporting(task, Looking(task), 50, 1)
    assert found is not None
    assert found.all_found < 0.2
    assert found.all_found <= min(found.hops.values())


def test_a_story_is_told_with_what_was_read_and_what_supports() -> None:
    task = Stories(story=1, questions=100)
    batch = next(task.evaluation("test", 1, 1))
    hops = read_hops(task, Looking(task), batch, is_answered=True)
    told = task.asked(batch)[0].splitlines()
    assert [*hops.sentences, hops.question] == told
    person = hops.question.removesuffix("?").split()[-1]
    last = max(place for place, sentence in enumerate(hops.sentences) if sentence.startswith(person))
    assert hops.weights["last"].argmax() == last
    assert hops.weights["first"].tolist() == [1.0] + [0.0] * (len(hops.sentences) - 1)
    assert hops.supporting is not None
    assert hops.supporting.index(True) == last
    assert hops.answer == task.answers[0]
    assert hops.probability == pytest.approx(3 / (3 + len(task.answers) - 1))
    assert hops.wanted in hops.sentences[last]
    head, *rows = hops.to_rows()
    assert head == ("sentence", "told", "supporting", "last", "first")
    assert rows[last] == (last + 1, hops.sentences[last], 1, 1.0, float(last == 0))


def test_forgotten_sentences_are_read_by_nobody() -> None:
    task = Stories(story=1, questions=100)
    batch = task.ask(
        "Mary went to the office. John moved to the garden. Mary went to the kitchen. Where is John?"
    )
    hops = read_hops(task, Looking(task, kept=2), batch, is_answered=False)
    assert hops.weights["last"].tolist() == hops.weights["first"].tolist() == [0, 1, 0]
    assert (hops.wanted, hops.supporting) == (None, None)


def test_a_model_that_does_not_look_is_refused() -> None:
    task = Stories(story=1, questions=100)
    with pytest.raises(UsageError, match="does not look at the sentences"):
        find_supporting(task, Blind(task), 10, 1)


@pytest.mark.parametrize("known", [0, 7])
def test_questions_whose_supporting_sentences_are_not_known_do_not_count(known: int) -> None:
    """As in files of one's own without the third column, or with it here and there."""

    class PartlyKnown(Stories):
        def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
            for batch in super().evaluation(split, sequences, seed):
                batch.notes["supporting"][known:] = False
                yield batch

    task = PartlyKnown(story=1, questions=100)
    found = find_supporting(task, Looking(task), 50, 1)
    if known:
        assert found is not None
        assert (found.questions, found.hops["last"], found.all_found) == (known, 1, 1)
    else:
        assert found is None
