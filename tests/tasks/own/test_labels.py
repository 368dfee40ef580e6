"""Labelled sequences: what is read, how it is split without a leak, how it is judged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqlab.contracts import PAD, Split
from seqlab.errors import SeqlabError, TextError, UnknownNameError, UsageError
from seqlab.tasks._by_hash import hashes, parted
from seqlab.tasks.own._bag import _summaries
from seqlab.tasks.own._examples import Examples
from seqlab.tasks.own._inputs import END, Numbers
from seqlab.tasks.own.labels import Labels

Rows = Sequence[tuple[str, str]]
MakeTask = Callable[..., Labels]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def animals(count: int, seed: int = 1) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    words = {"cat": ["miaow", "purr"], "dog": ["woof", "bark"], "cow": ["moo"]}
    return [
        (" ".join([*draw.choices(["the", "big", "old"], k=3), draw.choice(words[kind]), str(number)]), kind)
        for number in range(count)
        for kind in [draw.choice(["cat", "cat", "cat", "dog", "cow"])]
    ]


@pytest.fixture
def task_of(tmp_path: Path) -> MakeTask:
    """Make a task of rows."""

    def make(rows: Rows, **options: Any) -> Labels:
        path = tmp_path / "rows.csv"
        path.write_text("said,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
        return Labels(table=str(path), **options)

    return make


def examples(task: Labels, split: Split) -> list[tuple[str, str]]:
    """Return all texts of a split as they are read, with their labels."""
    assert task.vocabulary is not None
    found = []
    for batch in task.evaluation(split, 1, 1):
        for row, target in zip(batch.inputs, batch.targets.tolist(), strict=True):
            text = task.vocabulary.decode(row[row != PAD].numpy())
            assert text[-1] == END
            found.append((text[:-1], task.answers[target]))
    return found


def test_each_row_is_read_once_with_its_label_and_no_text_is_in_two_parts(task_of: MakeTask) -> None:
    rows = animals(200)
    task = task_of([*rows, *rows[:30]])
    parts = {split: examples(task, split) for split in SPLITS}
    assert sorted(sum(parts.values(), start=[])) == sorted([*rows, *rows[:30]])  # noqa: RUF017
    texts = [{text for text, _ in part} for part in parts.values()]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]
    assert task.data is not None
    assert any("30 of 230 sequences repeat an earlier one" in note for note in task.data.notes)


def test_every_class_has_its_share_in_every_part(task_of: MakeTask) -> None:
    task = task_of([(f"text {n} of its kind", "rare" if n % 10 == 0 else "usual") for n in range(300)])
    for split, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True):
        labels = [label for _, label in examples(task, split)]
        assert labels.count("rare") == 30 * share
        assert labels.count("usual") == pytest.approx(270 * share, abs=1)
    assert task.data is not None
    assert task.data.notes[0] == "Training/validation/test: usual 216/27/27, rare 24/3/3."


def test_texts_with_two_labels_are_said_and_stay_together(task_of: MakeTask) -> None:
    rows = [(f"text {n}", label) for n in range(40) for label in ("a", "b")]
    task = task_of(rows)
    assert task.data is not None
    assert "40 sequences stand there with different labels." in task.data.notes
    for split in SPLITS:
        labels = [label for _, label in examples(task, split)]
        assert labels.count("a") == labels.count("b")


@given(st.lists(st.text("abc", max_size=3), min_size=3, max_size=60), st.data())
def test_equal_keys_fall_into_one_part_whatever_their_classes(keys: list[str], data: st.DataObject) -> None:
    classes = data.draw(st.lists(st.integers(0, 2), min_size=len(keys), max_size=len(keys)))
    parts = parted(hashes(keys), classes)
    found = {
        key: {int(part) for other, part in zip(keys, parts, strict=True) if other == key} for key in keys
    }
    assert all(len(own) == 1 for own in found.values())
    shuffled = random.Random(1).sample(range(len(keys)), len(keys))
    if len(set(classes)) == 1:
        again = parted(hashes([keys[place] for place in shuffled]), [classes[place] for place in shuffled])
        assert again.tolist() == parts[shuffled].tolist(), "where a row stands has no say"


def test_the_vocabulary_is_of_the_training_part_and_what_is_not_in_it_is_left_out(task_of: MakeTask) -> None:
    rows = animals(60)
    tasks = (task_of([*rows, (f"é {number}", "cat")]) for number in range(100))
    task = next(one for one in tasks if any(text[0] in "é " for text, _ in examples(one, "test")))
    assert "é" not in (task.vocabulary or ())
    assert task.data is not None
    assert any("1 character that the training part does not have" in note for note in task.data.notes)


def test_words_may_be_tokens_and_rare_ones_fold(task_of: MakeTask) -> None:
    task = task_of(animals(100), tokens="word", rare=2)
    assert task.vocabulary is not None
    assert "miaow" in task.vocabulary
    assert task.vocabulary.rare is not None, "each number is seen once"
    assert task.data is not None
    assert any(note.startswith("100 of ") and "rare or unknown" in note for note in task.data.notes)


def test_of_a_long_text_the_beginning_is_read(task_of: MakeTask) -> None:
    task = task_of([*animals(60), ("o" * 500, "cow")], longest=10)
    widths = [batch.inputs.shape[1] for split in SPLITS for batch in task.evaluation(split, 1, 1)]
    assert max(widths) == 11
    assert task.data is not None
    assert any("are longer than 10 steps" in note and "has 500" in note for note in task.data.notes)


def test_balanced_weights_draw_every_class_as_often(task_of: MakeTask) -> None:
    rows = [(f"text {n}", "rare" if n % 20 == 0 else "usual") for n in range(400)]
    shares = {}
    for weights in ("none", "balanced"):
        task = task_of(rows, class_weights=weights)
        drawn = torch.cat([task.batch("train", index, 50, 1).targets for index in range(20)])
        shares[weights] = float((drawn == task.answers.index("rare")).double().mean())
    assert shares["none"] == pytest.approx(0.05, abs=0.01)
    assert shares["balanced"] == pytest.approx(0.5, abs=0.06)


def test_a_class_that_is_held_out_as_a_whole_is_never_drawn(task_of: MakeTask) -> None:
    task = task_of(animals(100), class_weights="balanced")
    gone = task.answers.index("cow")
    task._which["train"] = np.array([at for at in task._which["train"] if task._classes[at] != gone])
    assert gone not in task.batch("train", 0, 50, 1).targets.tolist()


def test_a_text_of_a_user_s_is_read_to_its_end(task_of: MakeTask) -> None:
    task = task_of(animals(60))
    assert task.vocabulary is not None
    assert task.vocabulary.decode(task.read("mooé")) == f"moo{END}"


def test_figures_are_those_of_scikit_learn(task_of: MakeTask) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    task = task_of(animals(300))
    generator = torch.Generator().manual_seed(1)
    total: Any = None
    said, wanted = [], []
    for batch in task.evaluation("train", 1, 1):
        outputs = torch.randn(*batch.inputs.shape, len(task.answers), generator=generator)
        counts = task.tally(outputs, batch)
        total = counts if total is None else total + counts
        said += outputs[:, -1].argmax(-1).tolist()
        wanted += batch.targets.tolist()
    figures = task.figures(total)
    assert figures["accuracy"] == pytest.approx(metrics.accuracy_score(wanted, said))
    assert figures["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(wanted, said))
    assert figures["macro_f1"] == pytest.approx(metrics.f1_score(wanted, said, average="macro"))


def test_the_baseline_finds_what_there_is_and_nothing_where_labels_are_shuffled(task_of: MakeTask) -> None:
    pytest.importorskip("sklearn")
    rows = animals(400)
    guess = task_of(rows).guess(1, 1)
    assert guess.name == "bag of n-grams"
    assert guess.figures["accuracy"] > 0.9
    assert [other.name for other in guess.others] == ["guessing"]
    labels = random.Random(1).sample([label for _, label in rows], len(rows))
    shuffled = task_of([(text, label) for (text, _), label in zip(rows, labels, strict=True)]).guess(1, 1)
    assert shuffled.figures["balanced_accuracy"] < 0.55, "chance is a third: the test part tells nothing"


def test_without_scikit_learn_there_is_the_commonest_class(
    task_of: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqlab.tasks.own._bag.is_available", lambda: False)
    guess = task_of(animals(200)).guess(1, 1)
    assert (guess.name, guess.others) == ("guessing", ())
    assert guess.figures["balanced_accuracy"] == pytest.approx(1 / 3)


def numbers(folder: Path, lengths: Sequence[int], **options: Any) -> Labels:
    lines = ["id,x,y,label"]
    for number, length in enumerate(lengths):
        kind = "up" if number % 2 else "down"
        lines += [f"s{number:03},{step if number % 2 else -step},{number},{kind}" for step in range(length)]
    (folder / "long.csv").write_text("\n".join(lines) + "\n")
    return Labels(table=str(folder / "long.csv"), group="id", **options)


def test_numbers_in_long_form_are_scaled_by_the_training_part(tmp_path: Path) -> None:
    task = numbers(tmp_path, [6] * 60)
    assert (task.spec.inputs, task.spec.input_size) == ("features", 2)
    whole = torch.cat([batch.inputs for batch in task.evaluation("train", 1, 1)])
    assert whole.shape[1:] == (6, 2)
    assert torch.allclose(whole.mean((0, 1)), torch.zeros(2), atol=1e-6)
    assert torch.allclose(whole.std((0, 1), correction=0), torch.ones(2), atol=1e-5)
    assert task.guess(1, 1).figures["accuracy"] == 1


def test_where_lengths_differ_a_feature_says_where_a_sequence_begins(tmp_path: Path) -> None:
    task = numbers(tmp_path, [3, 5, 4, 6] * 15)
    assert task.spec.input_size == 3
    for batch in task.evaluation("train", 1, 1):
        there = batch.inputs[..., 2]
        assert set(there.flatten().tolist()) <= {0.0, 1.0}
        assert (there.diff(dim=1) >= 0).all(), "what is not there stands in front"
        assert (batch.inputs[there == 0] == 0).all()
        assert set(there.sum(1).tolist()) <= {3.0, 4.0, 5.0, 6.0}


def test_gaps_of_numbers_are_the_mean_and_said(tmp_path: Path) -> None:
    lines = [f"s{n},{'' if n == 3 else n},{'ab'[n % 2]}" for n in range(40)]
    (tmp_path / "t.csv").write_text("id,x,label\n" + "\n".join(lines))
    task = Labels(table=str(tmp_path / "t.csv"), group="id")
    assert task.data is not None
    assert "1 values are missing, the first in line 5; they are read as the mean." in task.data.notes
    assert all(torch.isfinite(batch.inputs).all() for batch in task.evaluation("train", 1, 1))


def test_what_does_not_vary_in_the_training_part_is_divided_by_one(tmp_path: Path) -> None:
    constant = np.full((100, 1), 0.1)  # whose deviation, as computed, is 3e-17
    later = Examples("later", ["s"], series=[np.array([[0.1], [0.2]])])
    assert Numbers([constant]).store(later).steps[:, 0].tolist() == pytest.approx([0, 0.1], abs=1e-7)


def test_a_gap_is_read_as_the_mean_by_what_numbers_are_compared_with(tmp_path: Path) -> None:
    one, mean = np.array([[1000.0], [np.nan], [1002.0]]), np.array([1001.0])
    summary = _summaries([one], mean)[0]
    assert summary[:4].tolist() == pytest.approx([1001, np.std([1000, 1001, 1002]), 1000, 1002])


def test_a_table_may_be_of_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"said": text, "label": label}) + "\n" for text, label in animals(60)))
    assert Labels(table=str(path)).answers == ("cat", "cow", "dog")


def test_rows_without_text_or_label_are_left_out_and_said(task_of: MakeTask) -> None:
    task = task_of([*animals(60), ("", "cat"), ("moo", ""), ("purr", "")])
    assert task.data is not None
    assert "1 row has no text and is left out; the first is line 62." in task.data.notes
    assert "2 rows have no label and are left out; the first is line 63." in task.data.notes


@pytest.mark.parametrize(
    ("rows", "options", "kind", "said"),
    [
        ([*animals(60), ("moo", "owl")], {}, TextError, "line 62: the label 'owl' has 1 different example;"),
        ([("a", "x"), ("b", "x"), ("c", "x")], {}, TextError, "has 1 label in 3 examples"),
        ([("a", "x")], {}, TextError, "line 2: the label 'x' has 1 different example"),
        (animals(60), {"label": "labl"}, UnknownNameError, "Did you mean 'label'"),
        (animals(60), {"text": "sad"}, UnknownNameError, "Did you mean 'said'"),
        (animals(60), {"group": "said"}, UsageError, "no column of numbers"),
        (animals(60), {"label": "said", "text": "said", "fewest": 3}, TextError, "has 0 labels"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    task_of: MakeTask, rows: Rows, options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        task_of(rows, **options)


def test_rare_labels_may_be_left_out(task_of: MakeTask) -> None:
    task = task_of([*animals(60), ("hoo", "owl"), ("hiss", "snake")], fewest=3)
    assert task.answers == ("cat", "cow", "dog")
    assert task.data is not None
    assert "2 labels with fewer than 3 different examples are left out, 2 rows." in task.data.notes


def test_columns_that_are_not_clear_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("one,two,three\n" + "a,b,c\n" * 5)
    with pytest.raises(UsageError, match=r"(?s)Which column of .* holds the labels\?.*--label COLUMN"):
        Labels(table=str(tmp_path / "t.csv"))
    with pytest.raises(UsageError, match=r"(?s)Which column of .* holds the texts\?.*one, two, three"):
        Labels(table=str(tmp_path / "t.csv"), label="three")


def test_a_sequence_with_two_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,x,label\na,1,up\na,2,down\n")
    with pytest.raises(TextError, match="line 3: the sequence 'a' has the label 'down', but 'up' in line 2"):
        Labels(table=str(tmp_path / "t.csv"), group="id")


cells = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.one_of(st.binary(max_size=200), st.lists(st.tuples(cells, cells), max_size=12)))
def test_whatever_a_file_holds_it_is_read_or_refused_in_a_sentence(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "any.csv"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text("said,label\n" + "".join(f'"{a}","{b}"\n' for a, b in content), encoding="utf-8")
    try:
        task = Labels(table=str(path), text="said", label="label")
    except SeqlabError:
        pass
    else:
        assert all(len(batch.inputs) for batch in task.evaluation("test", 1, 1))
        assert np.isfinite(task.batch("train", 0, 3, 1).inputs.numpy()).all()
