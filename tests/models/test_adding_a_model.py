"""The cell and the mixer in docs/adding-a-model.md work as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from seqlab import plugins, registry
from seqlab.constructors import options_model
from seqlab.contracts import Spec, torch_stream
from seqlab.errors import PluginError
from seqlab.models import build_model, count_parameters
from seqlab.models._cell_promises import PROMISES
from seqlab.models._promises import Promise
from seqlab.settings import Component

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-model.md"


BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def code() -> str:
    return str(BLOCKS[0])


@pytest.fixture(scope="module")
def cell(code: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("mine") / "my_cell.py"
    file.write_text(code, encoding="utf-8")
    with pytest.raises(PluginError, match="runs only when it is named"):
        registry.load("model", str(file))
    plugins.admit(str(file))
    return str(file)


def test_it_is_short(code: str) -> None:
    assert len(code.splitlines()) < 40


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_it_keeps_the_contract(promise: Promise, cell: str) -> None:
    promise(cell)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_mixer_keeps_the_contract(promise: Promise, tmp_path: Path) -> None:
    file = tmp_path / "fading.py"
    file.write_text(BLOCKS[1], encoding="utf-8")
    plugins.admit(str(file))
    promise(str(file))


def test_its_settings_are_checked(cell: str) -> None:
    fields = options_model(registry.load("model", cell)).model_fields
    assert {"slowest", "hidden_size", "layers"} <= set(fields)
    assert registry.load("model", f"{cell}:Leaky") is registry.load("model", cell)


def test_it_follows_its_equation(cell: str) -> None:
    leaky = registry.load("model", cell)(2, 3).double()
    leaky.initialise(torch_stream(1, "weights"))
    x, h = torch.tensor([[0.5, -1.0]]).double(), torch.tensor([[0.1, 0.2, -0.3]]).double()
    p = 1 / (1 + torch.exp(-leaky.q))
    assert ((p > 1 / 101.1) & (p <= 0.5)).all()
    new = torch.tanh(leaky.input.weight @ x[0] + leaky.W @ h[0] + leaky.input.bias)
    torch.testing.assert_close(leaky.step(x, (h,))[0][0], (1 - p) * h[0] + p * new)


def test_it_learns(cell: str) -> None:
    """To say at the end of six symbols which the first was: the loss falls to less than half."""
    spec = Spec("tokens", 4, "classes", 4, causal=True)
    model = build_model(Component(name=cell, hidden_size=16, slowest=10.0), spec, 1)
    assert count_parameters(model) == 16 * (4 + 16 + 1) + 16 + 4 * 17
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    generator = torch_stream(1, "data")
    losses = []
    for _ in range(60):
        x = torch.randint(0, 4, (32, 6), generator=generator)
        outputs, _ = model(x)
        loss = F.cross_entropy(outputs[:, -1], x[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
