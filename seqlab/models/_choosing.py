"""Learning to choose, where no gradient passes through what was chosen."""

from __future__ import annotations

from torch import Tensor


def reinforced(log_probs: Tensor, advantage: Tensor) -> Tensor:
    """Return a term of a loss that is 0, and whose gradient is that of REINFORCE (Williams 1992).

        -  mean over rows of  sum over choices n of  (r(n) - b(n))  grad log p(c(n))

    Its mean over what is chosen is the gradient of minus the mean reward, whatever the baseline b, so long as
    that does not depend on the choice. What is learned from otherwise stays the loss that is shown.

    Args:
        log_probs: (B, N), of what each row has chosen.
        advantage: r - b, (B, N), or (B, 1) where one reward is for all choices; no gradient goes there.

    >>> import torch
    >>> p = torch.tensor([[0.5]], requires_grad=True)
    >>> term = reinforced(p.log(), torch.tensor([[3.0]]))
    >>> term.backward()
    >>> term.item(), p.grad.item()
    (0.0, -6.0)
    """
    return unshown(-(advantage.detach() * log_probs).sum(1).mean())


def unshown(term: Tensor) -> Tensor:
    """Return a term of a loss that is 0, with the gradient of this one."""
    return term - term.detach()
