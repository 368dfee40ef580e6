"""The server that workers are forked from. It has imported torch once, so a run begins within milliseconds.

This module imports nothing itself: the server is started first, and imports while its parent does.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

PRELOADED = ["seqlab.comparison.preload"]
"""What the server imports."""

COMPILER = "torch._dynamo"
"""What torch imports before its first step, which takes 1.5 s; the fused engine does without."""

OWNER = "SEQLAB_SERVER_OWNER"
"""The variable of the environment that tells the server the number of the process that it serves."""

FUSED = {"rnn", "irnn", "lstm", "gru"}
"""Models that the fused engine trains, as a rule."""


def context() -> ForkServerContext | SpawnContext:
    """Return what makes processes: the server, or on Windows, which has no fork, new ones from nothing."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOADED)
    return found


def start(*, torch_trains: bool = True) -> None:
    """Start the server, so that it is ready when the first worker is wanted; one that runs is left as it is.

    Args:
        torch_trains: whether some run is trained by torch.
    """
    found = context()
    if sys.platform != "win32":
        from multiprocessing import forkserver

        found.set_forkserver_preload([*PRELOADED, COMPILER] if torch_trains else PRELOADED)
        os.environ[OWNER] = str(os.getpid())
        forkserver.ensure_running()
        del os.environ[OWNER]


def torch_may_train(words: Sequence[str]) -> bool:
    """Guess from models and settings as they were typed, long before it is known, whether torch will train.

    >>> torch_may_train(["lstm[hidden_size=8]", "rnn"]), torch_may_train(["lstm", "my_cell.py"])
    (False, True)
    """
    names = {word.partition("[")[0] for word in words if "=" not in word.partition("[")[0]}
    asked = "training.engine=torch" in words
    return asked or importlib.util.find_spec("numba") is None or not names <= FUSED
