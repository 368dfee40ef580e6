"""Errors in a user's own models and tasks: one sentence with file and line, and what was expected there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, TracebackType

from seqlab.errors import PluginError, SeqlabError
from seqlab.plugins import is_own_file
from seqlab.registry import offering_packages

CONTRACT = {
    "Cell.__init__": "A cell is made as Cell(input_size, hidden_size, *, options); its constructor begins "
    "with super().__init__(input_size, hidden_size).",
    "Cell.step": "step(x, state, *prepared) is given x, (B,) symbols or (B, I) features, and a tuple "
    "of parts, (B, ...) each; it returns a tuple of as many, h (B, H) first.",
    "Cell.forward": "forward(x, state) returns h at every step, (B, T, H), and the tuple of parts at "
    "the end.",
    "Cell.start": "start(batch) returns the tuple of parts before the first step, (B, ...) each.",
    "Cell.prepare": "prepare() returns a tuple of tensors, which step is given behind the state.",
    "Cell.initialise": "initialise(generator) draws all weights from that generator.",
    "SequenceModel.__init__": "A model is made as Model(spec, *, options); its constructor begins with "
    "super().__init__(spec).",
    "SequenceModel.forward": "forward(inputs, state) is given (B, T) symbols or (B, T, I) features, and a "
    "state or None; it returns outputs (B, T, O) and the state at the end.",
    "SequenceModel.start": "start(context, rows) returns the state before the first step, a tuple of tuples "
    "of parts, (B, ...) each.",
    "SequenceModel.initialise": "initialise(generator) draws all weights from that generator.",
    "Task.__init__": "A task is made as Task(*, options); its constructor sets self.spec.",
    "Task.batch": "batch(split, index, size, seed) returns a Batch of size sequences.",
    "Task.evaluation": "evaluation(split, sequences, seed) yields batches.",
    "Task.loss": "loss(outputs, batch) is given outputs (B, T, O) and returns one number.",
    "Task.tally": "tally(outputs, batch) is given outputs (B, T, O) and returns a Counter of sums.",
    "Task.figures": "figures(total) is given sums of tallies and returns a number for each metric.",
    "Task.is_correct": "is_correct(selected, targets) is given (N, O) and (N,) or (N, O) and returns truth "
    "values, (N,) or (N, O).",
}
"""What is wanted of methods that users write, by the base class that says it in full."""


def in_a_sentence(error: BaseException) -> SeqlabError | None:
    """Return an error that was raised in a user's own code as one with its place, and what was expected.

    Returns:
        None where the error has not passed through own code.
    """
    frames = [(frame, line) for frame, line in _frames(error.__traceback__) if _is_own(frame)]
    if not frames or isinstance(error, SeqlabError):
        return None
    frame, line = frames[-1]
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    found = PluginError(
        f"{_shown(frame.f_code.co_filename)}, line {line}, in {frame.f_code.co_name}: {what}",
        hint=_expected([frame for frame, _ in frames]) or None,
    )
    found.__cause__ = error
    return found


def place_of(function: Callable[..., object]) -> str:
    """Return the file and the line in which a function of a user's begins."""
    code: CodeType | None = getattr(getattr(function, "__func__", function), "__code__", None)
    return f"{_shown(code.co_filename)}, line {code.co_firstlineno}" if code else repr(function)


def form_of(value: object) -> str:
    """Say what a value is: shape and type of a tensor, a number or a word as it is, else the type's name.

    >>> form_of((1, "train", None, [])), form_of((object(),))
    ("(1, 'train', None, [])", '(object,)')
    """
    if isinstance(value, int | float | str | None):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(form_of, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(form_of, value))}{',' * (len(value) == 1)})"
    shape, kind = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or kind is None:
        return type(value).__name__
    return f"{tuple(shape)} {str(kind).removeprefix('torch.')}"


def require_signature(cls: type, *arguments: object, **options: object) -> None:
    """Refuse a class whose constructor does not take what it is made with.

    Raises:
        PluginError: with the line of the constructor, and how it is written.
    """
    try:
        inspect.signature(cls).bind(*arguments, **options)
    except TypeError as error:
        raise PluginError(
            f"{place_of(vars(cls).get('__init__', cls))}: {cls.__name__} cannot be made: {error}.",
            hint=_wanted_of(cls, "__init__"),
        ) from None


def require_made(made: object, attribute: str) -> None:
    """Refuse an object whose constructor has not called that of the base class, which sets an attribute.

    Raises:
        PluginError: with the line of the constructor, and how it is written.
    """
    if attribute not in vars(made):
        cls = type(made)
        raise PluginError(
            f"{place_of(cls.__init__)}: the constructor of {cls.__name__} does not call super().__init__.",
            hint=_wanted_of(cls, "__init__"),
        )


def _frames(trace: TracebackType | None) -> list[tuple[FrameType, int]]:
    found = []
    while trace is not None:
        found.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found


def _is_own(frame: FrameType) -> bool:
    """Say whether code lies in a user's file, a neighbour of it, or a package that offers models."""
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return is_own_file(Path(frame.f_code.co_filename)) or package in offering_packages()


def _shown(file: str) -> str:
    """Return a path as short as it can be from here."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _expected(frames: list[FrameType]) -> str:
    """Say what the contract wants of the innermost method that it knows, and what that was given."""
    for frame in reversed(frames):
        wanted = _wanted_of(type(frame.f_locals.get("self")), frame.f_code.co_name)
        if wanted is not None:
            given = _given(frame)
            return f"{wanted} It was given {given}." if given else wanted
    return ""


def _wanted_of(cls: type, method: str) -> str | None:
    """Return what the contract wants of a method, by the base class that has it."""
    return next(filter(None, (CONTRACT.get(f"{base.__name__}.{method}") for base in cls.__mro__)), None)


def _given(frame: FrameType) -> str:
    """Say what a method was called with: shapes and types of tensors, numbers, words."""
    code = frame.f_code
    names = code.co_varnames[1 : code.co_argcount]
    return ", ".join(f"{name} {form_of(frame.f_locals[name])}" for name in names if name in frame.f_locals)
