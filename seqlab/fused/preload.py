"""To be imported by the server that workers are forked from: they begin with the compiled code loaded.

Where nothing has been compiled yet, nothing is done: that is announced, and done once, elsewhere.
"""

from __future__ import annotations

import importlib.util

from seqlab.fused import make_ready
from seqlab.fused.kernels import is_compiled

if importlib.util.find_spec("numba") is not None and is_compiled():
    make_ready()
