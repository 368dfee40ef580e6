"""`seqlab answer --image`: what it prints, and that the probability is that of the words it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import torch
from conftest import table
from PIL import Image

from seqlab.cli.answer import readable
from seqlab.runs import find_run
from seqlab.session import reopen_trained
from seqlab.session.seeing import see_file

pytest.importorskip("sklearn", reason="its digits are what is trained on")

Command = Callable[..., CompletedProcess[str]]

TINY = (
    "training.steps=2", "training.batch_size=8", "training.evaluation_sequences=8",
    "training.test_sequences=8", "model.hidden_size=4",
)  # fmt: skip


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.full((30, 120, 3), 255, np.uint8)
    pixels[5:25, 10:14] = pixels[5:25, 50:54] = 0
    Image.fromarray(pixels).save(tmp_path / "digits.png")
    return tmp_path / "digits.png"


def test_a_picture_is_described_with_the_probability_of_just_these_words(
    seqlab_command: Command, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seqlab_command("train", "digit-captions", "-q", "model.channels=2", *TINY).returncode == 0
    done = seqlab_command("answer", "--image", "digits.png")
    head, (asked, answer, probability) = table(done.stdout)
    assert (head, asked) == (["asked", "answer", "probability"], "digits.png")
    how = "digits.png: 120 x 30 pixels; inverted, since its edge is bright; resized to 48 x 12"
    assert how in done.stderr
    told = json.loads(seqlab_command("answer", "--image", picture, "--nbest", "2", "--json").stdout)
    assert len(told["questions"][0]["answers"]) == 2

    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    session = reopen_trained(find_run("latest"))
    task, model = session.task, session.model.eval()
    assert task.sees is not None
    batch = task.see(see_file(picture, task.sees).pixels)
    (found,) = told["questions"][0]["answers"][:1]
    for text, wanted in ((answer, float(probability)), (found["text"], found["probability"])):
        words = [task.answers.index(word) for word in text.split()]
        shown = torch.tensor([[*batch.inputs[0].tolist(), *words]])
        with torch.no_grad():
            logs = model(shown, model.start(batch.context, 1))[0][0].double().log_softmax(-1)
        ended = words if len(words) > 5 else [*words, len(task.answers) - 1]
        right = sum(float(logs[step, word]) for step, word in enumerate(ended))
        assert wanted == pytest.approx(np.exp(right), rel=0.01)

    for words, said in (
        (("answer", "digit-captions"), "--image FILE"),
        (("answer", "latest", "how many?", "--image", "digits.png"), "asks nothing about a picture"),
        (("answer", "--image", "digits.png", "--file", "x"), "--image and --file are both given"),
        (("answer", "--image", "none.png"), "There is no file 'none.png'"),
        (("inspect", "--image", "digits.png", "--example", "1"), "Both --example and --image are given"),
    ):
        refused = seqlab_command(*words)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    looked = ("inspect", "--image", "digits.png", "--sequences", "4", "--format", "png")
    assert (
        json.loads(seqlab_command(*looked, "--json").stdout)["written"][: len(answer.split())]
        == answer.split()
    )
    assert "is of it" not in seqlab_command(*looked).stdout  # of a user's picture nobody knows where what is


def test_a_digit_is_named_with_the_probabilities_of_the_likeliest(
    seqlab_command: Command, picture: Path
) -> None:
    assert seqlab_command("train", "row-digits", "-q", *TINY).returncode == 0
    done = seqlab_command("answer", "--image", "digits.png", "--nbest", "10")
    head, *rows = table(done.stdout)
    assert head == ["asked", "answer", "probability", "score"]
    assert len({row[1] for row in rows}) == 10
    assert sum(float(row[2]) for row in rows) == pytest.approx(1, abs=0.01)
    assert "put into the middle of 8 x 8" in done.stderr
    looked = ("inspect", "--image", "digits.png", "--format", "png", "--sequences", "8")
    assert json.loads(seqlab_command(*looked, "--json").stdout)["said"][-1] == rows[0][1]
    assert "--lesions, --image FILE, or" in seqlab_command(*looked).stderr


def test_a_run_that_sees_no_pictures_is_refused(seqlab_command: Command, picture: Path) -> None:
    assert seqlab_command("train", "hello", "-q", "training.steps=1").returncode == 0
    for run, said in (("latest", "run that sees pictures"), ("hello", "sees no pictures of yours")):
        refused = seqlab_command("answer", run, "--image", "digits.png")
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr


def test_an_answer_without_a_word_is_said_to_be_so_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (readable(""), readable("one")) == ("", "one")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert (readable(""), readable("one")) == ("(nothing)", "one")
