"""A neural Turing machine's training step, compiled, beside the same equations in a plain loop of PyTorch.

    python benchmarks/turing.py

Both read the same batches of copy-bits, 16 sequences of 20 vectors, forward and back, in turn; processor time of one
thread, the least of 20, and the ratio.
"""

from __future__ import annotations

import os
import time

os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"

import torch

from seqlab.models.memory import _turing
from seqlab.models.memory.ntm import NTM
from seqlab.tasks.recall.copy_bits import CopyBits

REPEATS = 20


def main() -> None:
    task = CopyBits(length=20, exactly=True)
    batch = task.batch("train", 0, 16, seed=1)
    for controller in ("lstm", "feedforward"):
        model = NTM(task.spec, controller=controller)
        model.initialise(torch.Generator().manual_seed(1))
        least = {True: float("inf"), False: float("inf")}
        for repeat in range(2 * (REPEATS + 1)):
            _turing.COMPILES = repeat % 2 == 0
            began = time.process_time()
            outputs, _ = model(batch.inputs)
            task.loss(outputs, batch).backward()
            if repeat > 1:  # the first time there is something to compile
                least[_turing.COMPILES] = min(least[_turing.COMPILES], time.process_time() - began)
            model.zero_grad()
        print(
            f"{controller}: compiled {1e3 * least[True]:.1f} ms, plain {1e3 * least[False]:.1f} ms, "
            f"{least[False] / least[True]:.1f} times as fast"
        )


if __name__ == "__main__":
    main()
