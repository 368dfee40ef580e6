"""To be imported by the server that workers are forked from: they begin with all they need loaded.

Compiled code that there is not yet is left out: compiling is announced, and done once, elsewhere.
"""

from __future__ import annotations

import gc
import importlib.util
from contextlib import suppress
from importlib import import_module

from seqlab.errors import EngineError

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
