"""Which precision a model trains in: float32, or products in bfloat16 where that is measured to be faster."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from seqlab.contracts import Batch
from seqlab.models import SequenceModel, read_batch
from seqlab.runs.files import keep_first
from seqlab.runs.machine import machine, processors
from seqlab.tasks import Task
from seqlab.text.corpora import cache_folder
from seqlab.training.runtime import SMALL_MODEL, autocast

UNITS = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512", "bf16": "NEON"}
"""What a processor with units for bfloat16 says of itself, and what they are called; the best first."""

AMPERE = (8, 0)
"""The first of NVIDIA's architectures with bfloat16."""

GAIN = 1.1
"""How many times as fast bfloat16 must be, since it rounds products to 8 bits."""

REPEATS = 3
PROCESSOR = Path("/proc/cpuinfo")


def take_precision(
    wanted: str, engine: str, device: torch.device, parameters: int, gain: Callable[[], float | None]
) -> tuple[str, str | None]:
    """Return the precision to train in, and why it was taken in the place of ``auto``.

    Args:
        wanted: ``auto``, ``fp32`` or ``bf16``.
        engine: that trains; all but torch compute in float32.
        device: where.
        parameters: the model's size.
        gain: returns how many times as fast a step in bf16 is; asked where there are units for both. None
            where that cannot be known for good.

    >>> take_precision("auto", "fused", torch.device("cpu"), 10**6, lambda: 2.0)
    ('fp32', 'the fused engine knows no other')
    """
    if wanted != "auto":
        return wanted, None
    if engine != "torch":
        return "fp32", f"the {engine} engine knows no other"
    units = bfloat16_units(device)
    if units is None:
        return "fp32", "there are no units for bf16"
    if parameters <= SMALL_MODEL:
        return "fp32", "so small a network gains nothing by bf16"
    times = gain()
    if times is None:
        return "fp32", "which is faster cannot be kept in the cache folder"
    return "bf16" if times >= GAIN else "fp32", f"with {units} a step in bf16 is {times:.2f} times as fast"


def kept_gain(question: Mapping[str, object], measure: Callable[[str], float]) -> float | None:
    """Return how many times as fast a step in bf16 is, measured when it is first asked on this machine.

    Measured each time it would now and then come out otherwise, and the same command to other numbers.

    Args:
        question: what is asked, such as the model and the size of a batch.
        measure: returns the seconds of a training step in a precision.

    Returns:
        What is kept in the cache; None where nothing can be.
    """
    asked = [question, machine()["cpu"], processors(), torch.__version__]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    path = cache_folder() / "precision" / f"{digest[:16]}.json"
    try:
        gain = None if path.is_file() else measure("fp32") / measure("bf16")
        kept = keep_first(path, json.dumps({"gain": gain, "of": question}, default=str))
        return float(json.loads(kept)["gain"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def bfloat16_units(device: torch.device) -> str | None:
    """Return what a device computes in bfloat16 with, or None where it would only pretend to."""
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        return "tensor cores" if capability >= AMPERE else None
    if device.type != "cpu":
        return None
    try:
        lines = PROCESSOR.read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return None
    flags = {
        word for line in lines if line.lower().startswith(("flags", "features")) for word in line.split()
    }
    return next((name for flag, name in UNITS.items() if flag in flags), None)


def step_seconds(model: SequenceModel, task: Task, batch: Batch, precision: str) -> float:
    """Return the seconds of a batch's forward and backward pass, the fastest of some; nothing is learned."""
    device = batch.inputs.device
    times = []
    for _ in range(1 + REPEATS):
        started = time.perf_counter()
        with autocast(precision, device):
            outputs, _ = read_batch(model, batch)
        model.loss(task, outputs.float(), batch).backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
        model.zero_grad()
    return min(times[1:])  # in the first much is set up
