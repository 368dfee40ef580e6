"""Every registered model keeps the promises of every model."""

from __future__ import annotations

import pytest
from model_contract import CHECKS, Check

from seqlab import registry


@pytest.mark.parametrize("name", registry.names("model"))
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_model(check: Check, name: str) -> None:
    check(name)
