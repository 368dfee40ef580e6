"""Every error that a user may meet, as one tree.

    SeqlabError                 exit code 1
    ├── UsageError              exit code 2: what was typed or written cannot be used
    │   ├── SettingsError       a key or a value of the settings
    │   ├── UnknownNameError    a model, task, experiment, run or key that does not exist
    │   ├── PluginError         a user's own .py file
    │   ├── TextError           a corpus, a prime, a text, a table
    │   │   └── UnreachableError    it lies on a server that cannot be reached
    │   └── RunFolderError      a run folder that is damaged, foreign or of the wrong kind
    ├── EngineError             what trains cannot be used on this machine
    └── RunFailedError          exit code 1: a run began and could not be finished
        └── NonFiniteLossError  the loss became NaN or infinite
    Interrupted                 exit code 130: stopped by the user, everything saved

A Remark is a warning, and ends nothing.

A message says what was wrong and shows the value; the hint says what to type instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

TRACEBACK = "SEQLAB_TRACEBACK"
"""The variable of the environment with which an error shows where it comes from; ``--traceback`` sets it."""


class Remark(UserWarning):
    """What a user had better know, though nothing is wrong; the command line prints it as a note."""


class SeqlabError(Exception):
    """Base of all errors shown to a user without a traceback.

    Args:
        message: what was wrong, with the value.
        hint: what to do or type instead, or None.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n{self.hint}"


class UsageError(SeqlabError):
    """What was typed or written cannot be used."""

    exit_code = 2


class SettingsError(UsageError):
    """A key or a value of the settings is wrong."""


class PluginError(UsageError):
    """A user's own .py file cannot be used as a model or task."""


class TextError(UsageError):
    """A corpus, a prime, a table or another text cannot be used."""


class NotInstalledError(TextError):
    """What is read comes with a package that is not installed, or takes one to be read."""


class UnreachableError(TextError):
    """A text lies on a server that cannot be reached."""


class RunFolderError(UsageError):
    """A run folder is damaged, foreign, or lacks what was asked for."""


class EngineError(SeqlabError):
    """What trains cannot be used on this machine."""


class UnknownNameError(UsageError):
    """A name that does not exist; the hint offers the nearest that does.

    >>> UnknownNameError("model", "lsmt", ["gru", "lstm", "rnn"]).hint
    "Did you mean 'lstm'? Known models: gru, lstm, rnn."
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        several = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
        listing = f"Known {several}: {', '.join(known)}." if known else f"There is no {kind} yet."
        near = nearest(name, known)
        super().__init__(
            f"Unknown {kind} {name!r}.",
            hint=f"Did you mean {near!r}? {listing}" if near else listing,
        )
        self.name = name


class RunFailedError(SeqlabError):
    """A run began and could not be finished; its folder says why."""


class NonFiniteLossError(RunFailedError):
    """The loss became NaN or infinite; the last good checkpoint is kept."""


class Interrupted(SeqlabError):  # noqa: N818  (not a fault)
    """Stopped by the user; everything needed to go on is saved."""

    exit_code = 130


LONGEST = 200
"""Characters of a name that is looked for among others; comparing longer ones takes for ever."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``name``, or None when none is near.

    >>> nearest("learning_rat", ["batch_size", "learning_rate"])
    'learning_rate'
    >>> nearest("qqq", ["batch_size"]) is None
    True
    """
    if len(name) > LONGEST:
        return None
    lower = {word.lower(): word for word in known}
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None
