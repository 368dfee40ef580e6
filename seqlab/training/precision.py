"""Which precision a model trains in: float32, or products in bfloat16 where there are units for them."""

from __future__ import annotations

from pathlib import Path

import torch

UNITS = {"amx_bf16": "AMX units", "avx512_bf16": "AVX-512 units", "bf16": "NEON units"}
"""What a processor with units for bfloat16 says of itself, and what they are called; the best first."""

AMPERE = (8, 0)
"""The first of NVIDIA's architectures with bfloat16."""

PROCESSOR = Path("/proc/cpuinfo")


def take_precision(
    wanted: str, device: torch.device, parameters: int, worth_from: int | None
) -> tuple[str, str | None]:
    """Return the precision to train in, and why it was taken in the place of ``auto``.

    The rule is fixed, so that equal runs take the same: bfloat16 where there are units for it and the model
    is one that gains by it, and large enough to (benchmarks/README.md has what was measured).

    Args:
        wanted: ``auto``, ``fp32`` or ``bf16``.
        device: where.
        parameters: the model's size.
        worth_from: the model's ``bfloat16_from``.

    >>> take_precision("auto", torch.device("cpu"), 10**6, None)[0]
    'fp32'
    """
    if wanted != "auto":
        return wanted, None
    if worth_from is None:
        return "fp32", "the model gains nothing by bf16"
    if parameters < worth_from:
        return "fp32", "so small a model gains nothing by bf16"
    units = bfloat16_units(device)
    return ("fp32", "there are no units for bf16") if units is None else ("bf16", f"there are {units}")


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
