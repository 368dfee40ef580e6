"""Every registered model keeps the promises of every model."""

from __future__ import annotations

import pytest

from seqlab import registry
from seqlab.models._cell_promises import PROMISES
from seqlab.models._promises import Promise


@pytest.mark.parametrize("name", registry.names("model"))
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_every_model(promise: Promise, name: str) -> None:
    promise(name)
