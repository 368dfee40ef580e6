"""Runs in their folders: opened, trained, recorded, interrupted, gone on with."""

from seqlab.session.data import move_text
from seqlab.session.extending import extend
from seqlab.session.lineage import vocabulary_of
from seqlab.session.opening import (
    Session,
    begin,
    go_on,
    load_language_model,
    open_session,
    read_experiment,
    reopen,
    reopen_trained,
)
from seqlab.session.running import Result, train, train_together

__all__ = [
    "Result",
    "Session",
    "begin",
    "extend",
    "go_on",
    "load_language_model",
    "move_text",
    "open_session",
    "read_experiment",
    "reopen",
    "reopen_trained",
    "train",
    "train_together",
    "vocabulary_of",
]  # fmt: skip
