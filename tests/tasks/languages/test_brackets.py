from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab.errors import SettingsError, TextError
from seqlab.tasks.languages import _sources
from seqlab.tasks.languages._sources import BRACKETS, HIDDEN, breaking_pairs, cut, read_pieces, reduce
from seqlab.tasks.languages.brackets import Brackets, broken, is_balanced

SOURCE = '''
import os  # a comment (
TEXT = "(" + '[' + """
)))
"""
def f(x, y=[1, (2, 3)]):
    return {x: [y[0]], "a": (1,
        2)}
'''


def test_strings_and_comments_are_left_out() -> None:
    shown = HIDDEN["python"].sub("", SOURCE)
    assert is_balanced(shown)
    assert "comment" not in shown
    assert ")))" not in shown
    assert HIDDEN["c"].sub("", 'a /* ( \n */ b // )\n"[" c') == "a  b \n c"


def test_pieces_are_whole_lines_that_balance() -> None:
    text = HIDDEN["python"].sub("", SOURCE)
    pieces = list(cut(text, 60))
    assert "".join(pieces) == text
    assert all(len(piece) <= 60 and is_balanced(piece) for piece in pieces)
    assert "".join(cut("a(\nb)\nc]\n(d)\n", 60)) == "a(\nb)\n(d)\n"  # what is not balanced is left out


def test_the_pairs_that_break_a_piece_are_all_there_are() -> None:
    """By exchanging every two brackets that follow one another, in all short balanced strings of two kinds."""
    balanced = [""]
    for _ in range(4):
        balanced = sorted(
            {
                text[:k] + pair + text[k:]
                for text in balanced
                for pair in ("()", "[]")
                for k in range(len(text) + 1)
            }
        )
    for text in balanced:
        places = [match.start() for match in BRACKETS.finditer(text)]
        wanted = []
        for here, after in pairwise(places):
            exchanged = list(text)
            exchanged[here], exchanged[after] = text[after], text[here]
            if not is_balanced("".join(exchanged)):
                wanted.append((here, after))
        assert list(breaking_pairs(text)) == wanted, text


def test_what_is_broken_has_as_many_of_each_bracket() -> None:
    stream = np.random.default_rng(1)
    for piece, pairs in read_pieces("python", 100, True)[0]["test"][:200]:
        damaged = broken(piece, pairs, stream)
        assert not is_balanced(damaged)
        assert Counter(damaged) == Counter(piece)
        assert sum(one != other for one, other in zip(piece, damaged, strict=True)) == 2


@pytest.mark.parametrize("reduced", [True, False])
def test_half_of_the_pieces_match(reduced: bool) -> None:
    task = Brackets(reduced=reduced)
    batch = task.batch("train", 0, 400, seed=1)
    assert [is_balanced(task.decode(row)) for row in batch.inputs] == batch.targets.bool().tolist()
    assert 150 < int(batch.targets.sum()) < 250
    assert batch.inputs.shape[1] <= 101


def test_reduced_pieces_keep_their_brackets() -> None:
    assert reduce("x2 = f(a, [b])  +  {}\n\n\n") == "wow(wo[w])o{}\n"


def test_files_are_of_one_split_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        (tmp_path / f"m{number}.py").write_text(f"f{number}(x[{number}])\n")
    monkeypatch.setattr(_sources, "files_of", lambda language: sorted(tmp_path.glob("*.py")))
    pieces, _ = read_pieces.__wrapped__("python", 50, False)
    texts = [text for split in pieces.values() for text, _ in split]
    assert len(texts) == len(set(texts)) == 40
    assert all(pieces.values())


def test_a_machine_without_headers_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sources.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    with pytest.raises(TextError, match=r"holds no \*\.h"):
        _sources.files_of("c")


def test_at_every_step_it_is_asked_whether_the_brackets_match_so_far() -> None:
    """They do, where nothing but open ones is left once all pairs within one another are struck out."""
    task, end = Brackets(length=60, asks="every"), Brackets(length=60)
    batch = task.batch("test", 0, 64, seed=2)
    assert torch.equal(batch.inputs, end.batch("test", 0, 64, seed=2).inputs)
    assert torch.equal(batch.targets[:, -1], end.batch("test", 0, 64, seed=2).targets)
    for row, asked, mask in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        text, wanted = task.decode(row), []
        for length in range(1, len(text) + 1):
            left = "".join(BRACKETS.findall(text[:length]))
            while (shorter := left.replace("()", "").replace("[]", "").replace("{}", "")) != left:
                left = shorter
            wanted.append(not set(left) & set(")]}"))
        assert asked[mask].bool().tolist() == [*wanted, wanted[-1]]
    assert 0 < (batch.targets[batch.mask] == 0).float().mean() < 0.5


def test_where_no_piece_is_so_short_is_told() -> None:
    with pytest.raises(
        SettingsError, match=r"task\.length is 8: .* no piece so short for validation and test"
    ):
        Brackets(length=8, reduced=False)
