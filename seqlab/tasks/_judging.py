"""How a task is judged: its metrics, and the trials that a finished model is put to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Answers = Literal["shown", "greedy", "beam"]
"""How answers come: ``shown``, with the right symbols so far as the input (teacher forcing), or written, each
symbol read before the next is chosen: the likeliest one (``greedy``), or by beam search (``beam``)."""


@dataclass(frozen=True)
class Metric:
    """A figure by which models are judged.

    Attributes:
        name: by which it stands in records, in ``stop_when`` and in JSON.
        higher_is_better: its direction; None for a count that is neither good nor bad.
        bounds: the least and the greatest that it can be at all; None where there is no bound.
        label: what it is called in tables and pictures, with its unit; its name, where that says it all.
        detail: whether it is of a part of the sequences alone; what sums up in a line leaves it out.

    >>> Metric("mse", higher_is_better=False).is_reached(0.2, 0.5)
    True
    """

    name: str
    higher_is_better: bool | None
    bounds: tuple[float | None, float | None] = (None, None)
    label: str = ""
    detail: bool = False

    def is_reached(self, value: float, wanted: float) -> bool:
        """Say whether a value is as good as wanted, or better."""
        return value >= wanted if self.higher_is_better else value <= wanted

    @property
    def title(self) -> str:
        """What it is called in tables and pictures."""
        return self.label or self.name

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Metric:
        """Return what :meth:`to_dict` came from."""
        low, high = data["bounds"]
        return Metric(**{**data, "bounds": (low, high)})


SHARE = (0.0, 1.0)
ACCURACY = Metric("accuracy", True, SHARE)
SEQUENCE_ACCURACY = Metric("sequence_accuracy", True, SHARE)
ERRORS = Metric("errors", False, (0.0, None))
SEQUENCES = Metric("sequences", None, (0.0, None))
LOSS = Metric("loss", False)
MSE = Metric("mse", False, (0.0, None))

USUAL: Mapping[str, tuple[Metric, ...]] = {
    "classes": (ACCURACY, SEQUENCE_ACCURACY, ERRORS, SEQUENCES, LOSS),
    "bits": (ACCURACY, SEQUENCE_ACCURACY, ERRORS, SEQUENCES, LOSS),
    "values": (MSE, SEQUENCES, LOSS),
}
"""The metrics of a task that declares none, by the kind of its outputs."""


@dataclass(frozen=True)
class Trial:
    """A way of judging a finished model.

    Attributes:
        name: such as ``block-256`` or ``length-200``.
        task: options of the task that differ, a greater length, say. Without any, and with answers that are
            shown, the trial is the ordinary judgement under a name of its own, and is not made twice.
        answers: how answers come.
    """

    name: str
    task: Mapping[str, Any] = field(default_factory=dict)
    answers: Answers = "shown"

    @property
    def is_ordinary(self) -> bool:
        """Whether it is the judgement that is made of every finished model."""
        return not self.task and self.answers == "shown"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return asdict(self)
