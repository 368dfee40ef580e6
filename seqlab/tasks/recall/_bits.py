"""What tasks whose answers are vectors of bits share."""

from __future__ import annotations

from collections.abc import Mapping

from seqlab.tasks._judging import Metric

WRONG_BITS = Metric("wrong_bits", False, (0.0, None), "wrong bits of a sequence")


def wrong_bits(total: Mapping[str, float]) -> dict[str, float]:
    """Return the mean number of wrong bits in a sequence, from a tally.

    >>> wrong_bits({"targets": 320, "correct": 310, "sequences": 2})
    {'wrong_bits': 5.0}
    """
    return {"wrong_bits": (total["targets"] - total["correct"]) / total["sequences"]}
