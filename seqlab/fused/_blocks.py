"""The innermost loops, written as instructions of LLVM: what keeps many sums in registers.

    add_block        Y[r] += sum_c A[c, r] X[c], up to ROWS rows r, all of whose sums stay in registers
    dot_block        the 16 dot products of 4 rows of X with 4 rows of Y
    transpose_block  a square of LANES x LANES numbers, in registers

``add_block`` does nearly all the work of a large network. Its loop reads a number of A for every one or two
products of vectors, whose other factor is in a register, which feeds both multipliers of the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types

from seqlab.fused._lanes import LANES_OF, Lanes, address, call, spread
from seqlab.fused._marking import instruction
from seqlab.fused.layout import ROWS

SIDE = 4
"""Rows of X, and of Y, whose dot products are made together."""

_I64 = ir.IntType(64)


@instruction
def add_block(
    typingctx: Any, rows: Any, width: Any, A: Any, a: Any, columns: Any, X: Any, x: Any, Y: Any, y: Any
) -> Any:
    """Add to Y[y + r], for r < ``rows`` <= ROWS, the sum over c of A[a + c rows + r] X[x + c].

    A row of X or Y is ``width`` (1 or 2) vectors; x and y count vectors, a numbers. There must be a column.
    """
    kind = Lanes(X.dtype, LANES_OF[X.dtype])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        height, breadth, matrix, first, count, xs, x_at, ys, y_at = args
        starts = (
            address(context, builder, sig.args[2], matrix, first, vector.element),
            address(context, builder, sig.args[5], xs, x_at, vector),
            address(context, builder, sig.args[7], ys, y_at, vector),
        )
        function = builder.function
        after = function.append_basic_block("after")
        case = builder.add(builder.mul(breadth, _I64(ROWS)), height)
        switch = builder.switch(case, after)
        for vectors in (1, 2):
            for number in range(1, ROWS + 1):
                block = function.append_basic_block(f"block_{number}_{vectors}")
                switch.add_case(_I64(vectors * ROWS + number), block)
                builder.position_at_end(block)
                _add_block_of(builder, number, vectors, vector, count, *starts)
                builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    number = types.intp
    return types.void(number, number, A, number, number, X, number, Y, number), codegen


def _add_block_of(
    builder: Any, rows: int, width: int, vector: Any, columns: Any, matrix: Any, X: Any, Y: Any
) -> None:
    """Emit the loop for so many rows of so many vectors, whose sums are in registers."""

    def place(start: Any, index: Any, kind: Any) -> Any:
        return builder.gep(start, [index], source_etype=kind)

    places = [place(Y, _I64(i), vector) for i in range(rows * width)]
    align = _size_of(vector.element)
    sums = [builder.load(where, align=align, typ=vector) for where in places]

    def body(c: Any, sums: Sequence[Any]) -> list[Any]:
        numbers = place(matrix, builder.mul(c, _I64(rows)), vector.element)
        vectors = place(X, builder.mul(c, _I64(width)), vector)
        inputs = [
            builder.load(place(vectors, _I64(i), vector), align=align, typ=vector) for i in range(width)
        ]
        new = []
        for row in range(rows):
            weight = builder.load(place(numbers, _I64(row), vector.element), typ=vector.element)
            weights = spread(builder, weight, vector)
            new += [
                call(builder, "llvm.fma", (weights, one, sums[row * width + i]))
                for i, one in enumerate(inputs)
            ]
        return new

    for value, where in zip(_loop(builder, columns, sums, body), places, strict=True):
        builder.store(value, where, align=align)


@instruction
def dot_block(
    typingctx: Any,
    X: Any,
    xs: Any,
    x_step: Any,
    Y: Any,
    ys: Any,
    y_step: Any,
    width: Any,
    count: Any,
    out: Any,
) -> Any:
    """Write in ``out`` the sums over k < ``count``, i < ``width`` and the lanes of 4 x 4 products of vectors.

    ``xs`` and ``ys`` are tuples of the 4 vectors' numbers in X and Y at k = 0; ``x_step`` and ``y_step``
    vectors further are those of k = 1. out[4 r + c] is X's number r with Y's number c.
    """
    kind = Lanes(X.dtype, LANES_OF[X.dtype])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        X_, xs_, x_step_, Y_, ys_, y_step_, width_, count_, out_ = args
        align = _size_of(vector.element)

        def four(array: int, value: Any, begins: Any, offset: Any) -> list[Any]:
            found = []
            for i in range(SIDE):
                index = builder.add(builder.extract_value(begins, i), offset)
                pointer = address(context, builder, sig.args[array], value, index, vector)
                found.append(builder.load(pointer, align=align, typ=vector))
            return found

        def step(k: Any, sums: Sequence[Any]) -> list[Any]:
            x_at, y_at = builder.mul(k, x_step_), builder.mul(k, y_step_)

            def part(i: Any, sums: Sequence[Any]) -> list[Any]:
                rows, columns = (
                    four(0, X_, xs_, builder.add(x_at, i)),
                    four(3, Y_, ys_, builder.add(y_at, i)),
                )
                pairs = [(row, column) for row in rows for column in columns]
                return [call(builder, "llvm.fma", (*pair, s)) for pair, s in zip(pairs, sums, strict=True)]

            return _loop(builder, width_, sums, part)

        zero = ir.Constant(vector, None)
        sums = _totals(builder, _loop(builder, count_, [zero] * SIDE**2, step))
        for i, value in enumerate(sums):
            pointer = address(context, builder, sig.args[8], out_, _I64(i), vector)
            builder.store(value, pointer, align=align)
        return context.get_dummy_value()

    number = types.intp
    four = types.UniTuple(number, SIDE)
    return types.void(X, four, number, Y, four, number, number, number, out), codegen


@instruction
def transpose_block(
    typingctx: Any, X: Any, x: Any, x_stride: Any, rows: Any, columns: Any, Y: Any, y: Any, y_stride: Any
) -> Any:
    """Y[y + c y_stride + r] = X[x + r x_stride + c] for r < ``rows`` and c < ``columns``, both <= LANES."""
    kind = Lanes(X.dtype, LANES_OF[X.dtype])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        X_, x_, x_stride_, rows_, columns_, Y_, y_, y_stride_ = args
        lanes, size = vector.count, _I64(vector.count)

        def line(array: int, value: Any, start: Any, stride: Any, i: Any) -> Any:
            index = builder.add(start, builder.mul(i, stride))
            return address(context, builder, sig.args[array], value, index, vector.element)

        def emit(whole: bool) -> None:
            in_row, in_column = (
                None if whole else _first_lanes(builder, count, lanes) for count in (columns_, rows_)
            )

            def number(i: int, count: Any) -> Any:
                """Return i, or the last line's number where there are not as many."""
                return _I64(i) if whole else _least(builder, _I64(i), builder.sub(count, _I64(1)))

            lines = [
                _read(builder, vector, line(0, X_, x_, x_stride_, number(r, rows_)), in_row)
                for r in range(lanes)
            ]
            lines = _transposed(builder, lines)
            for c in reversed(range(lanes)):  # so that what is written last over the last line is that line
                where = line(5, Y_, y_, y_stride_, number(c, columns_))
                _write(builder, lines[c], where, in_column)

        whole = builder.and_(
            builder.icmp_signed("==", rows_, size), builder.icmp_signed("==", columns_, size)
        )
        with builder.if_else(whole) as (then, otherwise):
            with then:
                emit(True)
            with otherwise:
                emit(False)
        return context.get_dummy_value()

    number = types.intp
    return types.void(X, number, number, number, number, Y, number, number), codegen


