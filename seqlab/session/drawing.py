"""Pictures that a trained model imagines."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.contracts import torch_stream
from seqlab.session.opening import Session


@torch.no_grad()
def imagined(session: Session, count: int, seed: int) -> NDArray[np.float64]:
    """Return pictures that a model draws from nothing that it was shown, (N, R, C, features), from 0 to 1.

    They have the size of those of its task, and are drawn in as many steps.

    Args:
        session: with a trained model that draws.
        count: how many.
        seed: of what is drawn.
    """
    session.model.eval()
    example = session.task.batch("test", 0, 1, session.experiment.seed)
    ((picture,),) = (tuple(example.context.values()),)
    inputs = example.inputs.expand(count, -1).to(session.device)
    rows, columns = picture.shape[1:3]
    drawn = session.model.imagine(inputs, (rows, columns), torch_stream(seed, "imagined"))
    shades: NDArray[np.float64] = drawn[:, -1].double().sigmoid().cpu().numpy()
    return shades.reshape(count, *picture.shape[1:])
