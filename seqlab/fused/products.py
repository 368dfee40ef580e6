"""Products of matrices with rows of vectors, for compiled code.

X and Y hold vectors, a lane for each sequence; a row of X or Y is ``v`` vectors (1 or 2), and places in them
are counted in vectors. A and G are flat, and places in them are counted in numbers.

A matrix that is multiplied is first arranged as :func:`add_product` reads it, block by block of up to DEPTH
columns and ROWS rows: then its numbers are one stream, and the part of X that goes with them stays in the
first cache. It takes as much room as before.
"""

from __future__ import annotations

from typing import Any

from seqlab.fused._blocks import SIDE, add_block, add_few, copy_few, dot_block, transpose_block
from seqlab.fused._lanes import fill, lanes_of, load, load_from, splat, store, store_from, total
from seqlab.fused._marking import part
from seqlab.fused.layout import CHUNK, PANEL, ROWS

DEPTH = 128
"""Columns that are multiplied before the next ones."""

WIDE = 24
"""Columns from which :func:`add_outer` transposes and multiplies blocks; it takes fewer lane by lane."""


@part
def block_rows(left: int) -> int:
    """Return the rows of the next block, of those that are left: ROWS or, near the end, equal shares."""
    if left <= ROWS:
        return left
    return (left + 1) >> 1 if left < 2 * ROWS else ROWS


@part
def arrange(A: Any, a: int, rows: int, columns: int, F: Any) -> None:
    """Arrange the matrix A (rows, columns) from ``a`` on in F, from ``a`` on, for products with A."""
    p = a
    for k in range(0, columns, DEPTH):
        depth = min(DEPTH, columns - k)
        r = 0
        while r < rows:
            height = block_rows(rows - r)
            transpose(A, a + r * columns + k, columns, height, depth, F, p, height)
            p += height * depth
            r += height


@part
def arrange_transposed(A: Any, a: int, rows: int, columns: int, F: Any) -> None:
    """Arrange the transpose of the matrix A (rows, columns) in F, from ``a`` on, for products with A^T."""
    p = a
    for k in range(0, rows, DEPTH):
        depth = min(DEPTH, rows - k)
        c = 0
        while c < columns:
            width = block_rows(columns - c)
            for i in range(depth):
                copy_numbers(A, a + (k + i) * columns + c, width, F, p)
                p += width
            c += width


@part
def arrange_both(A: Any, a: int, rows: int, columns: int, F: Any, B: Any) -> None:
    """Arrange a matrix in F and its transpose in B; either may be empty, and is left out then."""
    if F.shape[0] > 0:
        arrange(A, a, rows, columns, F)
    if B.shape[0] > 0:
        arrange_transposed(A, a, rows, columns, B)


@part
def add_product(v: int, F: Any, f: int, rows: int, columns: int, X: Any, x: int, Y: Any, y: int) -> None:
    """Y[y + r] += sum_c A[r, c] X[x + c], for a matrix A (rows, columns) that is arranged in F from f on."""
    for k in range(0, columns, DEPTH):
        depth = min(DEPTH, columns - k)
        r = 0
        while r < rows:
            height = block_rows(rows - r)
            add_block(height, v, F, f, depth, X, x + k * v, Y, y + r * v)
            f += height * depth
            r += height


@part
def fill_rows(v: int, A: Any, a: int, rows: int, Y: Any, y: int) -> None:
    """Write number r of the vector that begins at ``a`` in all lanes of row r."""
    for r in range(rows):
        value = splat(A, a + r)
        for i in range(v):
            store(Y, y + r * v + i, value)


@part
def add_outer(
    v: int, X: Any, x: int, x_step: int, rows: int, Y: Any, y: int, y_step: int, columns: int,
    steps: int, G: Any, g: int, room: Any,
) -> None:  # fmt: skip
    """Add the sum over steps and lanes of X Y^T to the matrix G (rows, columns) that begins at ``g``.

    G[r, c] += sum_t sum_lanes X[x + t x_step + r] Y[y + t y_step + c]. ``room`` is overwritten;
    how much it needs is known to :func:`seqlab.fused.layout.space_size`.
    """
    if columns < WIDE:
        _add_dots(v, X, x, x_step, rows, Y, y, y_step, columns, steps, G, g, room)
        return
    most = CHUNK // (v * lanes_of(room))
    for t in range(0, steps, most):
        count = min(most, steps - t)
        _add_panels(v, X, x + t * x_step, x_step, rows, Y, y + t * y_step, y_step, columns, count, G, g, room)


@part
def _add_dots(
    v: int, X: Any, x: int, x_step: int, rows: int, Y: Any, y: int, y_step: int, columns: int,
    steps: int, G: Any, g: int, out: Any,
) -> None:  # fmt: skip
    """As :func:`add_outer`, by products of vectors whose lanes are summed at the end."""
    for r in range(0, rows, SIDE):
        high = min(SIDE, rows - r)
        # where four rows or columns are not left, the last is taken again and what comes of it dropped
        x0 = x + r * v
        xs = (x0, x0 + min(1, high - 1) * v, x0 + min(2, high - 1) * v, x0 + (high - 1) * v)
        for c in range(0, columns, SIDE):
            broad = min(SIDE, columns - c)
            y0 = y + c * v
            ys = (y0, y0 + min(1, broad - 1) * v, y0 + min(2, broad - 1) * v, y0 + (broad - 1) * v)
            dot_block(X, xs, x_step, Y, ys, y_step, v, steps, out)
            for i in range(high):
                for j in range(broad):
                    G[g + (r + i) * columns + c + j] += out[SIDE * i + j]


