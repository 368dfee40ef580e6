"""Metrics in other programs' formats, read back by those programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab.errors import UsageError
from seqlab.runs import Run, create_run
from seqlab.runs.export import to_tensorboard

CONFIG = "experiment: hello\nseed: 3\nmodel: {name: rnn, hidden_size: 8}\ntraining: {learning_rate: 1e-2}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))
    run = create_run("hello", "rnn", 3, command="seqlab train hello", config_text=CONFIG)
    for step in (20, 40):
        run.append_metrics({"step": step, "sequences": 32 * step, "loss": 10 / step})
    run.append_metrics(
        {"step": 40, "sequences": 1280, "validation_accuracy": 0.75, "validation_loss": float("nan")}
    )
    run.write_summary({"steps": 40, "training_seconds": 8.0, "held_out": {"accuracy": 0.875}})
    run.update_info(status="finished", started="2030-01-01T00:00:00.000000+00:00")
    return run


def test_tensorboard_reads_the_scalars_and_the_settings(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    folder = to_tensorboard(run, tmp_path / "tb")
    reader = EventAccumulator(str(folder))
    reader.Reload()
    assert set(reader.Tags()["scalars"]) == {
        "training/sequences",
        "training/loss",
        "validation/accuracy",
    }  # what is no number is left out
    start = 1893456000.0
    assert [(event.step, event.value, event.wall_time) for event in reader.Scalars("training/loss")] == [
        (20, 0.5, start + 4),
        (40, 0.25, start + 8),
    ]
    assert [(event.step, event.value) for event in reader.Scalars("validation/accuracy")] == [(40, 0.75)]
    (content,) = reader.PluginTagToContent("hparams").values()
    settings = HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["training.learning_rate"].number_value == 0.01
    assert settings["model.name"].string_value == "rnn"
    with pytest.raises(UsageError, match="is there already"):
        to_tensorboard(run, folder)


def test_what_is_not_installed_is_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(UsageError) as refused:
        to_tensorboard(run, tmp_path / "tb")
    assert refused.value.hint == "Install it: pip install 'seqlab[tensorboard]'"
    assert not (tmp_path / "tb").exists()


@pytest.mark.slow
def test_wandb_keeps_an_offline_run(run: Run, tmp_path: Path) -> None:
    """The file is read as wandb writes it: a LevelDB log of protocol buffers, here within one block."""
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    from wandb.proto.wandb_internal_pb2 import Record

    code = f"""
import pathlib
from seqlab.runs import Run
from seqlab.runs.export import to_wandb
to_wandb(Run(pathlib.Path({str(run.path)!r})), pathlib.Path({str(tmp_path / "wb")!r}))
"""
    environment = {**os.environ, "WANDB_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    (file,) = (tmp_path / "wb" / "wandb").glob("offline-run-*/*.wandb")
    data, place, history, config = file.read_bytes(), 7, {}, {}
    while place + 7 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 6], "little")
        record = Record.FromString(data[place + 7 : place + 7 + length])
        place += 7 + length
        if record.HasField("history"):
            items = {
                (item.key or item.nested_key[0]): json.loads(item.value_json) for item in record.history.item
            }
            history[items["_step"]] = items
        for update in record.run.config.update if record.HasField("run") else ():
            config[update.key] = json.loads(update.value_json)
    assert (history[20]["training/loss"], history[40]["validation/accuracy"]) == (0.5, 0.75)
    assert config["training.learning_rate"] == 0.01
