"""What makes two runs the same run."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.settings import Component, TrainExperiment
from seqlab.training.identity import fingerprint


@pytest.mark.parametrize("kind", ["model", "task"])
def test_a_changed_file_of_ones_own_is_another_run(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("first = 1")
    components = {
        "model": Component(name="rnn"),
        "task": Component(name="hello"),
        kind: Component(name=str(file)),
    }
    experiment = TrainExperiment(experiment="own", **components)
    before = fingerprint(experiment, None)
    assert fingerprint(experiment, None) == before
    file.write_text("second = 2")
    assert fingerprint(experiment, None) != before


def test_what_only_describes_does_not_count_and_the_data_does() -> None:
    experiment = TrainExperiment(
        experiment="own", task=Component(name="hello"), model=Component(name="rnn", hidden_size=8)
    )
    other = experiment.model_copy(update={"experiment": "other", "summary": "Another one."})
    assert fingerprint(experiment, None) == fingerprint(other, None)
    assert fingerprint(experiment, None) != fingerprint(experiment, "ab12")
    assert fingerprint(experiment, None) != fingerprint(experiment.model_copy(update={"seed": 2}), None)
