"""What `seqlab train worked-example` and `memory-gates` show: small networks, every number of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqlab.cli.console import show_json, show_table, stderr
from seqlab.settings import WorkedExperiment

if TYPE_CHECKING:
    from torch import Tensor

    from seqlab.analysis.by_hand import Step


def run_by_hand(settings: WorkedExperiment, *, as_json: bool) -> None:
    """Do what the experiment names."""
    if settings.kind == "worked-example":
        return _worked_example(settings, as_json=as_json)
    return _memory_gates(settings, as_json=as_json)


def _memory_gates(settings: WorkedExperiment, *, as_json: bool) -> None:
    """Drive a memory, keep the numbers and the picture in a folder of the reports, and show them."""
    from seqlab.analysis.memory import HELD, drive_memory
    from seqlab.figures.memory import memory_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, replace_file

    drives = drive_memory()
    folder = create_report(settings.experiment)
    data = {"from": HELD.start, "to": HELD.stop, "drives": [drive.to_dict() for drive in drives]}
    replace_file(folder / "memory.json", json.dumps(data) + "\n")
    pictures = [*save(memory_figure(drives), folder / "memory"), folder / "memory.csv"]
    lines = ["drive,quantity,step,value"]
    for drive in drives:
        for name, values in (*drive.gates.items(), ("c", drive.c), ("h", drive.h)):
            lines += [f"{drive.name},{name},{step},{value:.6g}" for step, value in enumerate(values)]
    replace_file(pictures[-1], "\n".join(lines) + "\n")
    if as_json:
        return show_json({**data, "figures": [str(path) for path in pictures]})
    at = (HELD.start - 1, HELD.start, HELD.stop - 1, HELD.stop)
    show_table(
        ("gates set to", "number", *(f"step {t}" for t in at)),
        [
            (drive.name, name, *(f"{values[t] + 0.0:.4f}" for t in at))
            for drive in drives
            for name, values in (*drive.gates.items(), ("c", drive.c), ("h", drive.h))
        ],
    )
    print(f"\nThe gates are set from step {HELD.start} to {HELD.stop - 1}; else f = 1, i = 0, o = 1.\n")
    for path in pictures:
        print(path)
    stderr().print("Next: seqlab inspect RUN --force f=1,i=0 --from 20 --to 60", markup=False)
    return None


def _worked_example(settings: WorkedExperiment, *, as_json: bool) -> None:
    """Work the example out, keep the numbers in a folder of the reports, and print it."""
    from seqlab.analysis.by_hand import to_csv, worked_example
    from seqlab.errors import RunFailedError
    from seqlab.runs import create_report, replace_file

    example = worked_example()
    folder = create_report(settings.experiment)
    numbers = folder / "worked-example.csv"
    replace_file(numbers, to_csv(example))
    if as_json:
        return show_json({**example.to_dict(), "csv": str(numbers)})
    _forwards(example.steps)
    _backwards(example.steps)
    print("Gradients of the summed losses: by hand (8.24), and how far from it the other two ways are\n")
    show_table(
        ("cell", "weights", "gradient by hand", "from autograd", "from differences"),
        [
            (
                check.cell,
                check.weight,
                _matrix(check.by_hand) if check.by_hand.numel() <= 9 else _size(check.by_hand),
                f"{check.from_autograd:.1e}",
                f"{check.from_differences:.1e}",
            )
            for check in example.checks
        ],
    )
    broken = [f"{check.cell} {check.weight}" for check in example.checks if not check.agrees]
    if broken:
        raise RunFailedError(f"The three ways do not agree for {', '.join(broken)}.")
    print(f"\nAll three agree for the rnn, the lstm and the gru.\n\n{numbers}")
    stderr().print("Next: seqlab explain lstm, or seqlab train memory-gates", markup=False)
    return None


def _forwards(steps: Sequence[Step]) -> None:
    print("Forwards, from h(0) = 0 (KMU-8, example 8-1)\n")
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
