"""Runs in their folders: opened, trained, recorded, interrupted, gone on with."""

from seqlab.session.opening import (
    Session,
    begin,
    load_language_model,
    open_session,
    read_experiment,
    reopen,
)
from seqlab.session.running import train

__all__ = [
    "Session", "begin", "load_language_model", "open_session", "read_experiment", "reopen", "train",
]  # fmt: skip
