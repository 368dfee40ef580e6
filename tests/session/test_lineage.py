"""A run that starts from the weights of another: what is taken over, held, told, and kept in its own folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command

from seqlab.runs import Run
from seqlab.session import load_language_model, load_network, reopen

SMALL = ("model.hidden_size=6", "training.batch_size=4", "task.period=8", "training.evaluate_every=3")
OLD, NEW = "abc cab bac\n" * 40, "abd dab bad cd\n" * 40


@pytest.fixture
def old(seqlab_command: Command, tmp_path: Path) -> Run:
    (tmp_path / "old.txt").write_text(OLD)
    (tmp_path / "new.txt").write_text(NEW)
    return begun(seqlab_command, tmp_path, "--text", "old.txt", "training.steps=6", *SMALL)


def begun(command: Command, folder: Path, *words: str) -> Run:
    before = {path.name for path in (folder / "runs").glob("*")}
    done = command("train", "-q", *words)
    assert done.returncode == 0, done.stderr
    (path,) = (path for path in (folder / "runs").iterdir() if path.name not in before)
    return Run(path)


def read(run: Run, text: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Return the scores of a run's start weights for a text, and the symbols that they are of."""
    network, vocabulary = load_language_model(run)
    if run.start_weights.is_file():
        network = reopen(run).model
    codes = torch.from_numpy(vocabulary.encode(text).astype(np.int64))[None]
    with torch.no_grad():
        return network.eval()(codes)[0], vocabulary.symbols


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_with_new_symbols_every_old_one_is_scored_as_before(
    seqlab_command: Command, tmp_path: Path, old: Run, tokens: str
) -> None:
    if tokens == "word":
        old = begun(
            seqlab_command, tmp_path, "--text", "old.txt", "task.tokens=word", "training.steps=4", *SMALL
        )
    run = begun(seqlab_command, tmp_path, "--from", old.id, "--text", "new.txt", "training.steps=1")
    (before, symbols), (now, extended) = read(old, OLD[:48]), read(run, OLD[:48])
    assert len(extended) > len(symbols)
    torch.testing.assert_close(now[..., [extended.index(symbol) for symbol in symbols]], before)


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_the_figures_before_the_first_step_are_those_of_the_run(
    seqlab_command: Command, tmp_path: Path, old: Run, engine: str
) -> None:
    if engine == "fused":
        pytest.importorskip("numba")
    run = begun(seqlab_command, tmp_path, "--from", old.id, "training.steps=1", f"training.engine={engine}")
    held_out = (old.summary() or {})["held_out"]
    before = (run.summary() or {})["origin"]["before"]
    assert before["nats_per_character"] == pytest.approx(held_out["nats_per_character"], rel=1e-5)
    assert (run.summary() or {})["origin"]["there"] is None  # it is the same text


def test_what_is_forgotten_is_told(seqlab_command: Command, tmp_path: Path, old: Run) -> None:
    (tmp_path / "new.txt").write_text("d d d d\n" * 60)
    further = ("training.steps=60", "training.learning_rate=0.05")
    done = seqlab_command("train", "-q", "--from", old.id, "--text", "new.txt", *further)
    assert "before the first step: nats/char" in done.stdout
    assert f"on the data of {old.id}, after: nats/char" in done.stdout
    (path,) = (tmp_path / "runs").glob("new-*")
    told = (Run(path).summary() or {})["origin"]["there"]
    assert told["after"]["nats_per_character"] > told["before"]["nats_per_character"] + 0.01
    first, second = Run(path), begun(seqlab_command, tmp_path, "--from", path.name, "training.steps=1")
    assert second.info().extra["origin"]["lineage"] == [first.id, old.id]
    shown = seqlab_command("show", second.id).stdout
    assert f"started from\t{first.id}, which started from {old.id}" in shown


def test_a_run_goes_on_without_the_one_that_it_started_from(
    seqlab_command: Command, tmp_path: Path, old: Run
) -> None:
    constant = ("training.schedule=constant", "training.warmup_steps=0")
    words = ("--from", old.id, "--text", "new.txt", *constant)
    whole = begun(seqlab_command, tmp_path, *words, "training.steps=12")
    half = begun(seqlab_command, tmp_path, *words, "training.steps=6")
    shutil.rmtree(old.path)
    assert torch.equal(read(half, "ab")[0], read(whole, "ab")[0])  # its start weights are its own
    done = seqlab_command("resume", half.id, "--steps", "6", "-q")
    assert done.returncode == 0, done.stderr
    assert half.metrics_path.read_bytes() == whole.metrics_path.read_bytes()


