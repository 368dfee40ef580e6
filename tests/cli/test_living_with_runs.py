"""Finding, comparing, tagging, throwing away and training again, as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from seqlab.defaults import known
from seqlab.files import replace_file
from seqlab.runs import Run, create_run, read_entry, trash_dir

CONFIG = """\
kind: train
experiment: hello
seed: {seed}
task: {{name: hello}}
model: {{name: rnn, hidden_size: {hidden}}}
training: {{learning_rate: 1.0e-02}}
presets: {{quick: {{training.steps: 3}}}}
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Make a run by writing its files: no training."""
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))

    def make_run(
        accuracy: float | None = 1.0,
        seed: int = 1,
        hidden: int = 8,
        status: str = "finished",
        model: str = "rnn",
        days: float = 0,
        extra: dict[str, Any] | None = None,
    ) -> Run:
        config = CONFIG.format(seed=seed, hidden=hidden)
        run = create_run("hello", model, seed, command="seqlab train hello", config_text=config)
        run.append_metrics({"step": 20, "sequences": 20, "loss": 0.5})
        if accuracy is not None:
            run.write_summary(
                {"steps": 20 + seed, "wall_seconds": 1.5, "held_out": {"accuracy": accuracy, "loss": 0.5}}
            )
        created = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
        metrics = [
            {"name": "accuracy", "higher_is_better": True},
            {"name": "loss", "higher_is_better": False},
        ]
        run.update_info(status=status, created=created, extra={"metrics": metrics, **(extra or {})})
        return run

    return make_run


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_runs_are_found_by_setting_and_tag_and_sorted_by_a_figure(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    worse, best, none = make(0.5, seed=2), make(0.75, seed=1, hidden=16), make(None, status="failed")

    def ids(*words: str) -> list[str]:
        done = seqlab_command("runs", "--json", *words)
        assert done.returncode == 0, done.stderr
        return [entry["id"] for entry in json.loads(done.stdout)]

    assert ids("--where", "model.hidden_size=16") == [best.id]
    assert ids("--where", "seed=1", "--where", "training.learning_rate=1e-2") == [none.id, best.id]
    assert ids("--sort", "accuracy") == [best.id, worse.id, none.id]
    assert ids("--sort", "steps") == [best.id, worse.id, none.id]
    assert seqlab_command("tag", worse.id, "paper", "fig-3").stdout.split() == ["fig-3", "paper"]
    assert ids("--tag", "paper") == [worse.id]
    header, *rows = table(seqlab_command("runs", "--sort", "accuracy").stdout)
    assert header[-3:] == ["accuracy", "differs in", "tags"]
    assert [row[-3:] for row in rows] == [
        ["0.75", "hidden_size=16", "-"], ["0.5", "hidden_size=8", "fig-3 paper"], ["-", "hidden_size=8", "-"]
    ]  # fmt: skip
    assert seqlab_command("tag", worse.id, "--remove", "paper").stdout.split() == ["fig-3"]
    assert ids("--tag", "paper") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runs", "--where", "model.hiden_size=8"], "Did you mean --where model.hidden_size=...?"),
        (["runs", "--where", "model.hidden_size"], "is not a setting"),
        (["runs", "--sort", "acuracy"], "Did you mean 'accuracy'"),
        (["tag", "latest", "two words"], "cannot be a tag"),
        (["tag", "latest", "--remove", "paper"], "it has none"),
        (["note", "latest", "text", "--delete"], "Both a note and --delete"),
        (["rm", "latest", "nothing-like-it"], "Unknown run"),
        (["restore", "nothing"], "Unknown trashed run"),
        (["clean"], "--failed, --older-than 7d"),
        (["clean", "--older-than", "soon"], "is not a time span"),
        (["export", "latest", "--to", "excel"], "excel"),
        (["replay", "latest"], "only a finished run"),
    ],
)
def test_wrong_usage_is_explained_and_moves_nothing(
    words: list[str], told: str, make: Callable[..., Run], seqlab_command: Command
) -> None:
    run = make(status="failed")
    done = seqlab_command(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert run.path.is_dir()


def test_a_note_is_kept_shown_and_taken_away(make: Callable[..., Run], seqlab_command: Command) -> None:
    run = make()
    assert seqlab_command("note", "latest", "too high\na rate").stdout == "too high\na rate\n"
    assert ["note", "a rate"] in table(seqlab_command("show").stdout)
    assert json.loads(seqlab_command("show", "--json").stdout)["note"] == "too high\na rate"
    assert run.info().status == "finished"
    seqlab_command("note", "latest", "--delete")
    assert "has no note" in seqlab_command("note", "latest").stderr


def test_show_tells_what_differs_from_the_experiment(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    make(seed=7, hidden=16)
    changed = [row for row in table(seqlab_command("show").stdout) if row[0].startswith("changed")]
    assert changed == [
        ["changed seed", "7 (the experiment has 1)"],
        ["changed model.hidden_size", "16 (the experiment has 8)"],
    ]
    assert json.loads(seqlab_command("show", "--json").stdout)["changed"] == {
        "seed": 1,
        "model.hidden_size": 8,
    }


def test_diff_shows_what_differs_and_nothing_else(make: Callable[..., Run], seqlab_command: Command) -> None:
    first, second = make(0.5, hidden=8), make(0.75, hidden=16, extra={"threads": 2})
    data = json.loads(seqlab_command("diff", first.id, second.id, "--json").stdout)
    assert data["settings"] == {"model.hidden_size": [8, 16]}
    assert data["environment"] == {"threads": [None, 2]}
    assert data["figures"] == {"held_out.accuracy": [0.5, 0.75]}
    assert table(seqlab_command("diff", first.id, second.id).stdout) == [
        ["what", first.id, second.id],
        ["settings model.hidden_size", "8", "16"],
        ["environment threads", "null", "2"],
        ["figures held_out.accuracy", "0.5", "0.75"],
    ]
    assert "the same in all of it" in seqlab_command("diff", first.id, first.id).stderr


def test_rm_and_restore(make: Callable[..., Run], seqlab_command: Command) -> None:
    first, second = make(seed=1), make(seed=2)
    assert seqlab_command("rm", first.id, first.id, "latest").stdout.split() == [first.id, second.id]
    assert not first.path.exists()
    assert {row[0] for row in table(seqlab_command("restore").stdout)[1:]} == {first.id, second.id}
    assert seqlab_command("restore", "hello-rnn-s1").stdout.strip() == str(first.path)
    assert first.summary() is not None
    assert [path.name for path in trash_dir().iterdir()] == [second.id]


def test_clean_takes_what_meets_every_condition(make: Callable[..., Run], seqlab_command: Command) -> None:
    new_failed, old_failed = make(None, status="failed"), make(None, status="failed", days=8)
    best, worse = make(0.9, days=8), make(0.5, days=8)
    running, noted = make(None, status="running", days=8), make(0.1, days=8, extra={"note": "odd"})
    everything = [new_failed, old_failed, best, worse, running, noted]

    def going(*words: str) -> set[str]:
        return set(json.loads(seqlab_command("clean", "--json", *words).stdout)["going"])

    assert going("--failed", "--dry-run") == {new_failed.id, old_failed.id}
    assert going("--failed", "--older-than", "7d", "--dry-run") == {old_failed.id}
    assert going("--older-than", "7d", "--dry-run") == {old_failed.id, best.id, worse.id}
    assert all(run.path.is_dir() for run in everything)
    done = seqlab_command("clean", "--older-than", "7d", "--keep-best")
    assert {row[0] for row in table(done.stdout)[1:]} == {old_failed.id, worse.id}
    assert f"Kept: {best.id}, the best accuracy of rnn on hello" in done.stderr
    assert f"Kept: {noted.id}, it has a note" in done.stderr
    assert {run.id for run in everything if run.path.is_dir()} == {
        new_failed.id,
        best.id,
        running.id,
        noted.id,
    }


def test_replay_reproduces_to_the_bit_and_notices_when_it_does_not(seqlab_command: Command) -> None:
    words = ["training.steps=40", "training.stop_when={}", "model.dropout=0.25", "-q", "--json"]
    first = Run(Path(json.loads(seqlab_command("train", "hello", *words).stdout)["path"]))
    done = seqlab_command("replay", first.id, "-q")
    assert (done.returncode, done.stdout) == (0, "reproduced to the bit\nthe environment is the same\n")
    (again,) = [path for path in first.path.parent.iterdir() if path != first.path]
    assert read_entry(again).info.extra["replay_of"] == first.id
    lines = first.metrics_path.read_text().splitlines()
    record = json.loads(lines[-1])
    key = next(key for key in record if "loss" in key)
    changed = json.dumps({**record, key: record[key] + 0.5})  # what the first run is said to have seen
    replace_file(first.metrics_path, "\n".join([*lines[:-1], changed]) + "\n")
    first.update_info(extra={"threads": 64}, files={})
    done = seqlab_command("replay", first.id, "-q", "--json")
    outcome = json.loads(done.stdout)
    assert done.returncode == 1
    assert outcome["verdict"].startswith(f"not reproduced: step {record['step']}: {key} is ")
    assert outcome["environment"] == {"threads": [64, 1]}
    assert outcome["weights"] == 0


def test_a_table_for_other_programs(
    make: Callable[..., Run], seqlab_command: Command, tmp_path: Path
) -> None:
    run = make()
    run.append_metrics({"step": 20, "sequences": 20, "validation_loss": float("nan")})
    run.append_metrics({"step": 40, "sequences": 40, "loss": 0.25})
    assert seqlab_command("export", "latest").stdout.strip() == str(run.path / "metrics.csv")
    rows = (run.path / "metrics.csv").read_text().splitlines()
    assert rows == ["step,sequences,loss,validation_loss", "20,20,0.5,", "40,40,0.25,"]
    seqlab_command("export", "latest", "--output", tmp_path / "new" / "own.csv")
    assert (tmp_path / "new" / "own.csv").read_text().splitlines() == rows
    run.metrics_path.unlink()
    assert "has recorded nothing yet" in seqlab_command("export", "latest").stderr


def complete(shell: str, words: str, runs: Path) -> list[str]:
    """Ask for completions as the shell's own script does, when the options of all components are in the cache."""
    known.cache_clear()
    known()
    code = (
        "import atexit, sys\n"
        "heavy = {'torch', 'numpy'}\n"
        "atexit.register(lambda: print('\\nLOADED', heavy & sys.modules.keys()))\n"
        "sys.argv = ['seqlab']\n"
        "from seqlab.__main__ import main\n"
        "main()\n"
    )
    typed = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_TYPER_COMPLETE_ARGS": words}
    environment = {
        "_SEQLAB_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        **typed,
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "SEQLAB_RUNS_DIR": str(runs), **environment},
    )
    offered, _, loaded = done.stdout.rpartition("LOADED ")
    assert loaded.strip() == "set()", done.stderr
    return offered.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_setting_keys_are_completed(shell: str, tmp_path: Path) -> None:
    offered = complete(shell, "seqlab train temporal-order training.lea", tmp_path)
    assert "training.learning_rate=" in " ".join(offered)
    assert "training.steps=" not in " ".join(offered)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("seqlab train temporal-order model.ch", ["model.chrono="]),
        ("seqlab train temporal-order --model rnn model.no", ["model.nonlinearity="]),
        ("seqlab compare rnn ls", ["lstm"]),
        ("seqlab train char-shakespeare --preset co", ["coffee"]),
        ("seqlab compare rnn lstm --preset no", ["normal"]),
        ("seqlab compare rnn lstm --on char-shakespeare --preset m", ["minute"]),
        ("seqlab train my.yaml --preset n", []),
        ("seqlab diff hello-rnn", ["hello-rnn-s1"]),
        ("seqlab restore hello-g", ["hello-gru-s1"]),
    ],
)
def test_names_are_completed(words: str, offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "hello-rnn-s1").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / ".trash" / "hello-gru-s1").mkdir(parents=True)
    assert complete("bash", words, tmp_path) == offered
