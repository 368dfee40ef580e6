"""Vectors of numbers in compiled code: one row of a (rows, LANES) array, a lane for each sequence of a batch.

LLVM cuts such a vector into the registers that the processor has, so the same code serves AVX-512, AVX2 and
NEON. All arithmetic is lane by lane: sequences never meet, and a batch smaller than the lanes is padded.

In compiled code ``load(rows, r)`` and ``store(rows, r, vector)`` move a vector; ``+ - * /`` and ``>`` work on
vectors and on numbers, which stand for all lanes; ``select(mask, a, b)`` chooses.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from seqlab.fused._compiling import instruction

LANES = {types.float32: 32, types.float64: 16}
"""Numbers in a vector: 128 bytes, two AVX-512 registers, so that two sums are always under way."""

HALF = 2
"""A narrow vector has this share of the lanes; products that keep many sums in registers use it."""

_FLAGS = ("contract", "nsz")
"""Products and sums may be fused. Nothing else: results must not depend on how a loop was arranged."""


class Lanes(types.Type):
    """The type of a vector in compiled code."""

    def __init__(self, dtype: Any, count: int) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype} x {count})")


class Mask(types.Type):
    """The type of a vector of truth values."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Mask({count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        element = ir.FloatType() if fe_type.dtype == types.float32 else ir.DoubleType()
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.count))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Mask) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(ir.IntType(1), fe_type.count))


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    """Return the address of element ``index`` of an array's data, counted in vectors (or numbers)."""
    data = context.make_array(kind)(context, builder, array).data
    pointer = builder.bitcast(data, vector.as_pointer())
    return builder.gep(pointer, [index], source_etype=vector)


def _splat(builder: Any, scalar: Any, vector: Any) -> Any:
    lane = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(lane, ir.Constant(vector, ir.Undefined), zeros)


def _call(builder: Any, name: str, args: Any) -> Any:
    """Call the intrinsic of LLVM of that name on vectors of one type."""
    vector = args[0].type
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    kind = ir.FunctionType(vector, [vector] * len(args))
    function = cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{vector.count}f{bits}")
    return builder.call(function, args)


def _load_of(lanes_share: int) -> Any:
    @instruction
    def load(typingctx: Any, rows: Any, row: Any) -> Any:
        kind = Lanes(rows.dtype, LANES[rows.dtype] // lanes_share)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            vector = context.get_value_type(kind)
            pointer = _pointer(context, builder, sig.args[0], args[0], args[1], vector)
            return builder.load(pointer, align=rows.dtype.bitwidth // 8, typ=vector)

        return kind(rows, row), codegen

    return load


load = _load_of(1)
load_half = _load_of(HALF)
"""As ``load``, with half the lanes: row r of the array is the halves 2 r and 2 r + 1."""


@instruction
def store(typingctx: Any, rows: Any, row: Any, value: Any) -> Any:
    """Write a vector into a row."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array, index, vector = args
        pointer = _pointer(context, builder, sig.args[0], array, index, vector.type)
        builder.store(vector, pointer, align=rows.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(rows, row, value), codegen


@instruction
def splat(typingctx: Any, array: Any, index: Any) -> Any:
    """Return one number of a flat array in all lanes."""
    kind = Lanes(array.dtype, LANES[array.dtype])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], vector.element)
        return _splat(builder, builder.load(pointer, typ=vector.element), vector)

    return kind(array, index), codegen


@instruction
def fill(typingctx: Any, like: Any, value: Any) -> Any:
    """Return a number in all lanes of a vector like ``like``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        scalar = context.cast(builder, args[1], value, like.dtype)
        return _splat(builder, scalar, context.get_value_type(like))

    return like(like, value), codegen


@instruction
def fused(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "llvm.fma", args)

    return a(a, a, a), codegen


@instruction
def select(typingctx: Any, mask: Any, a: Any, b: Any) -> Any:
    """Return a where the mask is true, else b."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(mask, a, a), codegen


@instruction
def total(typingctx: Any, value: Any) -> Any:
    """Return the sum over the lanes, added pairwise."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (vector,) = args
        count = vector.type.count
        while count > 1:
            count //= 2
            index = ir.VectorType(ir.IntType(32), count)
            undefined = ir.Constant(vector.type, ir.Undefined)
            low, high = (
                builder.shuffle_vector(
                    vector, undefined, ir.Constant(index, [start + i for i in range(count)])
                )
                for start in (0, count)
            )
            vector = builder.fadd(low, high)
        return builder.extract_element(vector, ir.IntType(32)(0))

    return value.dtype(value), codegen


@instruction
def lane(typingctx: Any, value: Any, index: Any) -> Any:
    """Return the number in one lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_element(*args)

    return value.dtype(value, index), codegen


@instruction
def with_lane(typingctx: Any, value: Any, index: Any, number: Any) -> Any:
    """Return the vector with another number in one lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, position, scalar = args
        scalar = context.cast(builder, scalar, number, value.dtype)
        return builder.insert_element(vector, scalar, position)

    return value(value, index, number), codegen


@instruction
def nearest(typingctx: Any, value: Any) -> Any:
    """Return each lane rounded to the nearest whole number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "llvm.rint", args)

    return value(value), codegen


@instruction
def power_of_two(typingctx: Any, whole: Any) -> Any:
    """Return 2 to the power of a whole number from -126 to 127, by writing the exponent's bits (float32)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (vector,) = args
        integers = ir.VectorType(ir.IntType(32), vector.type.count)
        exponent = builder.add(
            builder.fptosi(vector, integers), ir.Constant(integers, [127] * integers.count)
        )
        bits = builder.shl(exponent, ir.Constant(integers, [23] * integers.count))
        return builder.bitcast(bits, vector.type)

    return whole(whole), codegen


@instruction
def quotient(typingctx: Any, a: Any, b: Any) -> Any:
    """Return a / b within 2 units in the last place, by the reciprocal's estimate where there is one."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fdiv(*args, flags=("arcp", "ninf", "nnan", "nsz", "contract"))

    return a(a, a), codegen


def _define(operation: Any, instruction: str, flags: tuple[str, ...] = _FLAGS) -> None:
    """Teach the compiler an operator for two vectors, or for a vector and a number."""

    @infer_global(operation)
    class _Rule(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            vectors = [arg for arg in args if isinstance(arg, Lanes)]
            if (
                len(args) != 2
                or not vectors
                or not all(isinstance(arg, (Lanes, types.Number)) for arg in args)
            ):
                return None
            kind = vectors[0]
            result = Mask(kind.count) if instruction.startswith("fcmp") else kind
            return signature(result, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = next(arg for arg in sig.args if isinstance(arg, Lanes))
        vector = context.get_value_type(kind)
        a, b = (
            value
            if isinstance(arg, Lanes)
            else _splat(builder, context.cast(builder, value, arg, kind.dtype), vector)
            for value, arg in zip(args, sig.args, strict=True)
        )
        if instruction.startswith("fcmp"):
            return builder.fcmp_ordered(instruction.removeprefix("fcmp "), a, b)
        return getattr(builder, instruction)(a, b, flags=flags)

    for pair in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(operation, *pair)(lower)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")
_define(operator.gt, "fcmp >")
_define(operator.ge, "fcmp >=")
_define(operator.lt, "fcmp <")
_define(operator.eq, "fcmp ==")
