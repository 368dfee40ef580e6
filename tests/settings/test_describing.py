"""Every setting has a sentence, in the schema, in `config --describe` and on the page."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from conftest import Command

from seqlab.cli.schema import settings_schema
from seqlab.configure import describe, load_settings
from seqlab.settings import experiment_names

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schema_has_a_sentence_for_every_setting() -> None:
    without = [
        f"{name}.{key}"
        for name, definition in settings_schema()["$defs"].items()
        for key, schema in definition.get("properties", {}).items()
        if "const" not in schema and not schema.get("description")
    ]
    assert without == []


@pytest.mark.parametrize("name", experiment_names())
def test_every_setting_of_an_experiment_is_described(name: str) -> None:
    found = describe(load_settings(name)[0])
    assert [one.key for one in found if not one.sentence and one.key != "kind"] == []
    assert len({one.key for one in found}) == len(found)


def test_config_describes_values_too(seqlab_command: Command) -> None:
    rows = json.loads(
        seqlab_command("config", "temporal-order", "model.chrono=7", "--describe", "--json").stdout
    )
    by_key = {row["key"]: row for row in rows}
    assert by_key["model.chrono"]["value"] == 7
    assert by_key["model.chrono"]["sentence"].startswith("the longest lag T to prepare for, in steps")
    assert by_key["task.difficulty"]["allowed"] == "easy, normal, moderate, hard, nightmare"
    assert by_key["training.stop_when"]["value"] == {"errors": 0, "loss": 0.05}
    text = seqlab_command("config", "rnn-vs-lstm", "--describe").stdout
    assert "seeds\t" in text
    assert "seeds 1 to this number" in text


def test_the_sentences_of_a_user_s_own_model_are_those_of_its_docstring(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "leak.py").write_text(
        "from seqlab.models import Cell\n\n\nclass Leak(Cell):\n"
        "    '''A leak.\n\n    Args:\n        share: of what is kept.\n    '''\n\n"
        "    def __init__(self, input_size, hidden_size, *, share: float = 0.5):\n"
        "        super().__init__(input_size, hidden_size)\n\n    def step(self, x, state):\n        return state\n"
    )
    done = seqlab_command("config", "hello", "--model", "leak.py", "--describe")
    assert "model.share\t0.5\tof what is kept\ta number" in done.stdout


def test_the_page_is_what_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("make_settings", DOCS / "make_settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == module.page(), "python docs/make_settings.py"
