"""What pictures of a task look like, where a user may show one of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqlab.contracts import Signal

PICTURE = "picture"
"""What a picture is called that is known before the first step."""

Pixels = NDArray[np.float32]

FAINT = 0.25
"""What is less bright than this share of the brightest pixel does not belong to what a picture shows."""


@dataclass(frozen=True)
class Form:
    """What the pictures of a task look like.

    Attributes:
        rows: pixels.
        columns: likewise.
        features: 1 for shades of grey, bright on dark; 3 for red, green and blue.
        fill: the share of the rows, or of the columns, that the one thing takes which it shows; None where it
            shows several, or is not cut.
    """

    rows: int
    columns: int
    features: int = 1
    fill: float | None = None

    @property
    def signal(self) -> Signal:
        """What a model is told of them."""
        return Signal("features", self.features, ("row", "column"))
