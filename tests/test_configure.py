"""From names and overrides to a checked experiment, and back to what differs from the experiment's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab.configure import changes, load_settings
from seqlab.defaults import known
from seqlab.errors import UsageError
from seqlab.registry import resolve
from seqlab.settings import TrainExperiment

MINE = """\
task: {name: temporal-order}
model: {name: lstm, hidden_size: 8, layers: 2}
training: {steps: 5}
presets:
  hard: {seed: 7}
  short: {training.steps: 9, model.forget_bias: 5.0}
  deep: {task: {difficulty: hard}}
"""
CELL = """
from seqlab.models import Cell

class MyCell(Cell):
    def __init__(self, input_size, hidden_size, *, leak: float = 0.5):
        super().__init__(input_size, hidden_size)

    def step(self, x, state):
        return state
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "my_cell.py").write_text(CELL)
    return tmp_path / "mine.yaml"


def test_what_stands_later_wins(mine: Path) -> None:
    experiment, document = load_settings(None, config=mine, difficulty="hard", preset="short")
    assert (experiment.training.steps, experiment.seed, experiment.task.options["difficulty"]) == (
        9,
        7,
        "hard",
    )
    assert experiment.model.options["forget_bias"] == 5.0
    assert document.where("training.steps") == f"{mine}, line 6"
    experiment, document = load_settings(
        None,
        config=mine,
        difficulty="hard",
        preset="short",
        overrides=["training.steps=11", "seed=8", "model.hidden_size=4"],
        seed=9,
        model="lstm[layers=3]",
    )
    assert (experiment.training.steps, experiment.seed) == (11, 9)
    assert {"layers": 3, "hidden_size": 4, "forget_bias": 5.0}.items() <= experiment.model.options.items()
    assert document.where("model.layers") == "On the command line"
    assert document.where("model.forget_bias") == f"{mine}, line 6"


def test_a_preset_named_as_a_level_of_the_task_is_that_level(mine: Path) -> None:
    experiment, _ = load_settings(None, config=mine, preset="hard")
    assert (experiment.seed, experiment.task.options["difficulty"]) == (7, "hard")
    for others in ({"difficulty": "easy"}, {"overrides": ["task.difficulty=easy"]}):
        with pytest.raises(
            UsageError, match=r"--preset hard belongs to the task's level hard, but .* set to easy"
        ):
            load_settings(None, config=mine, preset="hard", **others)
    assert load_settings(None, config=mine, preset="short")[0].task.options["difficulty"] == "easy"


def test_a_preset_that_sets_the_level_is_laid_over_no_other(mine: Path) -> None:
    for words in ({}, {"difficulty": "hard"}):
        assert (
            load_settings(None, config=mine, preset="deep", **words)[0].task.options["difficulty"] == "hard"
        )
    with pytest.raises(
        UsageError, match=r"--preset deep belongs to the task's level hard, but .* set to easy"
    ):
        load_settings(None, config=mine, preset="deep", difficulty="easy")
    with pytest.raises(UsageError, match="set to easy"):
        load_settings(None, config=mine, preset="deep", task="temporal-order[difficulty=easy]")


def test_another_model_keeps_the_size_alone(mine: Path) -> None:
    options = load_settings(None, config=mine, preset="short", model="rnn")[0].model.options
    assert (options["hidden_size"], options["layers"]) == (8, 2)
    assert "forget_bias" not in options
    task = load_settings(None, config=mine, task="hello")[0].task
    assert task.name == "hello"
    assert "difficulty" not in task.options


def test_a_plugin_named_on_the_command_line_is_recorded_with_its_absolute_path(mine: Path) -> None:
    experiment, _ = load_settings(None, config=mine, model="my_cell.py[leak=0.25]")
    assert experiment.model.name == str(mine.parent / "my_cell.py")
    assert (experiment.model.options["leak"], experiment.model.options["hidden_size"]) == (0.25, 8)


@pytest.mark.parametrize(
    ("words", "differs"),
    [
        ({}, {}),
        ({"seed": 3, "difficulty": "hard"}, {"seed": (1, 3), "task.difficulty": ("easy", "hard"),
                                             "model.chrono": (10, 110)}),
        ({"overrides": ["model.forget_bias=2", "training.clip_norm=null"]},
         {"model.forget_bias": (1.0, 2.0), "training.clip_norm": (1.0, None)}),
        ({"model": "rnn"}, {"model.name": ("lstm", "rnn")}),  # the size stays, the rest is its own
        ({"model": "rnn[layers=2,nonlinearity=relu]"},
         {"model.name": ("lstm", "rnn"), "model.layers": (1, 2), "model.nonlinearity": ("tanh", "relu")}),
        ({"model": "ngram", "overrides": ["compute.threads=2", "compute.device=cpu"]},
         {"model.name": ("lstm", "ngram")}),
    ],
)  # fmt: skip
def test_what_differs_from_the_experiment(words: dict, differs: dict) -> None:
    experiment, _ = load_settings("temporal-order", **words)
    assert changes(experiment.model_dump(mode="json")) == differs


@pytest.mark.parametrize("name", ["texts/notes.txt", "./texts", "~/notes.txt"])
def test_a_text_is_recorded_with_its_absolute_path(
    mine: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mine.parent / "texts"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    (folder / "notes.txt").write_text("a text")
    experiment, document = load_settings("char-shakespeare", overrides=[f"task.corpus={name}"])
    assert isinstance(experiment, TrainExperiment)
    assert experiment.task.options["corpus"] == str(folder if name == "./texts" else folder / "notes.txt")
    monkeypatch.chdir("/")
    assert resolve(experiment, document) == experiment


def test_a_users_own_cell_and_experiment(mine: Path) -> None:
    plugin = load_settings("hello", model="my_cell.py")[0].model_dump(mode="json")
    assert changes(plugin) == {
        "model.name": ("rnn", str(mine.parent / "my_cell.py")),
        "model.leak": (None, 0.5),  # what its default is, only running the file would tell
    }
    assert changes(load_settings(None, config=mine)[0].model_dump(mode="json")) is None


def test_what_differs_is_found_without_torch() -> None:
    settings = load_settings("hello", model="lstm")[0].model_dump(mode="json")
    known.cache_clear()
    known()  # they lie in the cache from now on
    code = f"""
import json, sys
from seqlab.configure import changes
print(changes(json.loads({json.dumps(settings)!r})))
print({{"torch", "numpy"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["{'model.name': ('rnn', 'lstm')}", "set()"]
