"""What attention of several heads is made of: products, and the turning that tells places apart."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seqlab.models._stack import Drop


def rotate(x: Tensor, place: Tensor) -> Tensor:
    """Turn queries or keys by their positions (Su et al. 2021).

    Args:
        x: (..., T, d).
        place: (T,) positions.

    >>> x = torch.tensor([[1.0, 0.0]])
    >>> rotate(x, torch.tensor([0])), rotate(x, torch.tensor([1]))  # by one radian
    (tensor([[1., 0.]]), tensor([[0.5403, 0.8415]]))
    """
    half = x.shape[-1] // 2
    exact = torch.promote_types(x.dtype, torch.float32)
    speed = 10_000.0 ** (-torch.arange(half, device=x.device, dtype=exact) / half)
    angle = place[:, None] * speed  # (T, d/2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    one, other = x[..., :half], x[..., half:]
    return torch.cat([one * cos - other * sin, one * sin + other * cos], -1)


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Tensor, drop: Drop | None = None) -> Tensor:
    """Return softmax(q k' / sqrt(d)) v, over what is seen.

    Args:
        q: (B, heads, T, d).
        k: (B, heads, S, d).
        v: (B, heads, S, d).
        seen: (T, S) or (B, 1, T, S) bool, in each row something.
        drop: dropout, of the probabilities.
    """
    if drop is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
    return drop(scores.masked_fill(~seen, -torch.inf).softmax(-1)).to(v.dtype) @ v
