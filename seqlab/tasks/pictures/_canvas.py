"""Pictures pasted onto larger canvases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqlab.tasks._passes import Integers
from seqlab.tasks.pictures._idx import Bytes


def pasted(
    pixels: Bytes, onto: Integers, corners: Integers, shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Return canvases of a shape (N, R', C'), from 0 to 1, that are empty but for the pictures.

    Args:
        pixels: (K, R, C), from 0 to 255.
        onto: on which canvas each stands, (K,).
        corners: row and column at which its first pixel is, (K, 2).
        shape: of all canvases.

    >>> bright = np.full((2, 1, 2), 255, np.uint8)
    >>> pasted(bright, np.array([0, 0]), np.array([[0, 0], [1, 1]]), (1, 2, 3))[0].tolist()
    [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]
    """
    canvases = np.zeros(shape, np.float32)
    rows, columns = np.indices(pixels.shape[1:])
    first = np.ravel_multi_index((onto, *corners.T), shape)  # (K,), among the pixels of all canvases
    places = first[:, None] + (rows * shape[2] + columns).ravel()
    canvases.reshape(-1)[places] = pixels.reshape(len(pixels), -1) / np.float32(255)
    return canvases
