"""What is said of the answers of a run that are one of several classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def of_classes(summary: Mapping[str, Any]) -> list[str]:
    """Say how sure an accuracy is, and which classes are mistaken most often, where that is on record."""
    from seqlab.comparison.statistics import wilson
    from seqlab.runs.confusion import confusion_of

    found = confusion_of(summary)
    if found is None:
        return []
    lines = []
    if found.answers == found.sequences:  # the answers within a sequence do not come by themselves
        low, high = (getattr(wilson(found.right, found.answers), end) for end in ("low", "high"))
        lines.append(
            f"{found.right:,} of {found.answers:,} right: an accuracy from {low:.3f} to {high:.3f} "
            "(Wilson's 95 % interval)"
        )
    wrong = [f"{said} for {wanted} ({count:,})" for wanted, said, count in found.mistakes(3)]
    if wrong:
        lines.append(f"most often mistaken: {', '.join(wrong)}")
    return lines
