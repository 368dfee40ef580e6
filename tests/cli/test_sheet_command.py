"""A model that draws: its sheet of pictures, and how one comes to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SMALL = ["model.hidden_size=4", "task.steps=3", "training.steps=1", "training.test_sequences=8"]


def test_pictures_are_drawn_on_a_sheet_and_step_by_step(seqlab_command: Any, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="its digits are what is drawn")
    trained = seqlab_command("train", "draw", "-q", *SMALL, "training.evaluation_sequences=8")
    assert trained.returncode == 0, trained.stderr
    told = [
        json.loads(seqlab_command("sample", "draw", "--count", "6", "--seed", seed, "--json").stdout)
        for seed in "112"
    ]
    assert np.array(told[0]["pictures"]).shape == (6, 8, 8, 1)
    assert told[0]["pictures"] == told[1]["pictures"] != told[2]["pictures"]
    (sheet,) = told[0]["figures"]
    assert Path(sheet).read_bytes().startswith(b"\x89PNG")
    done = seqlab_command("sample", "latest", "--output", tmp_path / "mine.png")
    assert done.stdout.split() == [str(tmp_path / "mine.png")]
    refused = seqlab_command("sample", "draw", "--prime", "the")
    assert (refused.returncode, "--prime is for texts" in refused.stderr) == (2, True)
    refused = seqlab_command("sample", "draw", "--count", "1001")
    assert (refused.returncode, "up to 1,000 pictures" in refused.stderr) == (2, True)
    inspected = json.loads(seqlab_command("inspect", "draw", "--json", "--example", "2").stdout)
    (picture,) = inspected["pictures"]
    assert np.array(picture["drawn"]).shape == (3, 8, 8, 1)
    assert sorted(picture["windows"]) == ["read", "write"]
    assert len(picture["paid"]) == len(picture["missing"]) == 3
    assert inspected["found"] is None
    strip = seqlab_command("inspect", "draw", "--example", "2").stdout
    assert strip.startswith(
        "picture\tstep\tread, row and column\twrite, row and column\tnats of the code so far\t"
    )
