"""What is wrong with a batch, in words; those of tasks that are not seqlab's are checked before use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import PAD, Batch, Spec, Split
from seqlab.errors import PluginError
from seqlab.own_code import place_of
from seqlab.tasks._base import Task
from seqlab.text.vocabulary import Codes

HINT = "docs/adding-a-task.md says what a batch holds."

Values = NDArray[Any]


class Checked(Task):
    """A task that is not seqlab's: what it gives is checked, whoever asks; :func:`checked` makes one."""

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Return a batch in which nothing is wrong."""
        batch = super().batch(split, index, size, seed)  # type: ignore[safe-super]
        problem = problem_of(batch, self, size)
        if problem is not None:
            raise _wrong(self, "batch", f"({split!r}, {index}, {size}, {seed}) is wrong: {problem}")
        return batch

    def evaluation(self, split: Split, sequences: int, seed: int) -> Iterator[Batch]:
        """Yield the batches of the fixed set, in which nothing is wrong."""
        number, rows = 0, None
        for number, batch in enumerate(_yielded(self, super().evaluation(split, sequences, seed)), 1):
            problem = problem_of(batch, self, rows if getattr(batch, "continues", False) else None)
            if problem is not None:
                place = f"({split!r}, {sequences}, {seed}), batch {number}, is wrong: {problem}"
                raise _wrong(self, "evaluation", place)
            rows = len(batch.inputs)
            yield batch
        if not number:
            raise _wrong(self, "evaluation", f"({split!r}, {sequences}, {seed}) yields no batch")

    def text(self, split: Split) -> Codes:
        """Return the text of a split, in which there are only symbols of the Spec."""
        text = super().text(split)
        size = self.spec.input_size
        if not isinstance(text, np.ndarray) or text.ndim != 1 or text.dtype.kind not in "iu" or not len(text):
            raise _wrong(self, "text", f"({split!r}) is {_kind(text)}, not an array of whole numbers, (T,)")
        if int(text.min()) < 0 or int(text.max()) >= size:
            symbol = int(text[(text < 0) | (text >= size)][0])
            raise _wrong(
                self, "text", f"({split!r}) holds the symbol {symbol}, but there are 0 to {size - 1}"
            )
        return text


def checked(cls: type[Task]) -> type[Task]:
    """Return a class of tasks as :class:`Checked`, under its own name."""
    return type(cls.__name__, (Checked, cls), {"__module__": cls.__module__, "__doc__": cls.__doc__})


def problem_of(batch: object, task: Task, rows: int | None = None) -> str | None:
    """Return what is wrong with a batch, and where it is first: forms, sizes, symbols, classes, NaN.

    Args:
        batch: of a task.
        task: the same.
        rows: how many there must be; None for any number.

    >>> from seqlab.tasks.basics.echo import Echo
    >>> problem_of(Batch(torch.tensor([[0, 7]]), torch.tensor([[0, 1]])), Echo(delay=1, chunk=2))
    'inputs hold 7 in row 0, step 1, but the Spec has the symbols 0 to 1, and -1 for padding'
    """
    if not isinstance(batch, Batch):
        return f"it is {_kind(batch)}, not a seqlab.contracts.Batch"
    if not isinstance(batch.continues, bool | np.bool_):
        return f"`continues` is {_kind(batch.continues)}, not True or False"
    if batch.continues and not task.stream:
        return "it continues the batch before, but the task's `stream` is False"
    for problem in (_inputs_problem, _mask_problem, _targets_problem, _context_problem, _notes_problem):
        found = problem(batch, task.spec)
        if found is not None:
            return found
    if rows is not None and len(batch.inputs) != rows:
        before = "are in the batch that it continues" if batch.continues else "were asked for"
        return f"there are {len(batch.inputs)} rows where {rows} {before}"
    return None


def _inputs_problem(batch: Batch, spec: Spec) -> str | None:
    tokens, inputs = spec.inputs == "tokens", batch.inputs
    wanted = "(B, T) int64" if tokens else f"(B, T, {spec.input_size}) float32"
    if not _is_plain(inputs):
        return _not_plain("inputs", inputs, wanted)
    fits = inputs.dim() == (2 if tokens else 3) and all(inputs.shape)
    if not fits or not (tokens or inputs.shape[2] == spec.input_size) or inputs.dtype != _dtype(spec.inputs):
        return f"inputs are {_kind(inputs)}, but {spec.inputs} are {wanted}"
    values = inputs.numpy(force=True)
    if not tokens:
        return _not_finite("inputs", values, ("row", "step", "feature"))
    found = _not_among("inputs", values, spec.input_size, ("row", "step"), padded=True)
    if found is None and int(values[:, 1:].min(initial=0)) == PAD:
        behind = (values[:, 1:] == PAD) & (values[:, :-1] != PAD)
        if behind.any():
            return (
                f"padding stands behind a symbol in {_place(behind, ('row', 'step'), shift=1)}, not in front"
            )
    return found


def _mask_problem(batch: Batch, spec: Spec) -> str | None:
    mask, shape = batch.mask, tuple(batch.inputs.shape[:2])
    if mask is None:
        return None
    if not _is_plain(mask):
        return _not_plain("the mask", mask, f"{shape} bool", verb="is")
    if tuple(mask.shape) != shape or mask.dtype != torch.bool:
        return f"the mask is {_kind(mask)}, not {shape} bool"
    return None if mask.numpy(force=True).any() else "the mask is False at every step, so that nothing counts"


def _targets_problem(batch: Batch, spec: Spec) -> str | None:
    targets, (rows, steps) = batch.targets, batch.inputs.shape[:2]
    shapes: list[tuple[int, ...]] = [] if spec.outputs == "bits" else [(rows, steps), (rows,)]
    shapes += [] if spec.outputs == "classes" else [(rows, steps, spec.output_size)]
    if spec.outputs == "values" and spec.output_size > 1:
        shapes = shapes[2:]
    kind = "int64" if spec.outputs == "classes" else "float32"
    is_plain = _is_plain(targets)
    if not is_plain or tuple(targets.shape) not in shapes or targets.dtype != getattr(torch, kind):
        wanted = f"{' or '.join(map(str, shapes))} {kind}"
        if not is_plain:
            return _not_plain("targets", targets, wanted)
        return f"targets are {_kind(targets)}, but {spec.outputs} are {wanted}"
    mask = None if batch.mask is None else batch.mask.numpy(force=True)
    if targets.dim() == 1:
        ones = np.zeros(rows) if mask is None else mask.sum(1)
        if (ones != 1).any():
            there = "" if mask is None else f", not {ones[ones != 1][0]} as in {_place(ones != 1, ('row',))}"
            return f"there is one target a sequence, so the mask must hold one True in each row{there}"
        mask = None
    values, axes = targets.numpy(force=True), ("row", "step", "output")[: targets.dim()]
    if spec.outputs == "classes":
        return _not_among("targets", values, spec.output_size, axes, where=mask)
    if spec.outputs == "bits" and not (right := _bits(values, mask)).all():
        return f"targets hold {values[~right][0]:g} in {_place(~right, axes)}, but bits are 0 or 1"
    return _not_finite("targets", values, axes, where=mask)


def _context_problem(batch: Batch, spec: Spec) -> str | None:
    if not isinstance(batch.context, Mapping):
        return f"the context is {_kind(batch.context)}, not a mapping"
    if batch.context.keys() != spec.context.keys():
        return f"its context holds {sorted(batch.context)}, but the Spec names {sorted(spec.context)}"
    for name, signal in spec.context.items():
        part, said, features = batch.context[name], f"the context {name!r}", signal.kind == "features"
        axes = ("row", *signal.axes, *(("feature",) if features else ()))
        kind = "float32" if features else "int64"
        wanted = (
            f"({', '.join([str(len(batch.inputs)), *signal.axes, *([str(signal.size)] * features)])}) {kind}"
        )
        if not _is_plain(part):
            return _not_plain(said, part, wanted, verb="is")
        fits = (
            part.dim() == len(axes) and len(part) == len(batch.inputs) and part.dtype == _dtype(signal.kind)
        )
        if not fits or (features and part.shape[-1] != signal.size):
            return f"{said} is {_kind(part)}, not {wanted}"
        values = part.numpy(force=True)
        if not values.size:
            continue
        found = (
            _not_finite(said, values, axes, verb="holds")
            if features
            else _not_among(said, values, signal.size, axes, padded=True, verb="holds")
        )
        if found is not None:
            return found
    return None


def _notes_problem(batch: Batch, spec: Spec) -> str | None:
    if not isinstance(batch.notes, Mapping):
        return f"the notes are {_kind(batch.notes)}, not a mapping"
    rows = len(batch.inputs)
    for name, part in batch.notes.items():
        if not _is_plain(part):
            return _not_plain(f"the note {name!r}", part, f"({rows}, ...)", verb="is")
        if part.dim() == 0 or len(part) != rows:
            return f"the note {name!r} is {_kind(part)}, not ({rows}, ...): a row for each of the batch"
    return None


def _not_among(
    name: str,
    values: Values,
    size: int,
    axes: Sequence[str],
    *,
    padded: bool = False,
    where: Values | None = None,
    verb: str = "hold",
) -> str | None:
    """Say which symbol, or class, is none, and where it stands first."""
    least = PAD if padded else 0
    there = values if where is None else values[where]
    if int(there.min(initial=0)) >= least and int(there.max(initial=0)) < size:
        return None
    wrong = (values < least) | (values >= size)
    wrong = wrong if where is None else wrong & where
    known = f"the symbols 0 to {size - 1}, and -1 for padding" if padded else f"the classes 0 to {size - 1}"
    return f"{name} {verb} {values[wrong][0]} in {_place(wrong, axes)}, but the Spec has {known}"


def _not_finite(
    name: str, values: Values, axes: Sequence[str], *, where: Values | None = None, verb: str = "hold"
) -> str | None:
    """Say where there is the first NaN or infinity."""
    wrong = ~np.isfinite(values)
    if not wrong.any():
        return None
    if where is not None:
        wrong &= where.reshape(*where.shape, *[1] * (values.ndim - where.ndim))
    return f"{name} {verb} {values[wrong][0]} in {_place(wrong, axes)}" if wrong.any() else None


def _bits(values: Values, where: Values | None) -> Values:
    """Say of each target that counts whether it is 0 or 1."""
    bits: Values = (values == 0) | (values == 1)
    return bits if where is None else bits | ~where[..., None]


def _place(wrong: Values, axes: Sequence[str], shift: int = 0) -> str:
    """Say where something is wrong first; ``shift`` is added along the last axis."""
    first = [int(place) for place in np.argwhere(wrong)[0]]
    first[-1] += shift
    return ", ".join(f"{axis} {place}" for axis, place in zip(axes, first, strict=True))


def _dtype(kind: str) -> torch.dtype:
    return torch.int64 if kind == "tokens" else torch.float32


def _is_plain(value: object) -> bool:
    """Say whether something is a tensor with numbers in it, side by side, which keeps no gradient."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and not (value.is_meta or value.is_quantized or value.requires_grad)
    )


