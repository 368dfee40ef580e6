"""Mixers against their equations, written out one step after the other, over more steps than are read together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, silu, softplus
from torch.testing import assert_close

from seqlab.contracts import Spec, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import Mixer, outline
from seqlab.models._short_conv import ShortConv
from seqlab.models.scans import gated_delta
from seqlab.models.scans._heads import HeadNorm
from seqlab.models.scans._scan import linear_scan
from seqlab.models.scans.gated_delta import DeltaRule
from seqlab.models.scans.lru import Ring
from seqlab.models.scans.mamba import Selective
from seqlab.models.scans.mlstm import MatrixCell
from seqlab.models.scans.rg_lru import RealGated
from seqlab.models.scans.s4d import Channels
from seqlab.models.scans.s5 import StateSpace, hippo
from seqlab.models.scans.slstm import ScalarCell
from seqlab.settings import Component

B, T, D = 2, 150, 6
sigmoid = torch.sigmoid


def made(mixer: Mixer, *, moved: float = 0.3) -> Mixer:
    """Start a mixer in float64, and move all its weights, so that none is 0 or 1 as it may be at the start."""
    generator = torch_stream(1, "weights")
    mixer.initialise(generator)
    mixer.double()
    with torch.no_grad():
        for weight in mixer.parameters():
            weight += moved * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    return mixer


def inputs(width: int = D) -> Tensor:
    return torch.randn(B, T, width, generator=torch_stream(2, "inputs"), dtype=torch.float64)


def conv(layer: ShortConv, x: Tensor) -> Tensor:
    """Return b + sum of w_k * x(t-k), step by step."""
    zero = torch.zeros_like(x[:, 0])
    return torch.stack(
        [
            layer.bias + sum(layer.weight[k] * (x[:, t - k] if t >= k else zero) for k in range(4))
            for t in range(x.shape[1])
        ],
        1,
    )


def head_norm(norm: HeadNorm, h: Tensor) -> Tensor:
    """Return (..., heads, d) with each head at mean 0 and variance 1, with its gains, as (..., D)."""
    apart = (h - h.mean(-1, keepdim=True)) / torch.sqrt(h.var(-1, correction=0, keepdim=True) + 1e-5)
    return apart.flatten(-2) * norm.weight


def by_heads(x: Tensor, heads: int = 2) -> Tensor:
    return x.unflatten(-1, (heads, -1))


def lru(mixer: Ring, x: Tensor) -> Iterator[Tensor]:
    turn = torch.exp(-torch.exp(mixer.nu) + 1j * torch.exp(mixer.theta))
    into = torch.complex(*mixer.B.chunk(2))
    out = torch.complex(mixer.C[:, : mixer.numbers], -mixer.C[:, mixer.numbers :])
    z = torch.zeros(B, mixer.numbers, dtype=torch.complex128)
    for x_t in x.unbind(1):
        z = turn * z + torch.exp(mixer.g) * (x_t.to(z.dtype) @ into.T)
        yield gelu((z @ out.T).real + mixer.d * x_t)


def s4d(mixer: Channels, x: Tensor) -> Iterator[Tensor]:
    A, dt = -torch.exp(mixer.r) + 1j * mixer.w, torch.exp(mixer.u)[:, None]
    C = torch.view_as_complex(mixer.C)
    z = torch.zeros(B, *A.shape, dtype=torch.complex128)
    for x_t in x.unbind(1):
        z = torch.exp(dt * A) * z + (torch.exp(dt * A) - 1) / A * x_t[:, :, None]
        yield gelu(2 * (C * z).sum(-1).real + mixer.d * x_t)


def s5(mixer: StateSpace, x: Tensor) -> Iterator[Tensor]:
    A, dt = -torch.exp(mixer.r) + 1j * mixer.w, torch.exp(mixer.u)
    into = torch.complex(*mixer.B.chunk(2))
    out = torch.complex(mixer.C[:, : mixer.numbers], -mixer.C[:, mixer.numbers :])
    z = torch.zeros(B, mixer.numbers, dtype=torch.complex128)
    for x_t in x.unbind(1):
        z = torch.exp(dt * A) * z + (torch.exp(dt * A) - 1) / A * (x_t.to(z.dtype) @ into.T)
        yield gelu((z @ out.T).real + mixer.d * x_t)


def mamba(mixer: Selective, x: Tensor) -> Iterator[Tensor]:
    v, z = mixer.into(x).chunk(2, -1)
    u = silu(conv(mixer.conv, v))
    h = torch.zeros(B, mixer.size, mixer.states).double()
    for u_t, z_t in zip(u.unbind(1), z.unbind(1), strict=True):
        r, into, out = mixer.choose(u_t).split([mixer.rank, mixer.states, mixer.states], -1)
        dt = softplus(mixer.dt(r))
        a = torch.exp(-dt[:, :, None] * torch.exp(mixer.a))
        a = 2 * a - 1 if mixer.negative else a
        h = a * h + dt[:, :, None] * u_t[:, :, None] * into[:, None]
        yield ((h * out[:, None]).sum(-1) + mixer.d * u_t) * silu(z_t)


def rg_lru(mixer: RealGated, x: Tensor) -> Iterator[Tensor]:
    v, z = mixer.into(x).chunk(2, -1)
    u = conv(mixer.conv, v)
    d = D // 2
    W_r, W_i = (torch.block_diag(*mixer.W[:, :, k : k + d]).T for k in (0, d))
    b_r, b_i = mixer.b.chunk(2)
    h = torch.zeros(B, D).double()
    for u_t, z_t in zip(u.unbind(1), z.unbind(1), strict=True):
        r, i = sigmoid(u_t @ W_r.T + b_r), sigmoid(u_t @ W_i.T + b_i)
        a = torch.exp(-8 * r * softplus(mixer.decay))
        h = a * h + torch.sqrt(1 - a**2) * i * u_t
        yield h * gelu(z_t)


def delta(mixer: DeltaRule, x: Tensor) -> Iterator[Tensor]:
    q, k, v, z = mixer.qkvz(x).chunk(4, -1)
    q, k, v = (by_heads(part) for part in silu(conv(mixer.conv, torch.cat([q, k, v], -1))).chunk(3, -1))
    q, k = (part / part.norm(dim=-1, keepdim=True) for part in (q, k))
    beta = sigmoid(mixer.beta(x)) * (2 if mixer.negative else 1)
    alpha = torch.ones_like(beta)
    if mixer.fading is not None:
        alpha = torch.exp(-torch.exp(mixer.a) * softplus(mixer.fading(x)))
    S = torch.zeros(B, 2, D // 2, D // 2).double()
    for t in range(T):
        S = alpha[:, t, :, None, None] * S
        there = torch.einsum("bhij,bhi->bhj", S, k[:, t])
        S = S + torch.einsum("bhi,bhj->bhij", k[:, t], beta[:, t, :, None] * (v[:, t] - there))
        y = torch.einsum("bhij,bhi->bhj", S, q[:, t]) / (D // 2) ** 0.5
        yield head_norm(mixer.norm, y) * silu(z[:, t])


def mlstm(mixer: MatrixCell, x: Tensor) -> Iterator[Tensor]:
    """By the equations as they are, without what keeps exponentials small."""
    v, z = mixer.into(x).chunk(2, -1)
    u = silu(conv(mixer.conv, v))
    q, k = mixer.qk(u).chunk(2, -1)
    w = mixer.w(v)
    log_i, f = mixer.gates(torch.cat([q, k, w], -1)).chunk(2, -1)
    q, k, w = by_heads(q), by_heads(k) / (mixer.size // 2) ** 0.5, by_heads(w)
    C, n = (
        torch.zeros(B, 2, mixer.size // 2, mixer.size // 2).double(),
        torch.zeros(B, 2, mixer.size // 2).double(),
    )
    for t in range(T):
        i_t, f_t = torch.exp(log_i[:, t])[..., None], sigmoid(f[:, t])[..., None]
        C = f_t[..., None] * C + torch.einsum("bhi,bhj->bhij", i_t * k[:, t], w[:, t])
        n = f_t * n + i_t * k[:, t]
        total = (n * q[:, t]).sum(-1, keepdim=True).abs().clamp(min=1)
        h = torch.einsum("bhij,bhi->bhj", C, q[:, t]) / total
        yield (head_norm(mixer.norm, h) + mixer.s * u[:, t]) * silu(z[:, t])


def slstm(mixer: ScalarCell, x: Tensor) -> Iterator[Tensor]:
    """By the equations as they are, without what keeps exponentials small."""
    u = silu(conv(mixer.conv, x))
    (W_i, W_f), (W_g, W_o) = mixer.W_if.weight.chunk(2), mixer.W_go.weight.chunk(2)
    R = [torch.block_diag(*part).T for part in mixer.R.chunk(4, -1)]
    b = mixer.b.chunk(4)
    h, c, n = torch.zeros(3, B, D).double()
    for u_t, x_t in zip(u.unbind(1), x.unbind(1), strict=True):
        i, f, g, o = (
            read @ W.T + h @ R[k].T + b[k]
            for k, (read, W) in enumerate(((u_t, W_i), (u_t, W_f), (x_t, W_g), (x_t, W_o)))
        )
        c = sigmoid(f) * c + torch.exp(i) * torch.tanh(g)
        n = sigmoid(f) * n + torch.exp(i)
        h = sigmoid(o) * c / n
        yield head_norm(mixer.norm, by_heads(h))


MIXERS = {
    "lru": (lambda: Ring(D, 5, (0.5, 0.9), 3.0), lru),
    "s4d": (lambda: Channels(D, 4), s4d),
    "s5": (lambda: StateSpace(D, 8, 2), s5),
    "mamba": (lambda: Selective(D, 8, 3, 2, negative=False), mamba),
    "mamba, negative": (lambda: Selective(D, 8, 3, 2, negative=True), mamba),
    "rg-lru": (lambda: RealGated(D, 2), rg_lru),
    "delta rule": (lambda: DeltaRule(D, 2, fades=False, negative=False), delta),
    "gated delta": (lambda: DeltaRule(D, 2, fades=True, negative=False), delta),
    "gated delta, negative": (lambda: DeltaRule(D, 2, fades=True, negative=True), delta),
    "mlstm": (lambda: MatrixCell(D, 8, 2), mlstm),
    "slstm": (lambda: ScalarCell(D, 2), slstm),
}


@pytest.mark.parametrize("name", MIXERS)
@torch.no_grad()
def test_a_mixer_computes_its_equations(name: str) -> None:
    make, equations = MIXERS[name]
    mixer, x = made(make()), inputs()
    wanted = torch.stack(list(equations(mixer, x)), 1)
    y, end = mixer.read(x, mixer.start(B))
    assert_close(y, wanted, rtol=1e-7, atol=1e-9)
    first, state = mixer.read(x[:, :70], mixer.start(B))
    second, state = mixer.read(x[:, 70:], state)
    assert_close((torch.cat([first, second], 1), state), (y, end), rtol=1e-7, atol=1e-9)


@torch.no_grad()
def test_s5_is_the_real_state_space_of_hippo() -> None:
    """In the basis of the normal part of HiPPO, with one step of time for all states."""
    mixer = made(StateSpace(D, 8, 1), moved=0.0)
    mixer.u.fill_(-3.0)
    _, V = hippo(8)
    into = 2 * (V @ torch.complex(*mixer.B.chunk(2))).real  # what the pairs come to in real numbers
    out = (torch.complex(mixer.C[:, :4], -mixer.C[:, 4:]) @ V.mH).real
    s = torch.sqrt(2 * torch.arange(8).double() + 1)
    below = torch.outer(s, s).tril(-1) / 2
    A = below.T - below - torch.eye(8).double() / 2
    dt = torch.exp(torch.tensor(-3.0)).double()
    step = torch.linalg.matrix_exp(dt * A)
    held = torch.linalg.solve(A, step - torch.eye(8).double()) @ into
    x, z, shown = inputs(), torch.zeros(B, 8).double(), []
    for x_t in x.unbind(1):
        z = z @ step.T + x_t @ held.T
        shown.append(gelu(z @ out.T + mixer.d * x_t))
    assert_close(mixer.read(x, mixer.start(B))[0], torch.stack(shown, 1), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_the_ring_of_the_lru_starts_between_its_radii() -> None:
    turn, gamma = made(Ring(D, 1000, (0.6, 0.9), 1.0), moved=0.0).coefficients()
    assert 0.6 <= float(turn.abs().min()) < 0.62
    assert 0.88 < float(turn.abs().max()) <= 0.9 + 1e-6
    assert float(turn.angle().min()) >= 0
    assert float(turn.angle().max()) <= 1
    assert_close(gamma, torch.sqrt(1 - turn.abs() ** 2), rtol=1e-5, atol=0)


@pytest.mark.parametrize("solve", ["scan", "delta rule"])
def test_an_eigenvalue_of_minus_1_computes_parity(solve: str) -> None:
    bits = torch.randint(0, 2, (1, 200), generator=torch_stream(1, "bits")).double()
    if solve == "scan":
        found = linear_scan(
            (1 - 2 * bits).T[:, :, None], torch.zeros(200, 1, 1).double(), torch.ones(1, 1).double()
        )
    else:  # beta = 2 at a one: the state is turned over along the key
        key = torch.tensor([1.0, 0.0]).double().expand(1, 1, 200, 2)
        zero, S = torch.zeros_like(key), torch.eye(2).double()[None, None]
        found, _ = gated_delta.read_chunk(S, key, key, zero, 2 * bits[None], torch.zeros(1, 1, 200).double())
        found = found[..., 0]
    assert_close(found.flatten(), 1 - 2 * (bits.flatten().cumsum(0) % 2), rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_exponential_gates_stay_finite_where_exponentials_do_not() -> None:
    for mixer in (ScalarCell(D, 2), MatrixCell(D, 8, 2)):
        mixer.initialise(torch_stream(1, "weights"))
        bias = mixer.b if isinstance(mixer, ScalarCell) else mixer.gates.bias
        bias[: len(bias) // (4 if isinstance(mixer, ScalarCell) else 2)] = 500.0  # exp(500) is no float
        y, state = mixer.read(inputs().float(), mixer.start(B))
        assert all(bool(part.isfinite().all()) for part in (y, *state))


def test_norms_of_heads_keep_their_gains_at_the_start() -> None:
    mixer = DeltaRule(D, 2, fades=True, negative=False)
    assert isinstance(mixer.norm, nn.LayerNorm)
    assert torch.equal(mixer.norm.weight, torch.ones(D))


@torch.no_grad()
def test_a_sequence_longer_than_what_is_convolved_at_a_time_is_read_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mixer, x = made(Channels(D, 4)), inputs()
    whole = mixer.read(x, mixer.start(B))
    monkeypatch.setattr("seqlab.models.scans.s4d.CHUNK", 64)
    assert_close(mixer.read(x, mixer.start(B)), whole, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("component", "said", "instead"),
    [
        (Component(name="lru", r_min=0.9, r_max=0.5), "r_min is 0.9", "model.r_min=0.4 model.r_max=0.9"),
        (Component(name="s5", states=10, groups=4), "twice model.groups, 8", "model.states=8"),
        (Component(name="mlstm", hidden_size=30), "which mlstm does not take", "model.hidden_size=32"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_can(component: Component, said: str, instead: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        outline(component, Spec("tokens", 5, "classes", 5, causal=True))
    assert instead in (refused.value.hint or "")
