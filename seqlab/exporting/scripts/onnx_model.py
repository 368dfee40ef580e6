"""Read sequences with the network in model.onnx; needs onnxruntime and numpy.

from model import load

model = load()
outputs, state = model.read([3, 1, 4])    # a list of outputs for each step, and the state at their end
outputs, state = model.read([1], state)   # what comes next, read on from there
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime


class Model:
    """One step of the network, taken again and again."""

    def __init__(self, path: Path) -> None:
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        told = self.session.get_modelmeta().custom_metadata_map
        self.kind = np.int64 if told["inputs"] == "tokens" else np.float32
        self.start = []
        for part in json.loads(told["start"]):
            numbers = np.zeros(part["shape"]) if part["numbers"] is None else np.array(part["numbers"])
            self.start.append(numbers.reshape(part["shape"]).astype(part["kind"]))

    def read(self, sequence: list, state: list | None = None) -> tuple[list, list]:
        """Read one sequence, of numbers or of lists of features."""
        state = self.start if state is None else state
        shown = []
        for one in sequence:
            given = {f"state_{number}": part for number, part in enumerate(state)}
            given["inputs"] = np.array([[one]], self.kind)
            output, *state = self.session.run(None, given)
            shown.append(output[0, 0].tolist())
        return shown, state


def load(path: str | Path | None = None) -> Model:
    """Return the trained network."""
    return Model(Path(path) if path else Path(__file__).with_name("model.onnx"))
