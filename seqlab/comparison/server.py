"""The server that workers are forked from. It has imported torch once, so a run begins within milliseconds.

This module imports nothing itself: the server is started first, and imports while its parent does.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

PRELOADED = ["seqlab.comparison.preload"]
"""What the server imports."""

OWNER = "SEQLAB_SERVER_OWNER"
"""The variable of the environment that tells the server the number of the process that it serves."""


def context() -> ForkServerContext | SpawnContext:
    """Return what makes processes: the server, or on Windows, which has no fork, new ones from nothing."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOADED)
    return found


def start() -> None:
    """Start the server, to be ready when the first worker is wanted; one that runs is left as it is."""
    context()
    if sys.platform != "win32":
        from multiprocessing import forkserver

        os.environ[OWNER] = str(os.getpid())
        forkserver.ensure_running()
        del os.environ[OWNER]
