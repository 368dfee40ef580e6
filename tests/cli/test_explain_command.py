"""`seqlab explain` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command


def test_a_model_is_explained(seqlab_command: Command) -> None:
    result = seqlab_command("explain", "lstm[hidden_size=12]")
    assert result.returncode == 0, result.stderr
    assert "c(t) = f(t) * c(t-1) + i(t) * g(t)" in result.stdout
    assert "cells.0.W\t48 x 12\t4H x H\t576" in result.stdout
    assert "1,060 weights in all" in result.stdout
    told = json.loads(seqlab_command("explain", "gru", "--inputs", "2", "--json").stdout)
    assert told["gates"] == ["r", "z", "n"]
    assert told["diagram"].endswith("gru.svg")


def test_weights_that_do_not_learn_are_told_from_those_that_do(seqlab_command: Command) -> None:
    result = seqlab_command("explain", "echo-state[hidden_size=10]", "--inputs", "5", "--outputs", "3")
    assert "193 weights in all, of which 33 learn" in result.stdout


def test_what_counts_has_no_states(seqlab_command: Command) -> None:
    counting = seqlab_command("explain", "ngram")
    assert counting.returncode == 0, counting.stderr
    assert "It counts a text, and has no weights, states or gates" in counting.stdout


def test_a_model_that_reads_a_source_is_explained(seqlab_command: Command) -> None:
    done = seqlab_command("explain", "encoder-decoder[hidden_size=8]", "--inputs", "5")
    assert done.returncode == 0, done.stderr
    assert "decoder(E u(t), d(t-1))" in done.stdout
    assert "reading.weight\t8 x 5" in done.stdout
    assert "seqlab train dates --model encoder-decoder" in done.stderr
    refused = seqlab_command("train", "dates", "--model", "lstm")
    assert refused.returncode == 2
    assert "Models that take it: encoder-decoder, transformer." in refused.stderr


@pytest.mark.parametrize(
    ("model", "experiment"),
    [
        ("memory-network", "stories"),
        ("captioner", "digit-captions"),
        ("lrcn", "row-digits"),
        ("glimpse-network", "glimpses"),
    ],
)
def test_a_model_is_explained_with_an_experiment_that_suits_it(
    seqlab_command: Command, model: str, experiment: str
) -> None:
    done = seqlab_command("explain", model)
    assert done.returncode == 0, done.stderr
    assert f"seqlab train {experiment} --model {model}" in done.stderr


def test_wrong_names_are_explained(seqlab_command: Command) -> None:
    for word, said in [
        ("lsmt", "Did you mean 'lstm'"),
        ("lstm[forget=1]", "there is no setting"),
        ("no.py", "no.py"),
        ("char-shakespere", "Did you mean 'char-shakespeare'"),
        ("dike", "There is no model, task, experiment or setting 'dike'"),
        ("learning_rat", "Did you mean 'learning_rate'"),
        ("family[x=1]", "The experiment 'family' takes no settings in brackets"),
        ("my.yaml", "seqlab config --config my.yaml --describe"),
    ]:
        refused = seqlab_command("explain", word)
        assert refused.returncode == 2
        assert said in refused.stderr


def test_a_task_is_explained(seqlab_command: Command) -> None:
    result = seqlab_command("explain", "execute[length=1,nesting=1]")
    assert result.returncode == 0, result.stderr
    assert "j=8584#for x in range(8):j+=920" in result.stdout
    assert "task.curriculum\tcombined\t" in result.stdout
    assert "trials: written, length-1-nesting-1." in result.stdout
    assert "Next: seqlab train execute" in result.stderr


def test_a_sequence_of_a_task_is_shown_by_the_names_of_its_symbols(seqlab_command: Command) -> None:
    told = json.loads(seqlab_command("explain", "cycle-navigation", "--json").stdout)
    read = told["example"]["reads"].split()
    assert set(read) <= {"back", "stay", "on", "empty"}
    walked = read.count("on") - read.count("back")
    assert told["example"]["answers"] == str(walked % 5)
    assert told["metrics"][0]["name"] == "accuracy"
    assert told["settings"]["task.length"] is None


def test_a_task_of_numbers_has_no_sequence_to_be_shown(seqlab_command: Command) -> None:
    assert json.loads(seqlab_command("explain", "adding", "--json").stdout)["example"] is None


def test_an_experiment_is_explained_by_what_it_sets(seqlab_command: Command) -> None:
    result = seqlab_command("explain", "char-shakespeare")
    assert result.returncode == 0, result.stderr
    assert "training.clip_norm\t1\tgreatest global norm of the gradient; null to leave it" in result.stdout
    assert "presets: minute, coffee" in result.stdout
    assert "seqlab train char-shakespeare, or seqlab explain char-lm, seqlab explain gru" in result.stderr
    of_task = seqlab_command("explain", "brackets")  # which has an experiment of its own
    assert "The experiment brackets sets task.name=brackets" in of_task.stdout
    assert " task.asks=every " in of_task.stdout
    assert "explain draw" not in seqlab_command("explain", "draw").stderr
    told = json.loads(seqlab_command("explain", "family-lags", "--json").stdout)
    assert told["kind"] == "compare"
    assert told["sets"]["match_parameters"] is True
    assert told["sets"]["on"] == "temporal-order"


def test_a_setting_is_explained_by_its_key_its_last_part_and_what_it_is_called_elsewhere(
    seqlab_command: Command,
) -> None:
    sentence = "size of an update, before the schedule; its greatest value"
    for word in ("training.learning_rate", "learning_rate", "lr", "training.lr", "lr=3"):
        result = seqlab_command("explain", word)
        assert result.returncode == 0, result.stderr
        assert f"training.learning_rate\tkind train\t{sentence}\t" in result.stdout
    told = json.loads(seqlab_command("explain", "task.symbols", "--json").stdout)
    owners = [owner for one in told for owner in one["of"]]
    assert "mqar" in owners
    assert len(owners) == len(set(owners))
    assert {one["key"] for one in told} == {"task.symbols"}


@pytest.mark.parametrize("name", ["temporal-order", "char-shakespeare", "clip_norm", "draw"])
@pytest.mark.parametrize("option", ["--inputs", "--outputs", "--output"])
def test_what_is_of_models_is_refused_elsewhere(seqlab_command: Command, name: str, option: str) -> None:
    refused = seqlab_command("explain", name, option, "3")
    assert refused.returncode == 2
    assert f"{option} is for models, and {name} is explained as a task" in " ".join(refused.stderr.split())
    assert not Path("3").exists()


def test_a_wrong_name_is_explained_whatever_options_are_given(seqlab_command: Command) -> None:
    refused = seqlab_command("explain", "lstmm", "--inputs", "3")
    assert refused.returncode == 2
    assert "Did you mean 'lstm'?" in refused.stderr
