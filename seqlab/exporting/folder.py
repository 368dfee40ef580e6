"""A folder with a trained network that needs no seqlab: its source or graph, weights, words, and a script."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from seqlab import __version__
from seqlab.errors import EngineError, UsageError
from seqlab.exporting.onnx import write_onnx
from seqlab.exporting.source import write_source
from seqlab.exporting.step import example, trace
from seqlab.files import replace_file, to_json
from seqlab.models import SequenceModel
from seqlab.text import Vocabulary

SCRIPTS = Path(__file__).parent / "scripts"
FORMS = ("pytorch", "onnx")
TOLERANCE = 1e-6
"""How far an exported network may be from the trained one, beside the greatest of its outputs."""


@dataclass(frozen=True)
class Exported:
    """What has been exported.

    Attributes:
        folder: that holds it.
        files: their names.
        difference: the greatest one between its outputs and those of the trained network.
    """

    folder: Path
    files: tuple[str, ...]
    difference: float


def export_network(
    model: SequenceModel,
    form: str,
    folder: Path,
    *,
    title: str,
    vocabulary: Vocabulary | None,
    facts: Mapping[str, Any],
) -> Exported:
    """Write a network into a new folder, and compare what it computes there with what it computes here.

    Args:
        model: on the processor, with its trained weights.
        form: of :data:`FORMS`.
        folder: that there is not yet, or that is empty.
        title: what it is, in a line.
        vocabulary: what its symbols are, where they are of a text.
        facts: what else is to be told, as plain data: names of classes, where it is from, how to write.

    Raises:
        SettingsError: when the network cannot be exported.
        UsageError: when the folder is not empty or cannot be made, or a package is missing.
        EngineError: when the exported network computes something else.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", hint="Move it away, or name another with --output.")
    model.eval()
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{str(folder)!r} cannot be written: {error.strerror}.", hint="Name another folder with --output."
        ) from None
    try:
        if form == "pytorch":
            text, weights = write_source(trace(model), title, __version__, *_in_words(model))
            replace_file(folder / "model.py", text)
            replace_file(folder / "weights.safetensors", safetensors.torch.save(weights))
        else:
            write_onnx(model, folder / "model.onnx", title)
            replace_file(folder / "model.py", (SCRIPTS / "onnx_model.py").read_text(encoding="utf-8"))
        difference = _require_equal(model, folder)
        words = {"symbols": None} if vocabulary is None else vocabulary.to_data()
        replace_file(folder / "words.json", to_json({**words, **facts}))
        for name in ("words.py", "sample.py" if facts.get("sample") else "predict.py"):
            replace_file(folder / name, (SCRIPTS / name).read_text(encoding="utf-8"))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if not made:
            folder.mkdir(exist_ok=True)
        raise
    return Exported(
        folder, tuple(sorted(path.name for path in folder.iterdir() if path.is_file())), difference
    )


def _reader(folder: Path) -> Callable[[list[Any]], tuple[list[Any], Any]]:
    """Return what reads a sequence with the network of a folder, by the folder's own module."""
    found = importlib.util.spec_from_file_location("exported_model", folder / "model.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)  # what has just been written
    network = module.load()
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    return network.read  # type: ignore[no-any-return]


@torch.no_grad()
def _require_equal(model: SequenceModel, folder: Path) -> float:
    """Return how far what is read there is from what the network reads here, at most."""
    read = _reader(folder)
    inputs = example(model, rows=3, steps=20, seed=1)
    wanted, found = model(inputs)[0], torch.tensor([read(row)[0] for row in inputs.tolist()])
    difference, greatest = float((found - wanted).abs().max()), float(wanted.abs().max())
    if not difference <= TOLERANCE * max(1.0, greatest):
        raise EngineError(
            f"The exported network differs from the trained one by {difference:.3g}, where outputs are up to "
            f"{greatest:.3g}.",
            hint="Nothing was written. This is a fault of seqlab, or of torch's export; please report it.",
        )
    return difference


def _in_words(model: SequenceModel) -> tuple[str, str]:
    """Return what a network reads and what comes out."""
    spec = model.spec
    inputs = (
        "symbols (B, T) int64" if spec.inputs == "tokens" else f"features (B, T, {spec.input_size}) float32"
    )
    kind = {"classes": "scores for a softmax", "bits": "logits", "values": "values"}[spec.outputs]
    return inputs, f"{kind} (B, T, {spec.output_size})"
