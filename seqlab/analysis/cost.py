"""What a training step must cost at least: its multiplications and the memory it moves, on this machine.

    floor = max(FLOPs / peak, bytes / bandwidth)

FLOPs are those of the matrix products alone, a multiply-add counting two. With B sequences of T steps, a
matrix of n numbers costs 2 n B T forward; backward as much for its own gradient, and as much again for what
stands before it. A symbol is looked up, which multiplies nothing.

Bytes are what no order of computing can spare where it does not fit into a cache: each gate and each part of
the state is written on the way forward and read on the way back; the weights are read on both ways, their
gradient is written, and Adam reads weights, gradient and its two means and writes all but the gradient.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from seqlab.analysis.gates import gate_names_of
from seqlab.models import Cell, Input, Recurrent, count_parameters

NUMBER = 4
"""Bytes of a number in float32."""
WEIGHT_PASSES = 10
"""Readings and writings of the weights, or of as many numbers, in a training step with Adam."""
BLOCKS = (1 << 18, 1 << 22, 1 << 26)
"""Bytes of the blocks within which the bandwidth is measured: a core's cache, a shared one, memory."""
_PRODUCT = 1024
_ROUNDS = 7


@dataclass(frozen=True)
class StepCost:
    """What a training step takes.

    Attributes:
        flops: of the matrix products.
        bytes: that are moved at least.
    """

    flops: int
    bytes: int


@dataclass(frozen=True)
class Machine:
    """What this machine reaches with some threads.

    Attributes:
        threads: how many.
        peak: FLOPs a second of a float32 matrix product, 1024 x 1024 x 1024.
        bandwidth: bytes a second, read and written, of a copy within a block of each size of :data:`BLOCKS`.
    """

    threads: int
    peak: float
    bandwidth: tuple[float, ...]

    def floor(self, cost: StepCost, copies: int = 1) -> float:
        """Return the seconds below which so many equal steps cannot come, in float32, one after the other.

        What is written and read takes half as much room as is moved; what fits into the smallest block is
        taken to move for nothing.

        >>> Machine(1, 1e9, (4e9, 2e9, 1e9)).floor(StepCost(flops=10**6, bytes=1 << 23), copies=2)
        0.008388608
        """
        room = cost.bytes // 2
        speeds = [speed for block, speed in zip(BLOCKS, self.bandwidth, strict=True) if block <= room]
        moving = cost.bytes / speeds[-1] if speeds else 0.0
        return copies * max(cost.flops / self.peak, moving)


def training_cost(model: Recurrent, *, batch: int, time: int, answers: int | None = None) -> StepCost:
    """Return what a training step costs by the shapes of the model's weights.

    Args:
        model: layers of cells in which each matrix is multiplied once a step, as in all of ours.
        batch: sequences B.
        time: steps T of each.
        answers: outputs that count, and of which the read-out is needed; None for B T.

    >>> from seqlab.contracts import Spec
    >>> from seqlab.models.recurrent.rnn import RNN
    >>> model = Recurrent(RNN, Spec("features", 8, "classes", 4, causal=True), hidden_size=10)
    >>> training_cost(model, batch=1, time=1).flops == 3 * 2 * (10 * 10 + 10 * 4) + 2 * 2 * 8 * 10
    True
    """
    steps = batch * time
    flops, kept = 0, 0
    for place, cell in enumerate(model.cells):
        assert isinstance(cell, Cell)
        first = place < model.directions  # nothing stands before it
        for name, size in _products(cell).items():
            looked_up = first and model.spec.inputs == "tokens"
            passes = 3 if name == "recurrent" or not first or model.embeds else 0 if looked_up else 2
            flops += 2 * size * passes * steps
        kept += (len(gate_names_of(cell)) + len(cell.parts)) * cell.hidden_size * steps
    flops += 2 * 3 * model.readout.weight.numel() * (steps if answers is None else answers)
    return StepCost(flops, NUMBER * (2 * kept + WEIGHT_PASSES * count_parameters(model)))


def _products(cell: Cell) -> dict[str, int]:
    """Return how many numbers the matrices that see the input have, and those that see the state."""
    inputs = sum(module.weight.numel() for module in cell.modules() if isinstance(module, Input))
    matrices = sum(weight.numel() for weight in cell.parameters() if weight.dim() == 2)
    return {"input": inputs, "recurrent": matrices - inputs}


def measure_machine(threads: int) -> Machine:
    """Measure what this machine reaches with so many threads: the best of seven, which takes a second."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        a, out = torch.ones(_PRODUCT, _PRODUCT), torch.empty(_PRODUCT, _PRODUCT)
        peak = 2 * _PRODUCT**3 / _best(lambda: torch.mm(a, a, out=out))
        return Machine(threads, peak, tuple(map(_bandwidth, BLOCKS)))
    finally:
        torch.set_num_threads(before)


def _bandwidth(block: int) -> float:
    source, target = torch.ones(2, block // (2 * NUMBER))
    repeats = max(1, (1 << 24) // block)

    def copy() -> None:
        for _ in range(repeats):
            target.copy_(source)

    return block * repeats / _best(copy)


def _best(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