def _not_plain(name: str, value: object, wanted: str, verb: str = "are") -> str:
    if isinstance(value, Tensor) and value.requires_grad:
        return f"{name} {verb} to be learned (requires_grad); detach() makes plain numbers of them"
    remedy = "; torch.from_numpy makes one" if isinstance(value, np.ndarray) else ""
    return f"{name} {verb} {_kind(value)}, not a tensor {wanted}{remedy}"


def _kind(value: object) -> str:
    """Say what something is: a tensor's or an array's shape and type, else the name of its type."""
    if isinstance(value, Tensor):
        plain = "" if value.layout == torch.strided and not value.is_meta else f"a {value.layout} tensor "
        return f"{plain}{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array {value.shape} {value.dtype}"
    return "None" if value is None else f"a {type(value).__name__}"


def _yielded(task: Task, batches: object) -> Iterator[Batch]:
    """Go through what ``evaluation`` returned."""
    if not isinstance(batches, Iterable):
        raise _wrong(task, "evaluation", f" returns {_kind(batches)}, which yields no batches")
    yield from batches


def _wrong(task: Task, method: str, what: str) -> PluginError:
    """Return the error that says where the method stands that gave something wrong."""
    function: Callable[..., object] = getattr(super(Checked, task), method)
    return PluginError(f"{place_of(function)}: {type(task).__name__}.{method}{what}.", hint=HINT)
