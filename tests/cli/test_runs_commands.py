"""`seqlab runs` and `show` with the output piped: each in a process of its own once, else in this."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CONFIG, SUMMARY, Command, table

from seqlab.defaults import component_options
from seqlab.runs import Run


def test_runs_are_listed_newest_first_with_whole_names(
    make: Callable[..., Run], seqlab_process: Command
) -> None:
    first = make("hello", "a" * 60)
    second = make("echo", status="failed")
    done = seqlab_process("runs", env={"COLUMNS": "30"})
    assert done.returncode == 0
    header, *rows = table(done.stdout)
    assert header == ["run", "status", "steps", "held out", "guessing", "solved", "seconds", "age"]
    assert rows[0][:7] == [second.id, "failed", "-", "-", "-", "-", "-"]
    assert rows[1][:7] == [first.id, "finished", "1,300", "accuracy 0.9877", "-", "yes", "1.2"]
    assert all(re.fullmatch(r"\d+ (s|min)", row[7]) for row in rows)
    assert "seqlab show" in done.stderr.splitlines()[-1]


def test_runs_of_a_sweep_are_told_apart_by_their_settings(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    low, high, other = make(seed=1), make(seed=2), make("echo")
    high.write_config(CONFIG.replace("hidden_size: 8", "hidden_size: 9"))
    header, *rows = table(seqlab_command("runs").stdout)
    assert dict(zip([row[0] for row in rows], [row[header.index("differs in")] for row in rows], strict=True)) == {
        low.id: "hidden_size=8", high.id: "hidden_size=9", other.id: "-"
    }  # fmt: skip
    assert "differs in" not in table(seqlab_command("runs", "--experiment", "echo").stdout)[0]


def test_runs_are_chosen_by_experiment_model_and_status(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    lstm, own, failed = make(model="lstm"), make("echo", "cells/my_cell.py"), make(status="failed")

    def ids(*words: str) -> list[str]:
        return [entry["id"] for entry in json.loads(seqlab_command("runs", "--json", *words).stdout)]

    assert ids("--model", "lstm") == [lstm.id]
    assert (
        ids("--model", "my_cell")
        == ids("--model", "cells/my_cell.py")
        == ids("--experiment", "echo")
        == [own.id]
    )
    assert ids("--status", "failed", "--experiment", "hello") == [failed.id]
    assert ids("--status", "running") == []
    assert ids("--limit", "2") == [failed.id, own.id]
    assert ids("--limit", "2", "--all") == [failed.id, own.id, lstm.id]
    limited = seqlab_command("runs", "--limit", "2")
    assert len(table(limited.stdout)) == 3
    assert "2 of 3 runs" in limited.stderr


def test_the_list_as_json(make: Callable[..., Run], seqlab_command: Command) -> None:
    run = make(seed=4)
    [entry] = json.loads(seqlab_command("runs", "--json").stdout)
    assert entry["path"] == str(run.path)
    wanted = {
        "id": run.id,
        "status": "finished",
        "experiment": "hello",
        "model": "rnn",
        "task": "hello",
        "seed": 4,
    }
    wanted |= {
        "steps": 1300,
        "metric": "accuracy",
        "held_out": 0.987654,
        "solved": True,
        "wall_seconds": 1.25,
    }
    assert wanted.items() <= entry.items()
    assert entry["problem"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--experiment", "helo"], "Did you mean 'hello'"),
        (["--model", "lsmt"], "Did you mean 'lstm'"),
        (["--status", "asleep"], "asleep"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_unknown_names_are_refused(
    words: list[str], told: str, make: Callable[..., Run], seqlab_command: Command
) -> None:
    make(model="lstm")
    done = seqlab_command("runs", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_known_names_without_runs_give_an_empty_list(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    make()
    done = seqlab_command("runs", "--model", "lstm")
    assert (done.returncode, len(table(done.stdout))) == (0, 1)
    assert "No runs of this kind" in done.stderr


def test_without_any_run_the_way_to_one_is_shown(seqlab_command: Command) -> None:
    done = seqlab_command("runs")
    assert done.returncode == 0
    assert "seqlab train" in done.stderr
    for words in (["show"], ["plot"], ["show", "hello"]):
        done = seqlab_command(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "There is no run in" in done.stderr


def test_damaged_and_foreign_folders_are_listed_as_such(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    damaged = make()
    damaged.info_path.write_text("{")
    odd = damaged.path.with_name("od\td\x1b[31m [red]")
    odd.mkdir()
    (damaged.path.parent / "a plain file").write_text("")
    done = seqlab_command("runs")
    assert {row[0]: row[1] for row in table(done.stdout)[1:]} == {
        damaged.id: "damaged",
        "od d\\x1b[31m [red]": "foreign",
    }
    assert "run.json is damaged" in done.stderr
    entries = {entry["id"]: entry for entry in json.loads(seqlab_command("runs", "--json").stdout)}
    assert "run.json is damaged" in entries[damaged.id]["problem"]
    shown = seqlab_command("show", damaged.id)
    assert shown.returncode == 2
    assert "run.json is damaged" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_show_tells_all_of_a_finished_run(make: Callable[..., Run], seqlab_process: Command) -> None:
    run = make()
    (run.samples / "step-0000060.txt").write_text("\nROMEO:\n\n[bold]예쁘다\n")
    done = seqlab_process("show")
    assert done.returncode == 0
    rows = table(done.stdout)
    for row in (
        ["run", run.id],
        ["status", "finished"],
        ["command", "seqlab train"],
        ["settings model.hidden_size", "8"],
        ["settings training.learning_rate", "0.001"],
        ["settings training.stop_when.accuracy", "1"],
        ["summary solved", "true"],
        ["summary held_out.accuracy", "0.987654"],
        ["file config.yaml", f"{len(CONFIG)} B"],
        ["sample step-0000060.txt", "ROMEO:"],
        ["sample step-0000060.txt", "[bold]예쁘다"],
    ):
        assert row in rows
    assert not any("presets" in row[0] for row in rows)
    assert f"seqlab sample {run.id}" in done.stderr.splitlines()[-1]


def test_show_as_json(make: Callable[..., Run], seqlab_command: Command) -> None:
    run = make()
    data = json.loads(seqlab_command("show", run.id[:9], "--json").stdout)
    assert data["id"] == run.id
    assert data["summary"] == SUMMARY
    assert data["settings"]["model"] == {"name": "rnn", "hidden_size": 8}
    assert data["info"]["seed"] == 1
    assert data["files"]["config.yaml"] == len(CONFIG)
    assert data["samples"] == {}
    assert data["problems"] == []


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_show_says_how_to_go_on(status: str, make: Callable[..., Run], seqlab_command: Command) -> None:
    run = make(model="my cell.py", status=status)
    run.write_error("Traceback ...\nValueError: too wide\n")
    done = seqlab_command("show", run.id)
    assert (["error", "ValueError: too wide"] in table(done.stdout)) == (status == "failed")
    assert ["so far validation_accuracy", "0.75"] in table(done.stdout)
    assert f"Next: seqlab train --config {run.config_path} --model 'my cell.py'" in done.stderr
    run.last_checkpoint.write_bytes(b"")
    assert f"Next: seqlab resume {run.id} --model 'my cell.py'" in seqlab_command("show", run.id).stderr


def test_show_tells_what_is_damaged_and_shows_the_rest(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    run = make()
    run.config_path.write_text("a: [")
    run.summary_path.write_text("{")
    done = seqlab_command("show")
    assert done.returncode == 0
    problems = [row[1] for row in table(done.stdout) if row[0] == "problem"]
    assert [next(name for name in ("config.yaml", "summary.json") if name in text) for text in problems] == [
        "config.yaml",
        "summary.json",
    ]
    assert ["status", "finished"] in table(done.stdout)


def test_a_run_that_there_is_not_is_answered_with_the_nearest(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    make(seed=1), make(seed=2)
    for word in ("show", "plot"):
        done = seqlab_command(word, "hallo-rnn")
        assert (done.returncode, done.stdout) == (2, "")
        assert "Did you mean 'hello-rnn-s" in done.stderr


def test_latest_is_said_to_be_older_than_a_run_that_is_damaged(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    first = make(seed=1)
    time.sleep(1)  # of a damaged run only the folder's name says when it was made, and that in seconds
    second = make(seed=2)
    assert "Using" not in seqlab_command("show", "latest").stderr
    second.info_path.write_text("{")
    done = seqlab_command("show", "latest")
    assert done.returncode == 0
    assert f"Using {first.id}: {second.id}, which is newer, is damaged\n" in done.stderr
    assert first.id in done.stdout


def test_the_beginning_of_several_names_means_the_newest_to_look_at_and_none_to_throw_away(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    make(seed=1)
    second = make(seed=2)
    make("hello-again", seed=3)  # newer, but of another experiment
    for word in ("show", "plot"):
        done = seqlab_command(word, "hello")
        assert done.returncode == 0
        assert second.id in done.stdout
        assert f"Using {second.id}\n" in done.stderr
    assert "Using" not in seqlab_command("show", second.id).stderr
    assert "Using" not in seqlab_command("show", second.path).stderr
    for words in (("rm", "hello"), ("tag", "hello", "good"), ("note", "hello", "mine")):
        done = seqlab_command(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "begins the names of 3 runs" in done.stderr


def test_a_file_in_the_place_of_the_runs_is_told(seqlab_command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = seqlab_command("runs", env={"SEQLAB_RUNS_DIR": str(tmp_path / "file")})
    assert done.returncode == 2
    assert "is a file, not a folder of runs" in done.stderr


def test_where_no_run_is_unfinished_there_is_nothing_to_go_on_with(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    make()
    done = seqlab_command("resume")
    assert done.returncode == 2
    assert "There is no interrupted or failed run in" in done.stderr


def test_without_a_name_the_newest_unfinished_run_is_gone_on_with(
    make: Callable[..., Run], seqlab_command: Command
) -> None:
    stopped = make(status="interrupted")
    make()
    done = seqlab_command("resume", "--quiet", "--anyway")
    assert stopped.id in done.stderr + done.stdout
    assert stopped.info().status != "interrupted"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("words", [["-m", "seqlab", "runs"], ["-u", "-m", "seqlab", "runs"]])
def test_a_reader_that_leaves_early_is_no_failure(words: list[str], make: Callable[..., Run]) -> None:
    """Output that is kept fails when it is flushed at the end; with -u the first line does."""
    make()
    there, here = os.pipe()
    os.close(there)
    done = subprocess.run(
        [sys.executable, *words], stdout=here, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(here)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["runs"], ["show"]])
def test_looking_at_runs_loads_no_torch(words: list[str], make: Callable[..., Run]) -> None:
    make()
    component_options("model", "lstm")  # once, what options there are is asked of the components themselves
    code = f"""
