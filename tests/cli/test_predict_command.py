"""From a labelled file to a model, and from the model to labels: `train --data ... --label`, `predict`, `plot`."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest
from conftest import Command

QUICK = (
    "task.tokens=char", "model.hidden_size=4", "model.embedding_size=null", "training.steps=3",
    "training.batch_size=8", "training.evaluate_every=3", "-q",
)  # fmt: skip


@pytest.fixture
def trained(seqlab_command: Command, tmp_path: Path) -> Command:
    draw = random.Random(1)
    rows = [("".join(draw.choices("ab" if n % 3 else "cd", k=6)), "ab" if n % 3 else "cd") for n in range(90)]
    with (tmp_path / "rows.csv").open("w") as file:
        csv.writer(file).writerows([("word", "kind"), *rows])
    words = ("train", "--data", "rows.csv", "--text", "word", "--label", "kind", *QUICK)
    done = seqlab_command(*words)
    assert done.returncode == 0, done.stderr
    return seqlab_command


def test_a_labelled_table_is_learned_beside_a_bag_of_n_grams(trained: Command) -> None:
    shown = json.loads(trained("show", "--json").stdout)
    assert shown["summary"]["held_out"].keys() == {"accuracy", "balanced_accuracy", "macro_f1", "loss"}
    counts = shown["summary"]["confusion"]["counts"]
    assert sum(map(sum, counts)) == shown["summary"]["confusion"]["sequences"]


def test_a_run_from_another_is_called_by_its_table(trained: Command, tmp_path: Path) -> None:
    (tmp_path / "again.csv").write_text((tmp_path / "rows.csv").read_text())
    words = ("train", "--from", "latest", "--data", "again.csv", "--text", "word", "--label", "kind", *QUICK)
    assert json.loads(trained(*words, "--json").stdout)["run"].startswith("again-")


def test_what_is_mistaken_is_said_and_drawn(trained: Command, tmp_path: Path) -> None:
    done = trained("train", "--data", "rows.csv", "--text", "word", "--label", "kind", *QUICK)
    assert "Wilson's 95 % interval" in done.stdout
    assert "guessing: accuracy" in done.stdout
    assert "Next: seqlab predict" in done.stderr
    paths = trained("plot", "--format", "svg").stdout
    picture = next(Path(path) for path in paths.splitlines() if path.endswith("confusion.svg"))
    assert (tmp_path / picture).is_file()


def test_rows_of_a_table_are_labelled(trained: Command, tmp_path: Path) -> None:
    done = trained("predict", "latest", "rows.csv")
    head, *rows = csv.reader(io.StringIO(done.stdout))
    assert head == ["place", "text", "label", "p(ab)", "p(cd)"]
    assert [row[0] for row in rows] == [f"line {n}" for n in range(2, 92)]
    for row in rows:
        shares = [float(share) for share in row[3:]]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert row[2] == ("ab" if shares[0] >= shares[1] else "cd")
    written = trained("predict", "latest", "rows.csv", "--out", "out.csv")
    assert "90 answers written to out.csv" in written.stderr
    assert (tmp_path / "out.csv").read_text() == done.stdout
    before = (tmp_path / "rows.csv").read_text()
    assert trained("predict", "latest", "rows.csv", "--out", "rows.csv").returncode == 2
    assert (tmp_path / "rows.csv").read_text() == before


def test_lines_of_a_plain_text_are_labelled_and_what_is_unknown_is_said(
    trained: Command, tmp_path: Path
) -> None:
    (tmp_path / "lines.txt").write_text("abab\r\n\r\nž\n", encoding="utf-16")
    done = trained("predict", "latest", "lines.txt", "--json")
    answers = json.loads(done.stdout)["answers"]
    assert [answer["text"] for answer in answers] == ["abab", "", "ž"]
    assert answers[1]["probabilities"] == answers[2]["probabilities"], "nothing is known of either"
    assert "1 character that the training part does not have" in done.stderr
    (tmp_path / "commas.txt").write_text('a, b\nc, d, "e\nf\n')
    assert len(json.loads(trained("predict", "latest", "commas.txt", "--json").stdout)["answers"]) == 3
    (tmp_path / "other.csv").write_text("wrd,kind\nab,ab\n")
    refused = trained("predict", "latest", "other.csv")
    assert refused.returncode == 2
    assert "Unknown column 'word'.\nDid you mean 'wrd'?" in refused.stderr


def test_a_run_that_labels_nothing_is_refused(trained: Command, tmp_path: Path) -> None:
    assert trained("train", "hello", "-q", "training.steps=2").returncode == 0
    done = trained("predict", "hello", "rows.csv")
    assert done.returncode == 2
    assert "labels no sequences of yours: its task is hello." in done.stderr
    wrong = trained("predict", "rows", "no-such.csv")
    assert wrong.returncode == 2
    assert "There is no file 'no-such.csv'" in wrong.stderr


def test_numbers_in_long_form_are_labelled_by_their_names(seqlab_command: Command, tmp_path: Path) -> None:
    lines = [f"s{n:02},{n % 2 * step},{'ab'[n % 2]}" for n in range(40) for step in range(3 + n % 3)]
    (tmp_path / "long.csv").write_text("id,x,kind\n" + "\n".join(lines))
    words = ("train", "--data", "long.csv", "--group", "id", "--label", "kind", *QUICK)
    assert seqlab_command(*words).returncode == 0
    head, *rows = csv.reader(io.StringIO(seqlab_command("predict", "long", "long.csv").stdout))
    assert head[:2] == ["id", "label"]
    assert [row[0] for row in rows] == [f"s{n:02}" for n in range(40)]


def test_words_are_tagged_one_a_line(seqlab_command: Command, tmp_path: Path) -> None:
    small = Path(__file__).parents[1] / "tasks" / "own" / "small.conll"
    words = ("train", "tags", "--data", small, *QUICK[1:])
    done = seqlab_command(*words)
    assert done.returncode == 0, done.stderr
    assert "span F1" in done.stdout
    assert "Wilson" not in done.stdout, "the words of a sentence do not come by themselves"
    (tmp_path / "new.txt").write_text("Ann\nlives\n\nZoe\n")
    seen = json.loads(seqlab_command("inspect", "tags", "--input", "Ann lives", "--json").stdout)
    assert seen["symbols"] == ["Ann", "lives"]
    done = seqlab_command("predict", "tags", "new.txt")
    head, *rows = csv.reader(io.StringIO(done.stdout))
    assert head[:3] == ["place", "word", "label"]
    assert [row[:2] for row in rows] == [["line 1", "Ann"], ["line 2", "lives"], ["line 4", "Zoe"]]
    assert "1 word is rare or unknown, which the model takes for one symbol: 'Zoe'." in done.stderr