@part
def _add_panels(
    v: int, X: Any, x: int, x_step: int, rows: int, Y: Any, y: int, y_step: int, columns: int,
    steps: int, G: Any, g: int, room: Any,
) -> None:  # fmt: skip
    """As :func:`add_outer`, by :func:`add_block` along columns: X and Y^T are laid out as its A and X."""
    lanes = lanes_of(room)
    depth, panel = steps * v * lanes, PANEL * lanes
    panels = room[: (columns + 2 * panel) * CHUNK]
    block, out = room[panels.shape[0] :], room[panels.shape[0] + ROWS * CHUNK :]
    for c in range(0, columns, panel):  # (columns, steps v lanes) -> panels of (steps v lanes, panel)
        _transpose_steps(v, Y, y + c * v, y_step, min(panel, columns - c), steps, panels, c * depth, panel)
    r = 0
    while r < rows:
        height = block_rows(rows - r)
        _transpose_steps(v, X, x + r * v, x_step, height, steps, block, 0, height)
        for c in range(0, columns, panel):
            clear(out, height * panel)
            add_block(height, PANEL, block, 0, depth, panels, c * depth // lanes, out, 0)
            broad = min(panel, columns - c)
            for i in range(height):
                add_numbers(out, i * panel, broad, G, g + (r + i) * columns + c)
        r += height


@part
def _transpose_steps(
    v: int, X: Any, x: int, x_step: int, rows: int, steps: int, Y: Any, y: int, stride: int
) -> None:
    """Write rows of some steps as lines: Y[y + stride ((t v + i) LANES + lane) + r] = row r, lane of X."""
    lanes = lanes_of(Y)
    for t in range(steps):
        for i in range(v):
            transpose(
                X,
                (x + t * x_step + i) * lanes,
                v * lanes,
                rows,
                lanes,
                Y,
                y + (t * v + i) * lanes * stride,
                stride,
            )


@part
def transpose(X: Any, x: int, x_stride: int, rows: int, columns: int, Y: Any, y: int, y_stride: int) -> None:
    """Write a transpose: Y[y + c y_stride + r] = X[x + r x_stride + c]; all are counted in numbers."""
    lanes = lanes_of(Y)
    for r in range(0, rows, lanes):
        high = min(lanes, rows - r)
        for c in range(0, columns, lanes):
            broad = min(lanes, columns - c)
            transpose_block(X, x + r * x_stride + c, x_stride, high, broad, Y, y + c * y_stride + r, y_stride)


@part
def add_sums(v: int, X: Any, x: int, x_step: int, rows: int, steps: int, G: Any, g: int, room: Any) -> None:
    """Add the sum over steps and lanes of X to the vector G that begins at ``g``; ``room``: rows vectors."""
    for r in range(rows):
        s = load(X, x + r * v)
        for i in range(1, v):
            s = s + load(X, x + r * v + i)
        store(room, r, s)
    for t in range(1, steps):  # steps outside: so X is read once, in its order
        for r in range(rows):
            s = load(room, r)
            for i in range(v):
                s = s + load(X, x + t * x_step + r * v + i)
            store(room, r, s)
    for r in range(rows):
        G[g + r] += total(load(room, r))


@part
def copy_numbers(X: Any, x: int, count: int, Y: Any, y: int) -> None:
    """Y[y + k] = X[x + k] for k < ``count``."""
    lanes, k = lanes_of(X), 0
    while k + lanes <= count:
        store_from(Y, y + k, load_from(X, x + k))
        k += lanes
    if k < count:
        copy_few(X, x + k, count - k, Y, y + k)


@part
def add_numbers(X: Any, x: int, count: int, Y: Any, y: int) -> None:
    """Y[y + k] += X[x + k] for k < ``count``."""
    lanes, k = lanes_of(X), 0
    while k + lanes <= count:
        store_from(Y, y + k, load_from(Y, y + k) + load_from(X, x + k))
        k += lanes
    if k < count:
        add_few(X, x + k, count - k, Y, y + k)


@part
def copy_vectors(X: Any, x: int, Y: Any, y: int, count: int) -> None:
    """Copy vectors of X from ``x`` on to those of Y from ``y`` on."""
    for k in range(count):
        store(Y, y + k, load(X, x + k))


@part
def clear_vectors(X: Any, x: int, count: int) -> None:
    """Write zeros in vectors of X from ``x`` on."""
    for k in range(count):
        store(X, x + k, fill(load(X, x), 0.0))


@part
def clear(A: Any, count: int) -> None:
    """Write zeros in the first numbers of a flat array."""
    for k in range(count):
        A[k] = 0
