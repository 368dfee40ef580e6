"""To be imported by the server that workers are forked from: they begin with all they need loaded.

Compiled code that there is not yet is left out: compiling is announced, and done once, elsewhere. A server
whose owner is gone, killed while it starts, ends at once instead of importing for nobody.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import threading
from contextlib import suppress
from importlib import import_module

from seqlab.comparison.server import OWNER
from seqlab.errors import EngineError

owner, loaded = int(os.environ.get(OWNER, os.getppid())), threading.Event()


def end_without_owner() -> None:
    """End this process when the one that started it has ended, as long as it imports."""
    while not loaded.wait(0.1):
        if os.getppid() != owner:
            os._exit(0)


watch = threading.Thread(target=end_without_owner, daemon=True)
watch.start()
gc.disable()  # all that is imported stays: looking through it for what is to be freed takes 0.1 s
try:
    import_module("seqlab.comparison.workers")
    fused = import_module("seqlab.fused")
    if importlib.util.find_spec("numba") is not None and fused.is_compiled():
        with suppress(EngineError):  # who trains says so
            fused.make_ready()
    gc.freeze()
finally:
    gc.enable()
    loaded.set()
    watch.join()  # no thread is there when workers are forked
