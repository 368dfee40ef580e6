"""What tasks and models agree on: the shape of a batch, what a model may know of a task, and random streams.

Tasks and models never import each other; both import this page.

Shapes in names and comments: B rows of a batch, T time, I inputs, H hidden units, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from seqlab.seeding import start

Split = Literal["train", "validation", "test"]

ANSWERS = 1 << 25
"""Numbers with which a model answers at once, where it is read piece by piece: 128 MiB of float32."""

PAD = -1
"""The token that is no symbol: a model holds its state there. Padding stands in front of a sequence."""

SUPPORTING = "supporting"
"""The note of a batch, (B, S) bool, that says from which sentences of a story its answer follows."""

BOXES = "boxes"
"""The note of a batch, (B, T, 4), that says of each step where in a picture stands what its target names: its
first row and column, and those behind its last; 0 where it names nothing."""

Kind = Literal["tokens", "features"]
"""``tokens`` are int64 symbols, looked up; ``features`` are float32 vectors."""

Answer = Literal["classes", "bits", "values"]
"""What comes out: scores for a softmax, logits of a logistic function each, real numbers."""

State = tuple[tuple[Tensor, ...], ...]
"""What a model remembers: parts of any shape whose first axis is the row of the batch, in groups (of a
recurrent network a layer's). What was known before the first step is a part of it, too."""


@dataclass(frozen=True)
class Signal:
    """Something that is known before the first step: a source sentence, a picture, a story.

    Attributes:
        kind: what it is made of.
        size: the number of symbols, or of features at each place.
        axes: what its places are counted by: ``("time",)``, ``("row", "column")``, ``("sentence", "word")``.
            A tensor of it is (B, ...) with an axis for each, and one for the features; shorter rows of tokens
            are filled with :data:`PAD`.
    """

    kind: Kind
    size: int
    axes: tuple[str, ...] = ("time",)

    def __post_init__(self) -> None:
        _require_one_of("kind", self.kind, get_args(Kind))
        _require_size("size", self.size)

    @property
    def is_picture(self) -> bool:
        """Whether its places are pixels, by row and column, with features each: grey, or three colours."""
        return self.kind == "features" and self.axes == ("row", "column")

    @property
    def form(self) -> str:
        """Its kind and axes, as a model says what it takes.

        >>> Signal("features", 3, ("row", "column")).form
        'features(row,column)'
        """
        return f"{self.kind}({','.join(self.axes)})"

    @staticmethod
    def of(form: str, size: int) -> Signal:
        """Return a signal of a form, as :attr:`form` writes it.

        Raises:
            ValueError: when it is none.

        >>> Signal.of("features(row,column)", 3) == Signal("features", 3, ("row", "column"))
        True
        """
        kind, _, axes = form.partition("(")
        if kind not in get_args(Kind) or not axes.endswith(")"):
            raise ValueError(f"{form!r} is no form of a context, such as tokens(time)")
        return Signal(kind, size, tuple(axes.removesuffix(")").split(",")))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Written:
    """The answers of a task that are written, symbol by symbol, each read before the next is chosen.

    Attributes:
        begin: the input symbol at the first step.
        end: the symbol with which an answer ends.
        longest: symbols of an answer, the last one included.
    """

    begin: int
    end: int
    longest: int


@dataclass(frozen=True)
class Spec:
    """All that a model may know of a task.

    Attributes:
        inputs: what is read step by step: ``tokens`` (B, T) or ``features`` (B, T, I).
        input_size: the number of symbols, or of features.
        outputs: ``classes`` are scores (logits) for a softmax; ``bits`` are logits for a logistic function
            each; ``values`` are real numbers.
        output_size: the number of classes, bits or values.
        causal: the answer at a step may use that step and the past only; such a task takes no
            bidirectional model.
        context: by name what is known before the first step; a model that does not take it is refused.
        writes: how answers are written, where they are; None where they are only shown.
        frame: rows and columns of the piece of a picture that the features of a step are; None where they are
            no pixels.
    """

    inputs: Kind
    input_size: int
    outputs: Answer
    output_size: int
    causal: bool
    context: Mapping[str, Signal] = field(default_factory=dict)
    writes: Written | None = None
    frame: tuple[int, int] | None = field(default=None, compare=False)  # of the same numbers, whatever it is

    def __post_init__(self) -> None:
        _require_one_of("inputs", self.inputs, get_args(Kind))
        _require_one_of("outputs", self.outputs, get_args(Answer))
        _require_size("input_size", self.input_size)
        _require_size("output_size", self.output_size)
        writes = self.writes
        if writes and not (0 <= writes.end < self.output_size and 0 <= writes.begin < self.input_size):
            raise ValueError(
                f"{writes} names symbols that there are not: inputs are 0 to {self.input_size - 1}, "
                f"classes 0 to {self.output_size - 1}"
            )
        if self.frame and self.frame[0] * self.frame[1] != self.input_size:
            raise ValueError(f"a frame of {self.frame} has not the {self.input_size} features of a step")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Spec:
        """Return what :meth:`to_dict` came from.

        >>> spec = Spec("tokens", 3, "classes", 3, True, {"source": Signal("tokens", 9)}, Written(0, 1, 5))
        >>> Spec.from_dict(spec.to_dict()) == spec
        True
        """
        context = {
            name: Signal(**{**signal, "axes": tuple(signal["axes"])})
            for name, signal in data["context"].items()
        }
        writes = None if data["writes"] is None else Written(**data["writes"])
        frame = data.get("frame") and tuple(data["frame"])
        return Spec(**{**data, "context": context, "writes": writes, "frame": frame})


@dataclass(frozen=True)
class Batch:
    """Sequences to learn from, or to be tested on.

    Attributes:
        inputs: (B, T) int64 symbols with :data:`PAD` in front, or (B, T, I) float32 features.
        targets: the wanted outputs where ``mask`` counts: int64 classes or float32 values, shaped (B, T) or,
            for a task with one answer a sequence, (B,); bits (float32, 0 or 1) and vectors of values
            (B, T, O).
        mask: (B, T) bool, True where the loss counts; with (B,) targets it holds one True in each row.
            None where every step counts.
        continues: whether the state at the end of the previous batch is the state at the start of this one.
        context: by the names of the Spec what is known before the first step, (B, ...) each.
        notes: by any name what the task knows of each row and no model is shown, (B, ...) each.
        places: where the mask is True, counted through row by row, (N,); None to look for them there.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor | None = None
    continues: bool = False
    context: Mapping[str, Tensor] = field(default_factory=dict)
    notes: Mapping[str, Tensor] = field(default_factory=dict)
    places: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device; nobody waits until it is there."""
        if self.inputs.device == device:
            return self
        return self.located().each(partial(_send, device=device))

    def located(self) -> Batch:
        """Return the batch with its :attr:`places`: on a GPU, to look for them is to wait for it."""
        if self.mask is None or self.places is not None:
            return self
        return replace(self, places=self.mask.flatten().nonzero().flatten())

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Return the batch with something done to each of its tensors."""
        return replace(
            self,
            inputs=change(self.inputs),
            targets=change(self.targets),
            mask=None if self.mask is None else change(self.mask),
            context={name: change(part) for name, part in self.context.items()},
            notes={name: change(part) for name, part in self.notes.items()},
            places=None if self.places is None else change(self.places),
        )

    def row(self, number: int) -> Batch:
        """Return one row as a batch."""
        return replace(self, places=None).each(lambda part: part[number : number + 1])

    def select(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs that count, (N, O), and their targets, (N,) or (N, O)."""
        if self.mask is None:
            return outputs.flatten(0, 1), self.targets.flatten(0, 1)
        if self.places is not None:
            per_row = self.targets.dim() == 1
            targets = self.targets if per_row else self.targets.flatten(0, 1).index_select(0, self.places)
            return outputs.flatten(0, 1).index_select(0, self.places), targets
        targets = self.targets if self.targets.dim() == 1 else self.targets[self.mask]
        return outputs[self.mask], targets


def _send(part: Tensor, device: torch.device) -> Tensor:
    """Send a tensor to a device; from memory that is pinned, a GPU fetches it while the processor goes on."""
    return part.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else part.to(device)


def keep_rows(state: State, rows: Tensor) -> State:
    """Return the state of chosen rows, (N,), in that order: some may go, some may come twice.

    >>> keep_rows(((torch.tensor([1, 2, 3]),),), torch.tensor([2, 0, 0]))
    ((tensor([3, 1, 1]),),)
    """
    return tuple(tuple(part.index_select(0, rows) for part in parts) for parts in state)


def hold(held: Tensor, old: Iterable[Tensor], new: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Return ``old`` in the rows that are held and ``new`` in the others, for parts of any shape.

    Args:
        held: (B,) bool.
        old: parts of a state, (B, ...) each.
        new: parts of the same shapes.

    >>> hold(torch.tensor([True, False]), [torch.zeros(2, 1, 3)], [torch.ones(2, 1, 3)])[0].flatten().tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """
    return tuple(
        torch.where(held.view(-1, *[1] * (was.dim() - 1)), was, now)
        for was, now in zip(old, new, strict=True)
    )


def at_once(outputs: int, most: int | None = None) -> int:
    """Return how many positions are answered at once, each with so many numbers: at most ``most``.

    >>> at_once(65, 16_384), at_once(60_000, 16_384)
    (16384, 559)
    """
    fitting = max(1, ANSWERS // outputs)
    return fitting if most is None else min(fitting, most)


def _require_one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}; allowed: {', '.join(map(repr, known))}")


def _require_size(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; allowed: a whole number from 1 on")


def numpy_stream(seed: int, *path: str | int) -> np.random.Generator:
    """Return the random stream of that name: the same on every machine, independent of every other.

    What counts batches stands last in the path: streams whose names differ in that alone start the soonest.

    >>> bool(numpy_stream(1, "train", 0).random() == numpy_stream(1, "train", 0).random())
    True
    >>> bool(numpy_stream(1, "train", 0).random() == numpy_stream(1, "test", 0).random())
    False
    """
    return np.random.Generator(np.random.PCG64(start(seed, path)))


def torch_stream(seed: int, *path: str | int) -> torch.Generator:
    """Return the torch generator of that name (initial weights, dropout)."""
    words = start(seed, path).generate_state(4, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))
