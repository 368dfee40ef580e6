"""Questions about a picture of a user's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SMALL = ["model.hidden_size=4", "model.channels=2", "training.steps=1", "training.batch_size=4"]
JUDGED = ["training.evaluation_sequences=8", "training.test_sequences=8"]


@pytest.mark.parametrize(
    "model",
    ["relation-network", pytest.param("relation-network[relates=all]", marks=pytest.mark.slow), "captioner"],
)
def test_a_picture_of_ones_own_is_asked_about(seqlab_command: Any, tmp_path: Path, model: str) -> None:
    trained = seqlab_command("train", "picture-questions", "--model", model, "-q", *SMALL, *JUDGED)
    assert trained.returncode == 0, trained.stderr
    picture = tmp_path / "mine.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(picture)

    def asked(question: str) -> Any:
        return seqlab_command("answer", "latest", question, "--image", picture, "--json")

    answered = json.loads(asked("What shape is closest to the red one?").stdout)
    (answer,) = answered["questions"][0]["answers"]
    assert answer["text"] in {"square", "circle", "yes", "no", "zero", "one", "two", "three", "four", "five"}
    for question, said in (
        ("what shape is the pink one", "'pink' is no word"),
        ("red " * 20, "has 20 words"),
    ):
        refused = asked(question)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    unseen = seqlab_command("answer", "picture-questions", "what shape is the red one")
    assert '"QUESTION" --image FILE' in unseen.stderr
    inspected = seqlab_command("inspect", "latest", "--example", "3", "--sequences", "8")
    if "all" not in model:
        assert inspected.stdout.startswith("asked: ")
        assert "\nwanted: " in inspected.stdout
        assert '--input "QUESTION" --image FILE' in inspected.stderr
        own = ("inspect", "latest", "--sequences", "8", "--image", picture)
        refused = seqlab_command(*own)
        assert (refused.returncode, '--input "QUESTION"' in refused.stderr) == (2, True)
        looked = seqlab_command(*own, "--input", "what shape is the red one")
        assert looked.returncode == 0, looked.stderr
        assert ("attention" if model == "captioner" else "the place asked about") in looked.stdout
    else:
        assert (inspected.returncode, "does not look at parts" in inspected.stderr) == (2, True)
        assert "on the same task" in inspected.stderr
