"""Tagged sentences: the form of their files, how they are split, read and judged."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqlab.contracts import PAD, Split
from seqlab.errors import SeqlabError, TextError
from seqlab.tasks.own._spans import spans
from seqlab.tasks.own._tagged import read_sentences
from seqlab.tasks.own.tags import Tags

Sentences = Sequence[Sequence[tuple[str, str]]]
MakeTask = Callable[..., Tags]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SMALL = Path(__file__).parent / "small.conll"


@pytest.fixture
def task_of(tmp_path: Path) -> MakeTask:
    """Make a task of sentences."""

    def make(sentences: Sentences, **options: Any) -> Tags:
        path = tmp_path / "words.conll"
        path.write_text("".join("".join(f"{word} {tag}\n" for word, tag in one) + "\n" for one in sentences))
        return Tags(table=str(path), **options)

    return make


def made(count: int) -> list[list[tuple[str, str]]]:
    """Return sentences in which a word is a verb where "to" stands behind it, else a noun."""
    draw = random.Random(1)
    found = []
    for number in range(count):
        line = [(f"w{number % 50}", "name")]
        for _ in range(draw.randint(1, 4)):
            verb = draw.random() < 0.5
            line += [(draw.choice(["run", "walk", "sleep"]), "verb" if verb else "noun")]
            line += [("to" if verb else "of", "particle")]
        found.append(line)
    return found


def sentences_of(task: Tags, split: Split) -> list[tuple[list[str], list[str]]]:
    """Return words and tags of all sentences of a split."""
    found = []
    for batch in task.evaluation(split, 1, 1):
        assert batch.mask is not None
        for words, tags, there in zip(batch.inputs, batch.targets, batch.mask, strict=True):
            assert torch.equal(there, words != PAD)
            read = [task.vocabulary.symbols[word] for word in words[there].tolist()]
            found.append((read, [task.answers[tag] for tag in tags[there].tolist()]))
    return found


def test_every_word_is_read_with_its_tag_and_no_sentence_is_in_two_parts(task_of: MakeTask) -> None:
    sentences = made(60)
    task = task_of([*sentences, *sentences[:9]], rare=1)
    parts = [sentences_of(task, split) for split in SPLITS]
    wanted = Counter(tuple(tag for _, tag in one) for one in [*sentences, *sentences[:9]])
    assert Counter(tuple(tags) for part in parts for _, tags in part) == wanted
    texts = [{" ".join(words) for words, _ in part} for part in parts]
    assert not texts[0] & texts[2]
    assert not texts[0] & texts[1]
    assert task.data is not None
    assert any("9 of 69 sentences repeat an earlier one" in note for note in task.data.notes)


def test_words_that_are_rare_or_unknown_are_one_symbol(task_of: MakeTask) -> None:
    task = task_of(made(60))
    assert task.vocabulary.rare is not None
    read = {word for split in SPLITS for words, _ in sentences_of(task, split) for word in words}
    assert read <= set(task.vocabulary.symbols)
    known = task_of([[("a", "x"), (str(n), "y"), ("a", "y")] for n in range(20)], rare=1)
    assert known.vocabulary.rare is not None, "what is held out may be unknown where nothing is rare"


def test_the_baseline_is_each_word_s_commonest_tag(task_of: MakeTask) -> None:
    task = task_of(made(300))
    guess = task.guess(1, 1)
    assert guess.name == "word's commonest tag"
    tags: dict[str, Counter[str]] = {}
    for words, own in sentences_of(task, "train"):
        for word, tag in zip(words, own, strict=True):
            tags.setdefault(word, Counter())[tag] += 1
    right = [
        tags[word].most_common(1)[0][0] == tag
        for words, own in sentences_of(task, "test")
        for word, tag in zip(words, own, strict=True)
        if word in tags
    ]
    assert guess.figures["accuracy"] == pytest.approx(np.mean(right), abs=0.02)
    assert guess.figures["accuracy"] < 0.9, "whether a word is a verb stands behind it"


def test_shuffled_tags_give_chance(task_of: MakeTask) -> None:
    draw = random.Random(1)
    shuffled = [[(word, draw.choice("abcd")) for word, _ in one] for one in made(300)]
    assert task_of(shuffled).guess(1, 1).figures["accuracy"] == pytest.approx(0.25, abs=0.08)


def test_spans_are_right_as_a_whole(task_of: MakeTask) -> None:
    task = Tags(table=str(SMALL))
    assert task.metric.name == "span_f1"
    numbers = {tag: number for number, tag in enumerate(task.answers)}
    batch = next(task.evaluation("test", 1, 1))
    perfect = torch.nn.functional.one_hot(batch.targets, len(task.answers)).float()
    assert task.figures(task.tally(perfect, batch))["span_f1"] == 1
    said = batch.targets.clone()
    cut = int((said[0] == numbers["B-PER"]).nonzero()[0])
    said[0, cut] = numbers["O"]
    figures = task.figures(task.tally(torch.nn.functional.one_hot(said, len(task.answers)).float(), batch))
    wanted = sum(
        len(spans([task.answers[tag] for tag in row[there].tolist()]))
        for row, there in zip(batch.targets, batch.mask if batch.mask is not None else [], strict=True)
    )
    goes_on = cut + 1 < said.shape[1] and said[0, cut + 1] == numbers["I-PER"]
    own = wanted if goes_on else wanted - 1  # what is left of a longer name is a wrong span
    assert figures["span_f1"] == pytest.approx(2 * (wanted - 1) / (wanted + own))


def test_without_spans_there_is_no_such_figure(task_of: MakeTask) -> None:
    task = task_of(made(60))
    assert task.metric.name == "accuracy"
    assert "span_f1" not in task.guess(1, 1).figures


def test_lines_of_conll_in_all_its_forms(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(
        b"\xef\xbb\xbf-DOCSTART- O\r\n\r\nNew NNP B-LOC\r\nYork NNP I-LOC\r\n\r\n\r\n# a comment\r\nhi UH O\r\n# NN O"
    )
    first, second = read_sentences(str(path), None, 1, -1)
    assert (first.words, first.tags, first.line) == (("New", "York"), ("B-LOC", "I-LOC"), 3)
    assert (second.words, second.tags, second.line) == (("hi", "#"), ("O", "O"), 8)
    assert read_sentences(str(path), None, 1, 2)[0].tags == ("NNP", "NNP")
    assert read_sentences(str(path), None, 1, None)[0].tags == ()


def test_with_tabs_a_word_may_have_spaces(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1\tNew York\tB-LOC\n")
    assert read_sentences(str(path), None, 2, -1)[0].words == ("New York",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no sentence"),
        ("\n\n", "holds no sentence"),
        ("a X\nb\n", "line 2: 'b' has not a word in column 1 and a tag in the last"),
        ("a\tX\nb\t\n", "line 2: 'b' has not a word in column 1 and a tag in the last"),
        ("a X\n", "has 1 different sentence; at least 10"),
        ("".join(f"w{n} X\n\n" for n in range(20)), "has one tag only, 'X'"),
        ("a\0 X\n", "byte 1 is zero"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "a.conll"
    path.write_text(content)
    with pytest.raises(TextError, match=said) as caught:
        Tags(table=str(path))
    assert "a.conll" in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(TextError, match=r"There is no file 'no-such\.conll'"):
        Tags(table="no-such.conll")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.one_of(st.binary(max_size=120), st.text(st.sampled_from("ab \t\n#-"), max_size=120)))
def test_whatever_a_file_holds_it_is_read_or_refused_in_a_sentence(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "any.conll"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        found = read_sentences(str(path), None, 1, -1)
    except SeqlabError:
        return
    assert all(len(one.words) == len(one.tags) > 0 for one in found)
    assert all(
        word.strip() and tag.strip() for one in found for word, tag in zip(one.words, one.tags, strict=True)
    )
