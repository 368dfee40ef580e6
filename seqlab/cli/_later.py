"""Parts of other packages that are imported when they are first used, because importing them takes long."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def import_later(module: str, name: str) -> None:
    """Have ``from module import name`` give a stand-in, which imports the real thing when it is used.

    Whatever else is asked of the module imports it, too. Nothing happens where that has been done already.

    Args:
        module: its full name.
        name: a class or function in it, which is only called, or asked for attributes.

    >>> import_later("graphlib", "TopologicalSorter")
    >>> from graphlib import TopologicalSorter
    >>> "CycleError" in vars(sys.modules["graphlib"])
    False
    >>> list(TopologicalSorter({2: [1]}).static_order())
    [1, 2]
    >>> "CycleError" in vars(sys.modules["graphlib"])
    True
    """
    if module in sys.modules:
        return
    absent = ModuleType(module)

    def real(attribute: str) -> Any:
        if attribute.startswith("__"):  # which the import asks for
            raise AttributeError(attribute)
        if sys.modules.get(module) is absent:
            del sys.modules[module]
        return getattr(import_module(module), attribute)

    class Later(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            return real(name)(*args, **kwargs)

        def __getattr__(cls, attribute: str) -> Any:
            return getattr(real(name), attribute)

    absent.__dict__.update({name: Later(name, (), {}), "__getattr__": real})
    sys.modules[module] = absent