import sys
sys.argv = {["seqlab", *words]}
from seqlab.__main__ import main
try:
    main()
except SystemExit:
    pass
print({{"torch", "matplotlib", "numpy"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_best_runs_and_those_since_a_day(make: Callable[..., Run], seqlab_command: Command) -> None:
    def made(experiment: str, model: str, seed: int, accuracy: float) -> Run:
        held_out = {**SUMMARY["held_out"], "accuracy": accuracy}
        run = make(experiment, model, seed, summary={**SUMMARY, "held_out": held_out})
        run.update_info(extra={"metrics": [{"name": "accuracy", "higher_is_better": True}]})
        return run

    low, high = made("hello", "rnn", 1, 0.5), made("hello", "lstm", 2, 0.9)
    other, old = made("echo", "rnn", 3, 0.7), made("echo", "rnn", 4, 0.1)
    old.update_info(created="2020-01-02T03:04:05.000000+00:00")

    def ids(*words: str) -> list[str]:
        return [row[0] for row in table(seqlab_command("runs", *words).stdout)[1:]]

    assert ids("--best", "accuracy") == [high.id]
    assert ids("--best", "accuracy", "--per", "experiment") == [high.id, other.id]
    assert ids("--best", "accuracy", "--per", "model") == [high.id, other.id]
    assert ids("--best", "accuracy", "--model", "rnn") == [other.id]
    assert set(ids("--since", "7d")) == {low.id, high.id, other.id}
    assert set(ids("--since", "2019-12-31")) == {low.id, high.id, other.id, old.id}
    for wrong, said in (
        (("--since", "yesterday"), "neither a day nor a time span"),
        (("--per", "model"), "Add --best accuracy --per model"),
        (("--best", "loss", "--sort", "loss"), "Leave one out"),
    ):
        done = seqlab_command("runs", *wrong)
        assert done.returncode == 2
        assert said in done.stderr


def test_columns_are_facts_figures_and_settings(make: Callable[..., Run], seqlab_command: Command) -> None:
    run = make("hello", "rnn", 3, summary=SUMMARY)
    rows = table(seqlab_command("runs", "--columns", "seed,accuracy,training.learning_rate,note,seed").stdout)
    assert rows == [
        ["run", "seed", "accuracy", "training.learning_rate", "note"],
        [run.id, "3", "0.987654", "0.001", "-"],
    ]
    (told,) = json.loads(seqlab_command("runs", "--columns", "model.hidden_size", "--json").stdout)
    assert told["model.hidden_size"] == 8
    done = seqlab_command("runs", "--columns", "learning_rate")
    assert done.returncode == 2
    assert "Did you mean --columns training.learning_rate?" in done.stderr
    done = seqlab_command("runs", "--columns", "held_out.accuracy")
    assert done.returncode == 2
    assert "Did you mean --columns accuracy?" in done.stderr
