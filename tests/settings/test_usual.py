"""What people type for a setting leads to the setting."""

from __future__ import annotations

import pytest

from seqlab.defaults import setting_keys
from seqlab.settings.usual import USUAL, nearest_setting


def test_every_usual_name_is_of_a_setting_that_there_is_and_of_one_only() -> None:
    known = setting_keys(model="rnn") + setting_keys()
    assert USUAL.keys() <= set(known)
    words = [word for names in USUAL.values() for word in names.split()]
    assert len(words) == len(set(words))
    assert not set(words) & {key.rpartition(".")[2] for key in known}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lr", "training.learning_rate"),
        ("training.lr", "training.learning_rate"),
        ("LR", "training.learning_rate"),
        ("hidden_size", "model.hidden_size"),
        ("hidden-size", "model.hidden_size"),
        ("num_layers", "model.layers"),
        ("traning.steps", "training.steps"),
        ("zzzz", None),
    ],
)
def test_the_setting_that_is_meant(typed: str, meant: str | None) -> None:
    assert nearest_setting(typed, setting_keys("temporal-order")) == meant
