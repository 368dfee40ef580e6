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
import torch.nn.functional as F

from seqlab.models.memory.ntm import NTM
from seqlab.tasks.recall.copy_bits import CopyBits

REPEATS = 20


def main() -> None:
    task = CopyBits(length=20, exactly=True)
    batch = task.batch("train", 0, 16, seed=1)
    for controller in ("lstm", "feedforward"):
        model = NTM(task.spec, controller=controller)
        model.initialise(torch.Generator().manual_seed(1))
        ways = (model._at_once, model._step_by_step)
        least = {read.__name__: float("inf") for read in ways}
        for repeat in range(2 * (REPEATS + 1)):
            read = ways[repeat % 2]
            began = time.process_time()
            shown, _ = read(batch.inputs, model.start({}, len(batch.inputs))[0])
            outputs = F.linear(shown, model.V, model.d)
            task.loss(outputs, batch).backward()
            if repeat > 1:  # the first time there is something to compile
                least[read.__name__] = min(least[read.__name__], time.process_time() - began)
            model.zero_grad()
        compiled, plain = (1e3 * seconds for seconds in least.values())
        print(
            f"{controller}: compiled {compiled:.1f} ms, plain {plain:.1f} ms, "
            f"{plain / compiled:.1f} times as fast"
        )


if __name__ == "__main__":
    main()
