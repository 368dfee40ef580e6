"""Cells of networks that see pictures, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from seqlab.models._cell import Cell
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.lstm import LSTM

Gated = Literal["lstm", "gru"]

CELLS: Mapping[Gated, type[Cell]] = {"gru": GRU, "lstm": LSTM}
