"""What can be set, with its defaults: as the constructors say it, imported once and then read from the cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seqlab import registry
from seqlab.defaults import component_options, known, network_options, setting_keys
from seqlab.settings import Compute, MixedIn, Training


def test_options_are_those_of_constructors_and_network() -> None:
    assert component_options("task", "copy")["lag"] == registry.load("task", "copy")().lag
    lstm = component_options("model", "lstm")
    assert lstm["forget_bias"] == 1.0
    assert lstm.items() > network_options().items()
    assert network_options().keys().isdisjoint({"forget_bias", "chrono"})
    assert component_options("model", "my_cell.py") == {}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the cache folder, which is empty."""
    monkeypatch.setenv("SEQLAB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def in_a_new_process() -> str:
    """Return the number of settings there, and whether torch was loaded to know them."""
    code = "import sys; from seqlab.defaults import setting_keys; print(len(setting_keys()), 'torch' in sys.modules)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_components_are_imported_once(cache: Path) -> None:
    first = in_a_new_process()
    settings = len(setting_keys())  # after it: what is asked here may fill the cache
    assert first == f"{settings} True\n"
    assert in_a_new_process() == f"{settings} False\n"
    (file,) = cache.glob("options-*.json")
    file.write_text("{", encoding="utf-8")  # damaged
    assert in_a_new_process() == f"{settings} True\n"
    assert in_a_new_process() == f"{settings} False\n"


def test_other_source_has_other_options(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = known()
    for changed in (lambda kind, name: None, lambda kind, name: "offered by another version"):
        monkeypatch.setattr(registry, "component_hash", changed)
        known.cache_clear()
        assert known() == before
    assert len(list(cache.glob("options-*.json"))) == 2
    known.cache_clear()


@pytest.mark.slow
def test_where_nothing_can_be_kept_they_are_known_all_the_same(cache: Path) -> None:
    cache.write_text("a file where the folder should be", encoding="utf-8")
    for _ in range(2):
        assert in_a_new_process() == f"{len(setting_keys())} True\n"


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
