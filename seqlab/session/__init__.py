"""Runs in their folders: opened, trained, recorded, interrupted, gone on with."""

from seqlab.session.data import move_text
from seqlab.session.extending import extend
from seqlab.session.lineage import vocabulary_of
from seqlab.session.opening import (
    Session,
    begin,
    go_on,
    open_session,
    read_experiment,
    reopen,
)
from seqlab.session.running import Result, train, train_together
from seqlab.session.trained import load_language_model, load_network, reopen_to_read, reopen_trained

__all__ = [
    "Result",
    "Session",
    "begin",
    "extend",
    "go_on",
    "load_language_model",
    "load_network",
    "move_text",
    "open_session",
    "read_experiment",
    "reopen",
    "reopen_to_read",
    "reopen_trained",
    "train",
    "train_together",
    "vocabulary_of",
]  # fmt: skip
