"""What draws from a global random state is found, whichever that is."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from seqlab.promises import BrokenPromiseError, nothing_drawn_globally

DRAWS: dict[str, Callable[[], object]] = {
    "torch": lambda: torch.rand(1),
    "numpy": lambda: np.random.rand(1),  # noqa: NPY002
    "python": random.random,
}


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.PCG64, np.random.Philox])
@pytest.mark.parametrize("library", DRAWS)
def test_who_draws_is_found_and_who_does_not_is_let_be(
    library: str, bits: type[np.random.BitGenerator]
) -> None:
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(bits(1))
    try:
        with nothing_drawn_globally("This", "Do not."):
            pass
        with pytest.raises(BrokenPromiseError, match="This draws"), nothing_drawn_globally("This", "Do not."):
            DRAWS[library]()
    finally:
        np.random.set_bit_generator(before)
