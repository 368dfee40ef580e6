"""A small network is worked out by hand, every number of it; there is nothing to set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from seqlab.kinds import Asked
from seqlab.settings import Experiment

if TYPE_CHECKING:
    from torch import Tensor

    from seqlab.analysis.by_hand import Step


SMALL = 9
"""So many numbers of a gradient stand within the table; more of them below it."""


class WorkedExample(Experiment):
    """A small network worked out by hand; there is nothing to set."""

    kind: Literal["worked-example"]


SETTINGS = WorkedExample


def run(settings: WorkedExample, asked: Asked) -> None:
    """Work the example out, keep the numbers in a folder of the reports, and print it."""
    from seqlab.analysis.by_hand import to_csv, worked_example
    from seqlab.cli.console import say, show_json, show_table, tell
    from seqlab.cli.numbers import show_matrices
    from seqlab.errors import RunFailedError
    from seqlab.runs import create_report, replace_file

    example = worked_example()
    folder = create_report(settings.experiment)
    numbers = folder / "worked-example.csv"
    replace_file(numbers, to_csv(example))
    if asked.as_json:
        return show_json({**example.to_dict(), "csv": str(numbers)})
    print("The weights: a = W h + U x + b, o = V h + c (KMU-8, example 8-1)\n")
    show_matrices(example.to_dict()["weights"])
    _forwards(example.steps)
    _backwards(example.steps)
    say("Gradients of the summed losses: by hand (8.24), and how far from it the other two ways are\n")
    show_table(
        ("cell", "weights", "gradient by hand", "from autograd", "from differences"),
        [
            (
                check.cell,
                check.weight,
                _matrix(check.by_hand) if check.by_hand.numel() <= SMALL else _size(check.by_hand),
                f"{check.from_autograd:.1e}",
                f"{check.from_differences:.1e}",
            )
            for check in example.checks
        ],
    )
    broken = [f"{check.cell} {check.weight}" for check in example.checks if not check.agrees]
    if broken:
        raise RunFailedError(f"The three ways do not agree for {', '.join(broken)}.")
    say("\nThe weights of the lstm and the gru, drawn from seed 1, and those gradients that are larger\n")
    for check in example.checks:
        if check.cell != "rnn" and check.weight not in ("V", "c"):  # these are the example's
            show_matrices({f"{check.cell} {check.weight}": check.value.tolist()})
        if check.by_hand.numel() > SMALL:
            show_matrices({f"{check.cell} dJ/d{check.weight}": check.by_hand.tolist()})
    say(f"All three agree for the rnn, the lstm and the gru.\n\n{numbers}")
    tell("Next: seqlab explain lstm, or seqlab train memory-gates")
    return None


def _forwards(steps: Sequence[Step]) -> None:
    print("Forwards, from h(0) = 0\n")
    for t, step in enumerate(steps, 1):
        print(f"t = {t}    x = {_vector(step.x)}")
        print(f"    a = W h({t - 1}) + U x({t}) + b = {_vector(step.a)}")
        print(f"    h = tanh(a)               = {_vector(step.h)}")
        print(f"    o = V h({t}) + c            = {_vector(step.o)}")
        print(f"    y' = softmax(o)           = {_vector(step.answer)}    wanted {_vector(step.target)}")
        print(f"    J({t}) = {step.loss:.4f}\n")
    print(f"J = {sum(step.loss for step in steps):.4f}\n")


def _backwards(steps: Sequence[Step]) -> None:
    print("Back through time\n")
    for t, step in reversed(list(enumerate(steps, 1))):
        rule = "V^T dJ/do                                      (8.20)"
        if t < len(steps):
            rule = f"V^T dJ/do + W^T D(1-h({t + 1})^2) dJ~({t + 1})/dh({t + 1})    (8.21)"
        print(f"t = {t}    dJ/do  = y' - y = {_vector(step.d_o)}    (8.19)")
        print(f"         dJ~/dh = {rule}")
        print(f"                = {_vector(step.d_h)}\n")


def _vector(values: Tensor) -> str:
    return "(" + ", ".join(f"{value:.4f}" for value in (values + 0.0).tolist()) + ")"


def _matrix(values: Tensor) -> str:
    return _vector(values) if values.dim() == 1 else " ".join(map(_vector, values))


def _size(values: Tensor) -> str:
    return f"{' x '.join(map(str, values.shape))}, norm {float(values.norm()):.4f}"