def _of_few(doc: str, adds: bool) -> Callable[..., Any]:
    """Return an instruction that copies, or adds, some numbers."""

    @instruction
    def move(typingctx: Any, X: Any, x: Any, count: Any, Y: Any, y: Any) -> Any:
        kind = Lanes(X.dtype, LANES_OF[X.dtype])

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            vector = context.get_value_type(kind)
            X_, x_, count_, Y_, y_ = args
            mask = _first_lanes(builder, count_, vector.count)
            source = address(context, builder, sig.args[0], X_, x_, vector.element)
            target = address(context, builder, sig.args[3], Y_, y_, vector.element)
            value = _read(builder, vector, source, mask)
            if adds:
                value = builder.fadd(_read(builder, vector, target, mask), value)
            _write(builder, value, target, mask)
            return context.get_dummy_value()

        return types.void(X, types.intp, types.intp, Y, types.intp), codegen

    move.__doc__ = doc
    return move


copy_few = _of_few("Y[y + i] = X[x + i] for i < ``count`` <= LANES.", adds=False)
add_few = _of_few("Y[y + i] += X[x + i] for i < ``count`` <= LANES.", adds=True)


def _loop(
    builder: Any, count: Any, values: Sequence[Any], body: Callable[[Any, Sequence[Any]], list[Any]]
) -> list[Any]:
    """Emit ``for i in range(count): values = body(i, values)``, at least once; return the last values."""
    function, before = builder.function, builder.block
    inside, after = function.append_basic_block("loop"), function.append_basic_block("done")
    builder.branch(inside)
    builder.position_at_end(inside)
    index = builder.phi(_I64)
    index.add_incoming(_I64(0), before)
    current = [builder.phi(value.type) for value in values]
    new = body(index, current)
    following = builder.add(index, _I64(1))
    end = builder.block
    index.add_incoming(following, end)
    for phi, first, later in zip(current, values, new, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, end)
    builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
    builder.position_at_end(after)
    return new


