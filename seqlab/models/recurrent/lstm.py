"""The long short-term memory with a forget gate, and the forms in which one thing or another is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqlab.errors import SettingsError
from seqlab.models._cell import Cell, Input
from seqlab.models._fast import full_precision, history
from seqlab.models._initialise import SpectralRadius, Start, start_recurrence
from seqlab.models._library import Layer, has_cudnn, has_onednn, read_in_library

WORTH_FROM = 1_000_000
"""Parameters from which a network gains by bfloat16 where oneDNN or cuDNN read it."""


@dataclass(frozen=True)
class Form:
    """Which form of the LSTM it is; by default the usual one. See :class:`LSTM` for what each does."""

    input_gate: bool = True
    forget_gate: bool = True
    output_gate: bool = True
    coupled: bool = False
    peepholes: bool = False
    gate_recurrence: bool = False
    input_activation: bool = True
    output_activation: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Form:
        """Return the form that a cell's settings, all or some of them, ask for.

        >>> Form.of({"hidden_size": 8}) == Form(), Form.of({"coupled": True}).rows
        (True, ('i', 'g', 'o'))
        """
        return cls(**{field.name: options[field.name] for field in fields(cls) if field.name in options})

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of the gates that there are, without g."""
        forgets = self.forget_gate and not self.coupled
        there = {"i": self.input_gate, "f": forgets, "o": self.output_gate}
        return tuple(name for name, is_there in there.items() if is_there)

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the rows of U, W and b: the gates and g, in the order i, f, g, o."""
        return tuple(name for name in "ifgo" if name == "g" or name in self.gates)

    def check(self) -> None:
        """Refuse a form that is none."""
        if self.coupled and not (self.input_gate and self.forget_gate):
            gone = "forget_gate" if self.input_gate else "input_gate"
            raise SettingsError(
                f"model.coupled is true, which makes f of i, but model.{gone} is false.",
                hint="Set one of the two: f = 1 - i, or no such gate.",
            )
        if not self.gates and (self.peepholes or self.gate_recurrence):
            of = "peepholes" if self.peepholes else "gate_recurrence"
            raise SettingsError(
                f"model.{of} is true, but there is no gate for it.", hint=f"Set model.{of}=false."
            )


class LSTM(Cell):
    """The long short-term memory with a forget gate.

        i(t) = sigmoid(U_i x(t) + W_i h(t-1) + b_i)         what is written
        f(t) = sigmoid(U_f x(t) + W_f h(t-1) + b_f)         what is kept
        g(t) =    tanh(U_g x(t) + W_g h(t-1) + b_g)         what would be written
        o(t) = sigmoid(U_o x(t) + W_o h(t-1) + b_o)         what is shown
        c(t) = f(t) * c(t-1) + i(t) * g(t)
        h(t) = o(t) * tanh(c(t))

    U, W and b hold the four gates one below the other in this order (DLE-11, CS231n-10). There is one bias
    for each gate, as the equations have it; PyTorch's layer has two, which are added.

    Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the forget gate: Gers,
    Schmidhuber & Cummins, 2000; NYU 6-2, KMU-8 eq. 8.40-8.46.

    The settings of :class:`Form` change one thing each, and together make the forms that Greff et al., "LSTM:
    a search space odyssey", 2017, compare; the unit of 1997 has ``forget_gate`` false. A gate that is left
    out is 1 and has no weights. ``coupled``: f = 1 - i. ``peepholes`` (Gers & Schmidhuber, "Recurrent nets
    that time and count", 2000) adds p_i * c(t-1), p_f * c(t-1) and p_o * c(t) to the sums of the gates.
    ``gate_recurrence`` adds R [i(t-1); f(t-1); o(t-1)] to them, and these become part of the state.

    Initialisation: U and b uniform in plus or minus 1 / sqrt(H), and so are p and R; each gate's W as
    ``start`` says; b_f = 1 (Jozefowicz et al. 2015). With ``chrono`` = T: b_f = log u with u uniform in
    [1, T-1], b_i = -b_f, so that memories of all lengths up to T are there from the start (Tallec & Ollivier
    2018). Where there is no b_f, b_i alone is set so; coupled gates have b_i = -b_f in any case.

    Args:
        input_size: the number of symbols or features I.
        hidden_size: the number of units H.
        input_gate: whether there is an i; without it i = 1.
        forget_gate: whether there is an f; without it f = 1, as in 1997.
        output_gate: whether there is an o; without it o = 1.
        coupled: whether f = 1 - i, instead of a gate of its own.
        peepholes: whether the gates see the cell, each unit's its own.
        gate_recurrence: whether the gates see what all gates were a step before.
        input_activation: whether g has its tanh; without it g is the sum itself.
        output_activation: whether c is shown through tanh; without it h = o * c.
        forget_bias: b_f at the start.
        chrono: the longest lag T to prepare for, in steps; it takes the place of ``forget_bias``.
        start: how each gate's W is drawn: uniform, orthogonal, identity or gaussian.
        spectral_radius: to which each gate's W is rescaled after that; None to leave it.
    """

    parts: tuple[str, ...] = ("h", "c")
    recurrent: tuple[str, ...] = ("W",)
    gate_names: tuple[str, ...] = ("i", "f", "g", "o")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        input_gate: bool = True,
        forget_gate: bool = True,
        output_gate: bool = True,
        coupled: bool = False,
        peepholes: bool = False,
        gate_recurrence: bool = False,
        input_activation: bool = True,
        output_activation: bool = True,
        forget_bias: float = 1.0,
        chrono: Annotated[int, Field(ge=2)] | None = None,
        start: Start = "uniform",
        spectral_radius: SpectralRadius = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.form = Form(
            input_gate, forget_gate, output_gate, coupled, peepholes, gate_recurrence, input_activation,
            output_activation,
        )  # fmt: skip
        self.form.check()
        self.is_usual = self.form == Form()
        rows, gates = len(self.form.rows), len(self.form.gates)
        self.gate_names = self.form.rows
        self.input = Input(input_size, rows * hidden_size)
        self.W = nn.Parameter(torch.empty(rows * hidden_size, hidden_size))
        if peepholes:
            self.p = nn.Parameter(torch.empty(gates * hidden_size))
        if gate_recurrence:
            self.R = nn.Parameter(torch.empty(gates * hidden_size, gates * hidden_size))
            self.parts, self.recurrent = ("h", "c", "gates"), ("W", "R")
        self.forget_bias = forget_bias
        self.chrono = chrono
        self.recurrent_start = (start, spectral_radius)

    def gates(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return i, f, g and o, those that there are, each (B, H), of the step that :meth:`step` would take.

        With peepholes o sees the c that these i and f make.
        """
        sums = self.input(x) + F.linear(state[0], self.W)
        if self.is_usual:
            i, f, g, o = sums.chunk(4, -1)
            return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        return self._some_gates(
            dict(zip(self.form.rows, sums.chunk(len(self.form.rows), -1), strict=True)), state
        )

    def _some_gates(self, sums: dict[str, Tensor], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the gates that there are from their sums by name, to which the state has yet to be added."""
        form, peepholes = self.form, {}
        if form.gate_recurrence:
            for name, share in zip(
                form.gates, F.linear(state[2], self.R).chunk(len(form.gates), -1), strict=True
            ):
                sums[name] = sums[name] + share
        if form.peepholes:
            peepholes = dict(zip(form.gates, self.p.chunk(len(form.gates)), strict=True))
        found = {"g": torch.tanh(sums["g"]) if form.input_activation else sums["g"]}
        for name in form.gates:  # o is the last, and so sees what the others make of c
            if peepholes:
                seen = self._content(found, state[1]) if name == "o" else state[1]
                sums[name] = sums[name] + peepholes[name] * seen
            found[name] = torch.sigmoid(sums[name])
        return tuple(found[name] for name in form.rows)

    def _content(self, gates: Mapping[str, Tensor], c: Tensor) -> Tensor:
        """Return c(t), given the gates by name and c(t-1)."""
        written = gates["i"] * gates["g"] if "i" in gates else gates["g"]
        if self.form.coupled:
            return (1 - gates["i"]) * c + written
        return gates["f"] * c + written if "f" in gates else c + written

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance one step; see :meth:`Cell.step`."""
        gates = dict(zip(self.gate_names, self.gates(x, state), strict=True))
        c = self._content(gates, state[1])
        shown = torch.tanh(c) if self.form.output_activation else c
        h = gates["o"] * shown if "o" in gates else shown
        if self.form.gate_recurrence:
            return h, c, torch.cat([gates[name] for name in self.form.gates], -1)
        return h, c

    def gains_from(self, *, vectors: bool) -> int | None:
        """Return from how many parameters bfloat16 is worth its while: where a library reads it."""
        return WORTH_FROM if vectors and self.is_usual else None

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Return the state before the first step: zeros; see :meth:`Cell.start`."""
        zeros = self.W.new_zeros(batch, self.hidden_size)
        if self.form.gate_recurrence:
            return zeros, zeros.clone(), zeros.repeat(1, len(self.form.gates))
        return zeros, zeros.clone()

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a whole sequence; see :meth:`Cell.forward`.

        It is read by cuDNN on a CUDA machine. On a processor features are read by oneDNN where it can, in
        float32, up to four times as fast as step by step; symbols, which are looked up, are not for it. Other
        forms than the usual one are read step by step.
        """
        if not self.is_usual:
            return self.steps(x, state)
        layer = self.in_library(features=x.is_floating_point())
        if layer is not None:
            outputs, (end,) = read_in_library([layer], x, [state])
            return outputs, end
        sums = self.input(x.transpose(0, 1))
        h, c = _Sequence.apply(sums, self.W, *state, torch.is_grad_enabled())  # type: ignore[no-untyped-call]
        return h.transpose(0, 1), (h[-1], c)

    def in_library(self, *, features: bool) -> Layer | None:
        """Return the layer of torch's that reads as the usual form does; see :meth:`Cell.in_library`."""
        reads = self.is_usual and (has_cudnn(self.W) or has_onednn(self.W, features=features))
        return Layer("lstm", self.input, self.W) if reads else None

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().initialise(generator)
        start_recurrence(self.W, *self.recurrent_start, generator)
        with torch.no_grad():
            biases = dict(zip(self.form.rows, self.input.bias.chunk(len(self.form.rows)), strict=True))
            b_i, b_f = biases.get("i"), biases.get("f")
            if b_f is None:
                b_f = self.input.bias.new_empty(self.hidden_size)
            b_f.fill_(self.forget_bias)
            if self.chrono is not None:
                b_f.uniform_(1, self.chrono - 1, generator=generator).log_()
            if b_i is not None and (self.form.coupled or self.chrono is not None):
                b_i.copy_(-b_f)

    @staticmethod
    def parameter_count(input_size: int, hidden_size: int, **options: object) -> int:
        """Return the number of weights of the cell: 4 H (I + H + 1), and those of peepholes and R."""
        form = Form.of(options)
        rows, gates = len(form.rows), len(form.gates)
        count = rows * hidden_size * (input_size + hidden_size + 1)
        return (
            count + form.peepholes * gates * hidden_size + form.gate_recurrence * (gates * hidden_size) ** 2
        )


class _Sequence(torch.autograd.Function):
    """The steps of a whole sequence with the four gates as one matrix, and the way back by hand.

    dh and dc stand for dJ/dh(t) and dJ/dc(t) with all that later steps add:

        dc     += dh * o * (1 - tanh(c)^2)
        d a_i   = dc * g * i (1 - i)            a: the gates' sums before their sigmoid or tanh
        d a_f   = dc * c(t-1) * f (1 - f)
        d a_g   = dc * i * (1 - g^2)
        d a_o   = dh * tanh(c) * o (1 - o)
        dc(t-1) = dc * f
        dh(t-1) = dJ(t-1)/dh(t-1) + W^T d a
        dW      = sum_t d a(t) h(t-1)^T

    Everything right of dc and dh is known before the way back begins, and is computed for all steps at once.
    """

    @staticmethod
    @full_precision
    def forward(
        ctx: Any, sums: Tensor, W: Tensor, h_start: Tensor, c_start: Tensor, keep: bool
    ) -> tuple[Tensor, Tensor]:
        steps, batch, size = sums.shape[0], sums.shape[1], W.shape[1]
        h = sums.new_empty(steps + 1, batch, size)
        h[0], c = h_start, c_start
        gates, cells, shown = (history(sums, width, keep=keep) for width in (4 * size, size, size))
        moments = h.unbind()
        for share, before, now, gate, c_now, tanh_c in zip(
            sums.unbind(), moments, moments[1:], gates.unbind(), cells.unbind(), shown.unbind(), strict=False
        ):
            i, f, g, o = torch.addmm(share, before, W.t(), out=gate).chunk(4, 1)
            gate[:, : 2 * size].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            c = torch.mul(f, c, out=c_now).addcmul_(i, g)
            torch.mul(o, torch.tanh(c, out=tanh_c), out=now)
        if keep:
            ctx.save_for_backward(W, h, gates, cells, shown, c_start)
        return h[1:], c.clone()

    @staticmethod
    @full_precision
    @once_differentiable
    def backward(ctx: Any, dh: Tensor, dc: Tensor) -> tuple[Tensor | None, ...]:
        W, h, gates, cells, tanh_c, c_start = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, 2)
        c_before = torch.cat([c_start[None], cells[:-1]])
        da = torch.stack([g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o)], 2)
        into_c = o * (1 - tanh_c * tanh_c)
        dc = dc.clone()
        total = torch.zeros_like(c_start)
        for dh_t, da_t, into_c_t, f_t in zip(
            *(part.unbind()[::-1] for part in (dh, da, into_c, f)), strict=True
        ):
            total += dh_t
            dc.addcmul_(total, into_c_t)
            da_t[:, :3].mul_(dc[:, None])
            da_t[:, 3].mul_(total)
            dc.mul_(f_t)
            torch.mm(da_t.flatten(1), W, out=total)
        da = da.flatten(2)
        dW = da.flatten(0, 1).t() @ h[:-1].flatten(0, 1)
        return da, dW, total, dc, None
