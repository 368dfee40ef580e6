"""What one would write in PyTorch to train the same networks: what fused.py measures against.

    python benchmarks/plain.py [LEVEL MODEL HIDDEN STEPS SEED ...]

One-hot inputs, torch.nn.RNN, LSTM or GRU, a linear read-out, cross-entropy, clipping, Adam, in one thread with
denormal numbers flushed to zero. Batches are made as they are wanted. After every 20 steps the network is judged
on 1024 sequences, made once. A line for each seed says what came out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from seqlab.contracts import Batch
from seqlab.tasks.lags.temporal_order import TemporalOrder

EVERY, JUDGED = 20, 1024
"""Steps between validations, and the sequences of one."""
LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Plain(nn.Module):
    """A recurrent layer and a read-out."""

    def __init__(self, model: str, hidden: int) -> None:
        super().__init__()
        self.layer = LAYERS[model](8, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        x = F.one_hot(inputs.clamp(min=0), 8).float() * (inputs >= 0)[:, :, None]
        scores: torch.Tensor = self.readout(self.layer(x)[0][:, -1])
        return scores


def plain_loop(level: str, model: str, hidden: int, seed: int, *, judge: bool) -> Callable[[int], float]:
    """Return a function that makes so many more steps, and returns the accuracy if the network is judged."""
    torch.manual_seed(seed)
    task = TemporalOrder(difficulty=level)  # type: ignore[arg-type]
    network = Plain(model, hidden)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    held_out: list[Batch] = []
    done, accuracy = 0, 0.0

    def go(steps: int) -> float:
        nonlocal done, accuracy
        for _ in range(steps):
            batch = task.batch("train", done, 32, seed)
            loss = F.cross_entropy(network(batch.inputs), batch.targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            done += 1
            if judge and done % EVERY == 0:
                held_out.extend([] if held_out else task.evaluation("validation", JUDGED, seed))
                with torch.no_grad():
                    right = [(network(one.inputs).argmax(-1) == one.targets).sum().item() for one in held_out]
                accuracy = sum(right) / JUDGED
        return accuracy

    return go


def one_thread() -> None:
    """Set this process up."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def main() -> None:
    """Train what the command line says."""
    level, model, hidden, steps, *seeds = sys.argv[1:] or ["easy", "lstm", "4", "300", "1"]
    one_thread()
    for seed in seeds:
        started = time.perf_counter()
        accuracy = plain_loop(level, model, int(hidden), int(seed), judge=True)(int(steps))
        print(
            f"{model}, seed {seed}: accuracy {accuracy:.4f}, {time.perf_counter() - started:.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