def test_frozen_parts_stay_as_they_were(seqlab_command: Command, tmp_path: Path, old: Run) -> None:
    parts = "cells.0.input.weight,cells.0.input.bias"
    run = begun(seqlab_command, tmp_path, "--from", old.id, "--freeze", parts, "training.steps=5")
    (start, _), (end, _) = (
        (dict(model.named_parameters()), None) for model in (reopen(run).model, load_language_model(run)[0])
    )
    moved = {name for name in start if not torch.equal(start[name], end[name])}
    assert {"cells.0.input.weight", "cells.0.input.bias"} == start.keys() - moved
    assert run.info().extra["engine"] == "torch"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--freeze", "cell.0"), "Did you mean 'cells.0'?"),
        (("--freeze", "cells", "--freeze", "readout"), "nothing can be learned"),
        (("hello",), "hello is another experiment"),
        (("--model", "lstm"), "--model lstm is another"),
        (("model.hidden_size=7",), "start anew"),
        (
            ("--data", "old.txt"),
            ", char-lm, reads no table: --data and the names of its columns are for series",
        ),
        (("task.tokens=word",), "There a symbol is a char, here a word: task.tokens=char"),
    ],
)
def test_what_does_not_fit_is_said(
    seqlab_command: Command, old: Run, words: tuple[str, ...], said: str
) -> None:
    done = seqlab_command("train", *words, "training.steps=1", "--from", old.id)
    assert said in done.stderr


def test_weights_that_are_others_by_now_are_refused(
    seqlab_command: Command, tmp_path: Path, old: Run
) -> None:
    run = begun(seqlab_command, tmp_path, "--from", old.id, "training.steps=1")
    settings = tmp_path / "again.yaml"
    shutil.copy(run.config_path, settings)
    assert seqlab_command("train", "--config", "again.yaml", "-q").returncode == 0
    text = settings.read_text()
    digest = text.partition("weights: ")[2].split()[0]
    settings.write_text(text.replace(digest, "f" * 64))
    done = seqlab_command("train", "--config", "again.yaml", "-q")
    assert done.returncode == 2
    assert "It has been trained on since" in done.stderr


def test_labels_of_another_table_are_learned_from_the_weights_of_one(
    seqlab_command: Command, tmp_path: Path
) -> None:
    for name, words in (("old", ("rose", "lily")), ("new", ("rosy", "zinc"))):
        rows = [f"{word} {number},{word}s" for number in range(40) for word in words]
        (tmp_path / f"{name}.csv").write_text(
            "\n".join(["body,kind", *rows, *["mixed,others"] * (name == "new")])
        )
    columns = ("--text", "body", "--label", "kind", "training.steps=4", "training.evaluate_every=4")
    old = begun(seqlab_command, tmp_path, "--data", "old.csv", *columns, "model.hidden_size=5")
    done = seqlab_command("train", "-q", "--from", old.id, "--data", "new.csv", *columns, "task.fewest=2")
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "runs").glob("new-*")
    start = dict(reopen(Run(path)).model.named_parameters())
    before = dict(load_network(old).named_parameters())
    same = {name for name in start if name in before and torch.equal(start[name], before[name])}
    assert {"cells.0.W"} < same


def test_another_task_gives_the_run_its_name(seqlab_command: Command, tmp_path: Path) -> None:
    small = ("model.hidden_size=4", "training.steps=1", "training.test_sequences=8")
    old = begun(seqlab_command, tmp_path, "temporal-order", *small)
    run = begun(seqlab_command, tmp_path, "--from", old.id, "--task", "three-symbols", *small[1:])
    assert run.id.startswith("three-symbols-lstm-s1-")


def test_killed_before_its_first_checkpoint_a_run_begins_again_without_its_origin(
    seqlab_command: Command, tmp_path: Path, old: Run
) -> None:
    run = begun(seqlab_command, tmp_path, "--from", old.id, "--text", "new.txt", "training.steps=2")
    told, metrics = run.info().extra["origin"], run.metrics_path.read_bytes()
    run.update_info(status="interrupted", files={})
    for path in (run.last_checkpoint, run.best_weights, run.summary_path):
        path.unlink()
    shutil.rmtree(old.path)
    done = seqlab_command("resume", run.id, "-q")
    assert done.returncode == 0, done.stderr
    assert run.metrics_path.read_bytes() == metrics
    assert run.info().extra["origin"] == told
