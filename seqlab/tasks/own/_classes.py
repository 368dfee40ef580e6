"""What answers that are one of several classes are judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seqlab.tasks._judging import ACCURACY, LOSS, SHARE, Metric

BALANCED = Metric("balanced_accuracy", True, SHARE, "balanced accuracy")
MACRO_F1 = Metric("macro_f1", True, SHARE, "macro F1")
METRICS = (ACCURACY, BALANCED, MACRO_F1, LOSS)

Integers = NDArray[np.int64]


def counted(said: Integers, wanted: Integers) -> Counter[str]:
    """Count by class how often it was said, wanted and both, (N,) each."""
    total = Counter[str]()
    for what, numbers in (("said", said), ("wanted", wanted), ("right", wanted[said == wanted])):
        for number, times in zip(*np.unique(numbers, return_counts=True), strict=True):
            total[f"{what} {number}"] = int(times)
    return total


def class_figures(total: Mapping[str, float], classes: int) -> dict[str, float]:
    """Return accuracy, balanced accuracy and macro F1.

    Balanced accuracy is the mean, over the classes that are wanted, of the share of a class's examples that
    are found. F1 is 2 right / (said + wanted); its mean is over the classes that are wanted or said.

    >>> total = counted(np.array([0, 0, 1, 0]), np.array([0, 0, 1, 1]))
    >>> {name: round(value, 3) for name, value in class_figures(total, 3).items()}
    {'accuracy': 0.75, 'balanced_accuracy': 0.75, 'macro_f1': 0.733}
    """
    said, wanted, right = (
        np.array([total.get(f"{what} {number}", 0) for number in range(classes)], float)
        for what in ("said", "wanted", "right")
    )
    there, met = wanted > 0, said + wanted > 0
    return {
        "accuracy": float(right.sum() / max(wanted.sum(), 1)),
        "balanced_accuracy": float((right[there] / wanted[there]).mean()) if there.any() else 0.0,
        "macro_f1": float((2 * right[met] / (said + wanted)[met]).mean()) if met.any() else 0.0,
    }


def on_counts(names: Sequence[str], classes: Integers, parts: Integers, most: int = 20) -> str:
    """Say how many of each class are for training, validation and test, those with most first."""
    counts = np.array([np.bincount(classes[parts == part], minlength=len(names)) for part in range(3)])
    order = np.argsort(-counts.sum(0), kind="stable")
    told = [f"{names[number]} {'/'.join(f'{count:,}' for count in counts[:, number])}" for number in order]
    more = f", and {len(told) - most:,} more" if len(told) > most else ""
    return f"Training/validation/test: {', '.join(told[:most])}{more}."