def _totals(builder: Any, vectors: Sequence[Any]) -> list[Any]:
    """Return vectors of the sums over the lanes of each vector, in their order, added pairwise."""
    size = vectors[0].type.count
    while size > 1:
        lanes = range(2 * vectors[0].type.count)
        low, high = (
            [i for i in lanes if i % size < size // 2],
            [i for i in lanes if i % size >= size // 2],
        )
        vectors = [
            builder.fadd(_shuffle(builder, a, b, low), _shuffle(builder, a, b, high))
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        size //= 2
    return list(vectors)


def _transposed(builder: Any, lines: Sequence[Any]) -> list[Any]:
    """Return the columns of a square of numbers: blocks off the diagonal are exchanged, ever smaller ones."""
    lines, size = list(lines), len(lines)
    half = size // 2
    while half:
        upper = [i if i % (2 * half) < half else i + size - half for i in range(size)]
        lower = [i + half if i % (2 * half) < half else i + size for i in range(size)]
        for i in range(size):
            if i % (2 * half) < half:
                a, b = lines[i], lines[i + half]
                lines[i], lines[i + half] = _shuffle(builder, a, b, upper), _shuffle(builder, a, b, lower)
        half //= 2
    return lines


def _shuffle(builder: Any, a: Any, b: Any, lanes: Sequence[int]) -> Any:
    """Return the lanes of those numbers, counted through a and then b."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes)))


def _first_lanes(builder: Any, count: Any, lanes: int) -> Any:
    """Return the mask of the first lanes."""
    numbers = ir.VectorType(_I64, lanes)
    return builder.icmp_signed("<", ir.Constant(numbers, list(range(lanes))), spread(builder, count, numbers))


def _least(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_signed("<", a, b), a, b)


def _read(builder: Any, vector: Any, number: Any, mask: Any) -> Any:
    """Read the vector that begins at a number's address; lanes that a mask, if any, leaves out are zero."""
    pointer, size = builder.bitcast(number, vector.as_pointer()), _size_of(vector.element)
    if mask is None:
        return builder.load(pointer, align=size, typ=vector)
    return _masked(builder, "load", vector, pointer, ir.IntType(32)(size), mask, ir.Constant(vector, None))


def _write(builder: Any, value: Any, number: Any, mask: Any) -> None:
    """Write the lanes of a vector that a mask, if any, names from a number's address on."""
    vector = value.type
    pointer, size = builder.bitcast(number, vector.as_pointer()), _size_of(vector.element)
    if mask is None:
        builder.store(value, pointer, align=size)
    else:
        _masked(builder, "store", vector, value, pointer, ir.IntType(32)(size), mask)


def _masked(builder: Any, what: str, vector: Any, *args: Any) -> Any:
    """Call LLVM's masked load or store."""
    name = f"llvm.masked.{what}.v{vector.count}f{8 * _size_of(vector.element)}.p0"
    kind = ir.FunctionType(vector if what == "load" else ir.VoidType(), [arg.type for arg in args])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, args)


def _size_of(number: Any) -> int:
    """Return the bytes of a float or double."""
    return 4 if isinstance(number, ir.FloatType) else 8
