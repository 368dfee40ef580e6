"""What is read from the source text is what the imported components say."""

from __future__ import annotations

import pytest

from seqlab import registry
from seqlab.settings import Compute, MixedIn, Training
from seqlab.source import UNKNOWN, component_options, setting_keys

COMPONENTS = [(kind, name) for kind in ("model", "task") for name in registry.names(kind)]


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_options_are_those_of_the_constructor(kind: registry.Kind, name: str) -> None:
    fields = registry.options(registry.load(kind, name)).model_fields
    read = component_options(kind, name)
    assert read.keys() == fields.keys()
    for key, default in read.items():
        assert default is UNKNOWN or default == fields[key].default


def test_keys_are_those_of_the_schema() -> None:
    keys = setting_keys("temporal-order")
    for part, cls in {"training": Training, "mixture": MixedIn, "compute": Compute}.items():
        found = {key.removeprefix(f"{part}.") for key in keys if key.startswith(f"{part}.")}
        assert found == set(cls.model_fields)


def test_keys_are_of_the_model_and_task_that_are_meant() -> None:
    assert "model.chrono" in setting_keys("temporal-order")
    keys = setting_keys("temporal-order", model="rnn[layers=2]", task="copy")
    assert {"model.nonlinearity", "task.lag"} <= set(keys)
    assert {"model.chrono", "task.difficulty"}.isdisjoint(keys)
    assert {"model.chrono", "model.order", "task.lag"} <= set(setting_keys())
    assert setting_keys("no-such-experiment") == setting_keys()
    assert not any(key.startswith("model.") for key in setting_keys(model="my_cell.py"))
