from __future__ import annotations

import pytest

from seqlab.tasks.languages._counting import CountingLanguage, allowed
from seqlab.tasks.languages.anbn import AnBn
from seqlab.tasks.languages.anbncn import AnBnCn

both = pytest.mark.parametrize("language", [AnBn, AnBnCn])


@both
def test_what_may_come_next(language: type[CountingLanguage]) -> None:
    batch = language(longest=7).batch("train", 0, 80, seed=1)
    assert batch.mask is not None
    seen = set()
    for row, bits, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        string = row[mask].tolist()
        n = string.count(0)
        seen.add(n)
        assert string == [language.letters, *(letter for letter in range(language.letters) for _ in range(n))]
        for step, found in enumerate(bits[mask]):
            assert set(found.nonzero().flatten().tolist()) == allowed(string[: step + 1], language.letters)
    assert seen == set(range(1, 8))


@both
def test_every_n_is_judged_once(language: type[CountingLanguage]) -> None:
    batches = list(language(longest=130).evaluation("test", 5, seed=1))
    assert [n for batch in batches for n in (batch.inputs == 0).sum(1).tolist()] == list(range(1, 131))


@pytest.mark.parametrize(("wrong", "reach"), [((), 20), ((1,), 0), ((12, 5), 4)])
def test_the_reach_is_the_n_before_the_first_that_is_wrong(wrong: tuple[int, ...], reach: int) -> None:
    task = AnBn(longest=20)
    (batch,) = task.evaluation("test", 1, seed=1)
    outputs = 8 * batch.targets - 4
    for n in wrong:
        outputs[n - 1, -1] = -outputs[n - 1, -1]
    figures = task.figures(task.tally(outputs, batch))
    assert (figures["reach"], figures["errors"]) == (reach, len(wrong))
