"""Selective copy with networks that say all symbols at once: a gru beside mingru and minlstm.

    python benchmarks/slots.py [--seeds N]

A recurrent model of seqlab answers question after question, and must keep what it has yet to say meanwhile. In a
published study of this task (docs/classics.md) nothing is said step by step. This is its network, of 59,000
to 60,000 weights with 4 heads and 61,000 to 62,000 with 8, whatever the cell, and its settings.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from itertools import product
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seqlab.contracts import Spec, State
from seqlab.models import Input, SequenceModel
from seqlab.registry import load

WIDTHS = (
    "cell=gru,hidden_size=106",
    "cell=mingru,hidden_size=350",
    "cell=minlstm,hidden_size=269",
    "cell=mingru,layers=2,hidden_size=132",
)

SETTINGS = """training.steps=600 training.batch_size=32 training.optimizer=adamw training.learning_rate=3e-3
    training.schedule=cosine training.warmup_steps=60 training.weight_decay=0.01 training.weight_decay_of=all
    training.decay=0.999 training.clip_norm=1 training.evaluation_sequences=1024 training.stop_when={}"""


class Slots(SequenceModel):
    """One head for each symbol that is to be said, all of which see the same state.

        e(t) = E x(t)
        s(t) = cell(e(t), s(t-1)), h(t) = norm(s(t))  layer upon layer, each reading the h of the one below
        o(k) = V_k gelu(P h(T) + q) + c_k             at the k-th question; T is the step before the first

    Initialisation: E from N(0, 1); cells as they start by themselves; P, q, V and c uniform in plus or minus
    1 / sqrt(the width of what comes in).

    Args:
        spec: of selective-copy, whose last symbol is the question.
        cell: what reads.
        hidden_size: its units H.
        layers: of cells, each with a norm behind it.
        slots: how many symbols are to be said, K; a question beyond them is answered by the last head.
        embedding_size: the width of e.
        bottleneck: the width of what the heads see.
    """

    reads = ("tokens",)

    def __init__(
        self,
        spec: Spec,
        *,
        cell: Literal["gru", "mingru", "minlstm"] = "gru",
        hidden_size: Annotated[int, Field(ge=1, le=65536)] = 106,
        layers: Annotated[int, Field(ge=1, le=64)] = 1,
        slots: Annotated[int, Field(ge=1, le=1000)] = 4,
        embedding_size: Annotated[int, Field(ge=1, le=65536)] = 48,
        bottleneck: Annotated[int, Field(ge=1, le=65536)] = 64,
    ) -> None:
        super().__init__(spec)
        self.slots, self.hidden_size = slots, hidden_size
        self.embedding = Input(spec.input_size, embedding_size, bias=False)
        widths = [embedding_size, *[hidden_size] * (layers - 1)]
        made = load("model", cell)
        self.cells = nn.ModuleList(made(width, hidden_size) for width in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in widths)
        self.narrow = Input(hidden_size, bottleneck)
        self.say = Input(bottleneck, slots * spec.output_size)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        for cell in self.cells:
            cell.initialise(generator)
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
            for layer in (self.narrow, self.say):
                bound = layer.weight.shape[1] ** -0.5
                for weight in layer.parameters():
                    weight.uniform_(-bound, bound, generator=generator)

    def start(self, context: Any, rows: int) -> State:
        """Return the state: those of the cells, h(T) as far as it is known, and how many were asked."""
        weight = self.say.weight
        held, asked = weight.new_zeros(rows, self.hidden_size), weight.new_zeros(rows, dtype=torch.int64)
        return (*(cell.start(rows) for cell in self.cells), (held, asked))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a sequence; see :meth:`SequenceModel.forward`."""
        *states, (held, asked) = self.start({}, len(inputs)) if state is None else state
        h, after = self.embedding(inputs), []
        for cell, norm, before in zip(self.cells, self.norms, states, strict=True):
            h, new = cell(h, before)
            h = norm(h)
            after.append(new)
        questions = inputs == self.spec.input_size - 1  # (B, T)
        known = torch.cat([held[:, None], h], 1)  # (B, 1 + T, H)
        steps = torch.arange(1, inputs.shape[1] + 1, device=inputs.device)
        latest = torch.where(questions, 0, steps).cummax(1).values  # (B, T): the last that was no question
        seen = known.gather(1, latest[..., None].expand(-1, -1, known.shape[2]))
        count = asked[:, None] + questions.cumsum(1)
        said = self.say(F.gelu(self.narrow(seen))).unflatten(-1, (self.slots, -1))  # (B, T, K, S)
        which = (count - 1).clamp(0, self.slots - 1)[..., None, None].expand(-1, -1, 1, said.shape[-1])
        return said.gather(2, which)[:, :, 0], (*after, (seen[:, -1], count[:, -1]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    for length, recall in product((32, 64), (4, 8)):
        models = [f"{__file__}[{width},slots={recall}]" for width in WIDTHS]
        task = ["--on", "selective-copy", f"task.length={length}", f"task.recall={recall}"]
        print(f"== {length} steps, {recall} symbols to say again", flush=True)
        command = [sys.executable, "-m", "seqlab", "compare", *models, *task, *SETTINGS.split()]
        subprocess.run([*command, "--seeds", str(seeds)], check=True)


if __name__ == "__main__":
    main()
