"""What `seqlab train` does with experiments that are not one run, and with flags and names it cannot use."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import Command

LAGS = """\
kind: lags
models: [rnn, lstm]
seeds: 1
ladders:
  - on: temporal-order
    settings: {training.steps: 5, training.evaluation_sequences: 20, training.test_sequences: 20}
    rungs: [{lag: 5, settings: {task.difficulty: easy}}]
"""


@pytest.mark.parametrize(
    "experiment", [pytest.param("exploding-gradient", marks=pytest.mark.slow), "lags.yaml"]
)
def test_what_has_been_trained_is_used_again(
    experiment: str, seqlab_command: Command, tmp_path: Path
) -> None:
    words = ["train", experiment, "settings.training.steps=5"]
    if experiment == "lags.yaml":
        (tmp_path / experiment).write_text(LAGS)
        words = ["train", "--config", str(tmp_path / experiment)]
    first = seqlab_command(*words, "--quiet", "--json")
    assert first.returncode == 0, first.stderr
    runs = {path.name for path in (tmp_path / "runs").iterdir()}
    again = seqlab_command(*words, "--quiet", "--json")
    assert again.returncode == 0, again.stderr
    assert {path.name for path in (tmp_path / "runs").iterdir()} == runs  # reports lie in one folder
    told = [{**json.loads(done.stdout), "figures": []} for done in (first, again)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "words",
    [
        ("--config", "lags.yaml"),
        pytest.param(("exploding-gradient", "settings.training.steps=5"), marks=pytest.mark.slow),
    ],
)
def test_the_line_to_type_next_can_be_typed(
    words: tuple[str, ...], seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "lags.yaml").write_text(LAGS)
    done = seqlab_command("train", *words, "--quiet")
    following = re.search(r"Next: seqlab (.*)", done.stderr)
    assert following is not None
    assert following[1].startswith("gradients ")
    assert seqlab_command(*shlex.split(following[1]), "--quiet").returncode == 0


def test_what_explodes_is_judged_on_held_out_data_and_not_smoothed(seqlab_command: Command) -> None:
    done = seqlab_command("train", "exploding-gradient", "settings.training.steps=2", "--quiet", "--json")
    told = json.loads(done.stdout)
    assert all(row["held-out loss"] > 0 for row in told["variants"])
    drawn = Path(told["figures"][1]).read_text()
    assert "<!-- clipping off -->" in drawn
    assert "<!-- training, smoothed -->" not in drawn


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "gradient-and-lag", "models=[lstm]"], "4 labels for 1 models"),
        (["train", "gradient-and-lag", "models=[ngram]", "labels=[]"], "The model ngram"),
        (["train", "exploding-gradient", "on=cures"], "cures is not an experiment in which one model learns"),
        (["compare", "rnn", "lstm", "--on", "cures"], "cures is not an experiment in which one model learns"),
        (["train", "vanishing-gradient", "--dry-run"], "--dry-run is for experiments of one run"),
        (["train", "rnn-vs-lstm", "--budget", "5s"], "--budget is for experiments of one run"),
    ],
)
def test_what_does_not_fit_an_experiment_is_refused(
    words: list[str], told: str, seqlab_command: Command, tmp_path: Path
) -> None:
    done = seqlab_command(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "runs").glob("*-s1-*"))


@pytest.mark.parametrize("words", [["train", "cures"], ["train", "vanishing-gradient"], ["bench"]])
def test_what_takes_long_asks_first_whether_it_can_be_kept(
    words: list[str], seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "runs").touch()
    done = seqlab_command(*words)
    assert done.returncode == 2
    assert "Cannot make a run folder" in done.stderr
    assert "measuring" not in done.stderr


def test_a_text_may_be_called_like_a_number(seqlab_command: Command, tmp_path: Path) -> None:
    text = tmp_path / "1984.txt"
    text.write_text("It was a bright cold day in April.\n" * 60)
    done = seqlab_command(
        "train", "--text", text, "--fit", "model.hidden_size=4", "training.steps=2", "--quiet"
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "runs").glob("1984-gru-*"))


def test_a_comparison_in_which_a_run_failed_ends_with_1(seqlab_command: Command) -> None:
    done = seqlab_command(
        "compare", "lstm", "irnn", "--difficulty", "hard", "--seeds", "1", "--quiet", "--json",
        "training.steps=6", "training.optimizer=sgd", "training.learning_rate=100", "training.clip_norm=null",
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 of 2 runs failed" in done.stderr
    assert done.stderr.count("lstm, seed 1: failed: ") + done.stderr.count("irnn, seed 1: failed: ") == 1
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["models"]


SEVERAL = """\
kind: compare
on: [temporal-order, hello]
models: [rnn, "rnn[hidden_size=4]"]
seeds: 2
settings: {training.steps: 2, training.evaluation_sequences: 20, training.test_sequences: 20}
"""


@pytest.mark.slow
def test_models_are_compared_on_several_experiments_one_after_another(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "several.yaml").write_text(SEVERAL)
    done = seqlab_command("train", "--config", "several.yaml", "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    one, other = json.loads(done.stdout)
    assert (one["on"], other["on"]) == ("temporal-order", "hello")
    assert one["folder"] != other["folder"]
    assert Path(one["folder"]).is_dir()
    shown = seqlab_command("train", "--config", "several.yaml", "--quiet").stdout
    pictures = [Path(line) for line in shown.splitlines() if line.endswith(".png")]
    assert all(picture.is_file() for picture in pictures)
    assert len({picture.parent for picture in pictures}) == 2
    assert [picture.name for picture in pictures].count("comparison.png") == 2


def test_a_preset_lays_settings_over_what_all_models_of_a_comparison_share(
    seqlab_command: Command, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(
        "kind: compare\nexperiment: own\non: hello\nmodels: [rnn]\nseeds: 1\n"
        "settings: {training.steps: 2}\npresets: {wide: {settings: {training.batch_size: 3}}}\n"
    )
    done = seqlab_command("train", "--config", tmp_path / "own.yaml", "--preset", "wide", "--json", "-q")
    assert done.returncode == 0, done.stderr
    (config,) = (path.read_text() for path in tmp_path.rglob("config.yaml"))
    assert "batch_size: 3" in config
    assert "steps: 2" in config
