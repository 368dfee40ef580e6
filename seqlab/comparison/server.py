"""The server that workers are forked from. It has imported torch once, so a run begins within milliseconds.

This module imports nothing itself: the server is started first, and imports while its parent does.
"""

from __future__ import annotations

import multiprocessing
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

PRELOADED = ["seqlab.comparison.workers", "seqlab.fused.preload", "torch._dynamo"]
"""What the server imports: the second loads compiled code, the third takes torch 1.5 s at its first step."""


def context() -> ForkServerContext | SpawnContext:
    """Return what makes processes: the server, or on Windows, which has no fork, new ones from nothing."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOADED)
    return found


def start() -> None:
    """Start the server, so that it is ready when the first worker is wanted."""
    context()
    if sys.platform != "win32":
        from multiprocessing import forkserver

        forkserver.ensure_running()
