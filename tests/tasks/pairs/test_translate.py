"""Translation: who is held out, how words are spaced, and figures that are sacrebleu's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from seqlab.contracts import PAD
from seqlab.errors import TextError
from seqlab.tasks.pairs import _overlap
from seqlab.tasks.pairs.translate import Translate, parted, spaced
from seqlab.text.vocabulary import Codes

SMALL = Path(__file__).parent / "small.tsv"


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    """80 sentences, of which the first has a second translation."""
    lines = SMALL.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join([*lines, lines[0].replace("says", "said")]), encoding="utf-8")
    return path


def test_no_held_out_source_stands_in_training(sentences: Path) -> None:
    task = Translate(pairs=str(sentences), rare=1)
    parts = {split: [one for one, _ in task.sentences(split)] for split in ("train", "validation", "test")}
    assert (len(set(parts["test"])), len(set(parts["validation"]))) == (8, 4)
    assert not set(parts["train"]) & {*parts["test"], *parts["validation"]}
    assert len(task.sentences("train")) >= 68
    again = parted(list(task.sentences("train")) * 2, 15, 10, 5)
    assert len(again["train"]) + len(again["test"]) + len(again["validation"]) <= len(task.sentences("train"))


def test_no_package_of_which_a_text_is_held_out_stands_in_training() -> None:
    pairs = [(f"text {text} of {package}", "x") for package in range(40) for text in range(5)]
    pairs += [("shared by all", "x"), ("of a program", "x")]
    packages = [f"package {package}" for package in range(40) for _ in range(5)] + ["package 7", ""]
    parts = parted(pairs, 15, 10, 12, packages)
    assert len(parts["test"]) == 12
    assert 0 < len(parts["validation"]) < 6  # less what belongs to the last package of the test
    whose = dict(zip(pairs, packages, strict=True))
    test, validation, train = (
        {whose[pair] for pair in parts[name]} for name in ("test", "validation", "train")
    )
    assert len(test) <= 4
    assert not (train & test or train & validation or test & validation) - {""}


def test_lengths_are_bounded_in_words(sentences: Path) -> None:
    with pytest.raises(TextError, match="too few pairs"):
        Translate(pairs=str(sentences), longest=3)
    assert not parted([("a b c", "x")] * 3, 5, 2, 9)["test"]


def test_batches_read_and_write_what_the_file_has(sentences: Path) -> None:
    task = Translate(pairs=str(sentences), rare=1)
    known = {(one.replace(",", " ,").replace(".", " ."), other) for one, other in task.sentences("train")}
    batch = task.batch("train", 2, 8, seed=3)
    assert batch.mask is not None
    for source, target, counted in zip(
        task.asked(batch), batch.targets.numpy(), batch.mask.numpy(), strict=True
    ):
        assert (source, task.text_of(target[counted])) in known
    (first, *_) = task.evaluation("test", 3, seed=1)
    assert task.asked(first)[0].replace(" ", "") == task.sentences("test")[0][0].replace(" ", "")
    assert len(first.inputs) == 3


def test_characters_and_the_other_direction(sentences: Path) -> None:
    task = Translate(pairs=str(sentences), source="char", target="char", backwards=True)
    batch = task.batch("test", 0, 2, seed=1)
    assert all("says" in text or "said" in text for text in task.asked(batch))
    source = batch.context["source"][0]
    assert int((source != PAD).sum()) == len(task.asked(batch)[0])


def test_a_word_that_training_has_not_is_the_rare_one(sentences: Path) -> None:
    task = Translate(pairs=str(sentences), rare=1)
    assert "\ufffd" in task.asked(task.ask("Das Flugzeug ist rot."))[0]


def test_the_sign_for_any_rare_word_is_never_right(sentences: Path) -> None:
    task = Translate(pairs=str(sentences), rare=12)
    batch = next(task.evaluation("test", 8, 1))
    assert batch.mask is not None
    targets = [row[there].numpy() for row, there in zip(batch.targets, batch.mask, strict=True)]
    known = sum((row != task.target.vocabulary.rare).all() for row in targets)
    assert 0 < known < len(targets)
    outputs = torch.nn.functional.one_hot(batch.targets, task.spec.output_size).float()
    for total in (task.tally(outputs, batch), task.tally_written(targets, batch)):
        assert total["errors"] == len(targets) - known
        assert total["correct"] < total["targets"]
        assert task.figures(total | {"loss": 0.0})["sequence_accuracy"] == known / len(targets)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("Tom ' s sister , who ’ s old , isn ' t here .", "Tom's sister, who’s old, isn't here."),
        ("( a well - known one ) !", "(a well-known one)!"),
        ("한국 어 입니다 .", "한국 어 입니다."),
    ],
)
def test_words_are_spaced_as_in_print(words: str, printed: str) -> None:
    assert spaced(words) == printed


def answers_of(task: Translate, *, wrong: int) -> list[Codes]:
    """Return the right answers to the test set, but for some that are those of another sentence."""
    right = [task.target.encode(other) for _, other in task.sentences("test")]
    return [*right[1 : wrong + 1], *right[wrong:]]


def test_bleu_and_chrf_are_those_of_sacrebleu_with_its_signature(sentences: Path) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    task = Translate(pairs=str(sentences), rare=1)
    assert task.together(answers_of(task, wrong=0)) == pytest.approx({"bleu": 100, "chrf": 100})
    written = answers_of(task, wrong=4)
    found = task.together(written)
    texts, right = (
        [task.text_of(answer) for answer in written],
        [other for _, other in task.sentences("test")],
    )
    assert found["bleu"] == sacrebleu.corpus_bleu(texts, [right]).score < 100
    assert found["chrf"] == sacrebleu.corpus_chrf(texts, [right]).score < 100
    assert task.data is not None
    notes = " ".join(task.data.notes)
    assert f"version:{sacrebleu.__version__}" in notes
    assert "Copying the test sentences has BLEU" in notes


def test_word_for_word_stands_beside_what_is_written(sentences: Path) -> None:
    pytest.importorskip("sacrebleu")
    task = Translate(pairs=str(sentences), rare=1)
    guess = task.guess_written(100, seed=1)
    assert guess.name == "word-for-word translation"
    copied = _overlap.overlap(*zip(*task.sentences("test"), strict=True))
    assert copied["bleu"] < guess.figures["bleu"] < 100


def test_without_sacrebleu_it_is_said_what_to_install(
    sentences: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(_overlap, "find_spec", lambda name: None if name == "sacrebleu" else find(name))
    task = Translate(pairs=str(sentences), rare=1)
    assert task.together(answers_of(task, wrong=0)) == {}
    assert task.data is not None
    assert "seqlab[translate]" in " ".join(task.data.notes)
