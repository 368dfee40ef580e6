"""What one would write in PyTorch to train a character model on a GPU: what gpu.py measures against."""

from __future__ import annotations

import time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.text.vocabulary import Codes
from seqlab.training.runtime import autocast

GPU = torch.device("cuda")
LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Plain(nn.Module):
    """A character model as it is usually written."""

    def __init__(self, cell: str, layers: int, units: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(65, units)
        self.cells = LAYERS[cell](units, units, layers, batch_first=True)
        self.readout = nn.Linear(units, 65)

    def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        h, state = self.cells(self.embedding(x), state)
        return self.readout(h), state


def plain_seconds(
    cell: str, layers: int, units: int, text: Codes, rows: int, steps: int, precision: str
) -> float:
    """Return the seconds of a step of the plain loop: data on the GPU, nobody waits for a loss."""
    torch.manual_seed(1)
    model = Plain(cell, layers, units).to(GPU)
    codes = torch.from_numpy(text.astype("int64")).to(GPU)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, fused=True)
    column, state, began = len(codes) // rows, None, 0.0
    places = torch.arange(rows, device=GPU)[:, None] * column + torch.arange(steps, device=GPU)
    for index in range(80):
        if index == 20:
            torch.cuda.synchronize()
            began = time.perf_counter()
        place = places + index * steps % (column - steps - 1)
        x, y = codes[place], codes[place + 1]
        with autocast(precision, GPU):
            scores, state = model(x, state)
        loss = F.cross_entropy(scores.float().flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / 60
