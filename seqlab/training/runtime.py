"""What the machine offers: device, threads, precision, and the process settings that training wants."""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from contextlib import AbstractContextManager, nullcontext

import torch

from seqlab.errors import UsageError
from seqlab.runs.machine import processors

SMALL_MODEL = 20_000
"""Parameters up to which one thread is faster than several: the work of a step is less than their meeting."""


def pick_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` takes CUDA, then Apple's MPS, then the processor.

    The environment variable SEQLAB_DEVICE stands in for ``auto``.

    Raises:
        UsageError: when this machine, or this build of torch, has no such device.
    """
    by_variable = name == "auto" and "SEQLAB_DEVICE" in os.environ
    if by_variable:
        name = os.environ["SEQLAB_DEVICE"]
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if available[device])
    kind, _, number = name.partition(":")
    if kind not in available or not available[kind] or (number and not number.isdecimal()):
        has = ", ".join(device for device, there in available.items() if there)
        raise UsageError(
            f"There is no device {name!r} here.",
            hint=f"This machine has: {has}. "
            + ("So SEQLAB_DEVICE says." if by_variable else "compute.device=auto takes the best."),
        )
    if number and int(number) >= (count := torch.cuda.device_count()):
        has = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise UsageError(f"There is no device {name!r} here.", hint=f"This machine has {has}.")
    return torch.device(name)


def is_here(name: str) -> bool:
    """Say whether this machine has the device of that name."""
    try:
        pick_device(name)
    except UsageError:
        return False
    return True


def threads_for(parameters: int) -> int:
    """Return how many threads a model of that size is worth."""
    return 1 if parameters <= SMALL_MODEL else processors()


def prepare(threads: int, device: torch.device) -> None:
    """Set this process up for training with so many threads, on a device.

    On Linux freed memory is kept by the process rather than returned and faulted in again at every step. On
    a GPU sums are added up in the same order every time, where torch has a way to.
    """
    torch.set_num_threads(threads)
    flush_denormals()
    _keep_freed_memory()
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        warnings.filterwarnings("ignore", ".*does not have a deterministic implementation")
        torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms imports torch's compiler
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def flush_denormals() -> None:
    """Flush denormal numbers to zero, which on long sequences cost a factor of 2 to 4.

    A thread has the setting of the one that began it, so this comes before torch first works with several.
    """
    torch.set_flush_denormal(True)


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which a model computes: bfloat16 products for ``bf16``, else nothing."""
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def _keep_freed_memory() -> None:
    """Tell glibc's malloc to serve large blocks from its own heap (a 512-unit LSTM's step: 19 % faster)."""
    if not sys.platform.startswith("linux"):
        return
    m_trim_threshold, m_mmap_threshold = -1, -3
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(m_mmap_threshold, 1 << 30)
        libc.mallopt(m_trim_threshold, (1 << 31) - 1)
    except (OSError, AttributeError):  # another C library: nothing to set
        return
