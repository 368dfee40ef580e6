"""What the documents show as Python works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import seqlab

DOCS = Path(__file__).parents[1] / "docs"


def test_an_lstm_s_weights_in_plain_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = seqlab.train("temporal-order", **{"training.steps": 3})
    text = (DOCS / "runs.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(import torch.*?)```", text, re.DOTALL)
    names: dict[str, torch.Tensor] = {}
    exec(code.replace("RUN", run.id), names)
    own, _ = run.model()(names["symbols"])
    torch.testing.assert_close(names["scores"], own)
