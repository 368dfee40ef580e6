"""Promises that every model, or every task, keeps: tried one after the other, with what came of each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from seqlab.errors import SeqlabError
from seqlab.own_code import in_a_sentence

Subject = TypeVar("Subject")


class BrokenPromiseError(AssertionError):
    """Something does not do what all of its kind do; the message says what and where."""


@dataclass(frozen=True)
class Outcome:
    """What came of one promise.

    Attributes:
        promise: its name, a sentence with underscores for spaces.
        why: how it is broken, in a sentence; None where it is kept.
    """

    promise: str
    why: str | None = None


def try_all(promises: Sequence[Callable[[Subject], None]], subject: Subject) -> Iterator[Outcome]:
    """Try promises one after the other, and yield what came of each.

    Whatever a user's own code raises breaks a promise, too; it is said with its file and line.
    """
    for promise in promises:
        try:
            promise(subject)
        except BrokenPromiseError as broken:
            yield Outcome(promise.__name__, str(broken))
        except Exception as error:
            told = error if isinstance(error, SeqlabError) else in_a_sentence(error)
            yield Outcome(
                promise.__name__, f"{type(error).__name__}: {error}" if told is None else told.message
            )
        else:
            yield Outcome(promise.__name__)


@contextmanager
def nothing_drawn_globally(what: str, remedy: str) -> Iterator[None]:
    """Break off where something is drawn from a global random state."""
    before = _global_states()
    yield
    if _global_states() != before:
        raise BrokenPromiseError(
            f"{what} draws from a global random state, of torch, NumPy or Python. {remedy}"
        )


def _global_states() -> tuple[object, ...]:
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002  (it is what nobody may touch)
    return torch.random.get_rng_state().numpy().tobytes(), _comparable(numpy_state), random.getstate()


def _comparable(state: object) -> object:
    """Return a state with the bytes of arrays in their place: whole arrays are equal in no one sense."""
    if isinstance(state, dict):
        return {key: _comparable(value) for key, value in state.items()}
    return state.tobytes() if isinstance(state, np.ndarray) else state
