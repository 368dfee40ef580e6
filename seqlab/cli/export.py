"""`seqlab export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, tell
from seqlab.cli.export_trained import export_trained


class Format(StrEnum):
    """What --to takes."""

    csv = "csv"
    tensorboard = "tensorboard"
    wandb_offline = "wandb-offline"
    pytorch = "pytorch"
    onnx = "onnx"


def export(
    run: options.NamedRun,
    to: Annotated[Format, typer.Option(help="The format.")] = Format.csv,
    output: Annotated[
        Path | None, typer.Option(help="The file (csv) or the folder, instead of one inside the run's.")
    ] = None,
    model: options.OwnModel = None,
    as_json: Annotated[bool, typer.Option("--json", help="The path as JSON.")] = False,
) -> None:
    """Write a run's metrics, or its trained network, for other programs.

    Metrics as a table (csv), for TensorBoard, or for Weights & Biases offline. The network as a folder that
    needs no seqlab: one file of plain PyTorch (pytorch), or a graph (onnx), with its weights, its words and a
    script that samples or answers. It is compared with the run's own before it is called done.

    Examples: seqlab export latest / seqlab export latest --to tensorboard --output tb/first /
    seqlab export latest --to pytorch --output shakespeare
    """
    from seqlab.errors import RunFolderError, UsageError
    from seqlab.runs.export import to_csv, to_tensorboard, to_wandb
    from seqlab.runs.owner import is_owned

    found = options.the_run(run)
    if is_owned(found) or found.info().status == "running":
        raise RunFolderError(
            f"{found.id} is being trained: what it has recorded is not whole.",
            hint=f"Wait for its end. What there is so far: seqlab watch {found.id} --json",
        )
    if to in (Format.pytorch, Format.onnx):
        return export_trained(found, to.value, output, model, as_json=as_json)
    if not found.metrics():
        raise RunFolderError(f"{found.id} has recorded nothing yet: its metrics.jsonl is empty or missing.")
    writers = {
        Format.csv: (to_csv, "metrics.csv", "pandas.read_csv reads it."),
        Format.tensorboard: (to_tensorboard, "tensorboard", "Next: tensorboard --logdir FOLDER"),
        Format.wandb_offline: (
            to_wandb,
            "wandb-offline",
            "To send it: wandb sync FOLDER/wandb/offline-run-*",
        ),
    }
    write, name, following = writers[to]
    if to is Format.csv:
        options.require_not_read(output, "--output", [found])
    try:
        path = write(found, output or found.path / name)
    except OSError as error:
        raise UsageError(f"Cannot write {output or found.path / name}: {error.strerror}.") from None
    if as_json:
        return show_json({"run": found.id, "format": to.value, "path": str(path)})
    print(path)
    tell(following.replace("FOLDER", str(path)))
    return None
