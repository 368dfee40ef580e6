"""seqlab: a command-line laboratory for recurrent and other sequence models.

From Python: :func:`seqlab.train`, :func:`seqlab.compare`, :func:`seqlab.load_run`; see docs/notebooks.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqlab.api import compare, load_run, train

__all__ = ["__version__", "compare", "load_run", "train"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what trains, and torch with it, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("seqlab.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
