"""A step as a graph of ONNX, for programs that are not Python."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from seqlab.errors import SettingsError, UsageError
from seqlab.exporting.step import laid_out
from seqlab.files import replace_file
from seqlab.models import SequenceModel
from seqlab.training.checkpoints import first_line

MISSING = UsageError("The packages onnx are not installed.", hint="Install them: pip install 'seqlab[onnx]'")


def write_onnx(model: SequenceModel, path: Path, title: str) -> None:
    """Write a graph: inputs, state_0, state_1, ... to outputs, next_0, next_1, ... of any number of rows.

    What the state is before the first step stands in the metadata, as JSON: of each part its shape, of one
    row, its kind, and its numbers where these are not all 0.

    Raises:
        SettingsError: when the network is more than its steps, or torch cannot export it.
        UsageError: when a package is missing.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter needs it)
    except ImportError:
        raise MISSING from None
    step, arguments, shapes, start = laid_out(model)
    names = [f"state_{number}" for number in range(len(start))]
    try:
        with torch.no_grad(), warnings.catch_warnings(action="ignore"), _silent():
            program = torch.onnx.export(
                step,
                arguments,
                input_names=["inputs", *names],
                output_names=["outputs", *(name.replace("state", "next") for name in names)],
                dynamic_shapes=shapes,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # torch raises many kinds; none is the user's fault
        raise SettingsError(
            f"torch cannot export a step of this network to ONNX: {first_line(error)}",
            hint="--to pytorch may be able to.",
        ) from error
    assert program is not None
    graph = program.model_proto
    graph.doc_string = title
    told = [
        {
            "shape": list(part.shape),
            "kind": str(part.numpy().dtype),
            "numbers": part.flatten().tolist() if bool((part != 0).any()) else None,
        }
        for part in start
    ]
    onnx.helper.set_model_props(graph, {"start": json.dumps(told), "inputs": model.spec.inputs})
    replace_file(path, graph.SerializeToString())


@contextmanager
def _silent() -> Iterator[None]:
    """Keep torch's exporter from telling what it does without."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
