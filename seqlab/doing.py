"""What is being done, for whoever listens: the command line says it where it takes long.

What takes seconds is done within ``with doing("..."):``, in any layer; nobody needs to hand anything down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str | None], None]
"""Is called with what begins, and with None when nothing more is done that takes long."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
_now: ContextVar[str | None] = ContextVar("now", default=None)


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Say what is being done; at the end, what was being done around it.

    >>> with listening(print), doing("judging"), doing("judging: stream"):
    ...     pass
    judging
    judging: stream
    judging
    None
    """
    before = _now.get()
    token = _now.set(what)
    _tell(what)
    try:
        yield
    finally:
        _now.reset(token)
        _tell(before)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Have a function told what is being done; None for nobody."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def be_quiet() -> None:
    """Tell nobody any more, until the present :func:`listening` ends."""
    _tell(None)
    _listener.set(None)


def heard() -> None:
    """Say that the user was just told something: silence begins again."""
    _tell(None)
    if _now.get() is not None:
        _tell(_now.get())


def _tell(what: str | None) -> None:
    listener = _listener.get()
    if listener is not None:
        listener(what)
