"""Vectors of numbers in compiled code, a lane for each sequence of a batch.

LLVM cuts such a vector into the registers that the processor has, so the same code serves AVX-512, AVX2 and
NEON. All arithmetic is lane by lane: sequences never meet, and a batch smaller than the lanes is padded.

In compiled code ``load(array, i)`` and ``store(array, i, vector)`` move vector number i of an array, and
``load_from`` and ``store_from`` that which begins at number i; ``+ - * /`` and ``>`` work on vectors and on
numbers, which stand for all lanes; ``select(mask, a, b)`` chooses.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from seqlab.fused._marking import instruction

LANES_OF = {types.float32: 16, types.float64: 8}
"""Numbers in a vector: 64 bytes, an AVX-512 register and a cache line."""

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


def address(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    """Return the address of element ``index`` of an array's data, counted in vectors (or numbers)."""
    data = context.make_array(kind)(context, builder, array).data
    pointer = builder.bitcast(data, vector.as_pointer())
    return builder.gep(pointer, [index], source_etype=vector)


def spread(builder: Any, scalar: Any, vector: Any) -> Any:
    lane = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(lane, ir.Constant(vector, ir.Undefined), zeros)


def call(builder: Any, name: str, args: Any) -> Any:
    """Call the intrinsic of LLVM of that name on vectors of one type."""
    vector = args[0].type
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    kind = ir.FunctionType(vector, [vector] * len(args))
    function = cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{vector.count}f{bits}")
    return builder.call(function, args)


@instruction
def lanes_of(typingctx: Any, array: Any) -> Any:
    """Return the numbers of a vector of an array."""
    count = LANES_OF[array.dtype]

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.intp, count)

    return types.intp(array), codegen


@instruction
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """Read a vector."""
    kind = Lanes(array.dtype, LANES_OF[array.dtype])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        pointer = address(context, builder, sig.args[0], args[0], args[1], vector)
        return builder.load(pointer, align=array.dtype.bitwidth // 8, typ=vector)

    return kind(array, index), codegen


@instruction
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = args[2]
        pointer = address(context, builder, sig.args[0], args[0], args[1], vector.type)
        builder.store(vector, pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


@instruction
def load_from(typingctx: Any, array: Any, start: Any) -> Any:
    """Read the vector that begins at a number."""
    kind = Lanes(array.dtype, LANES_OF[array.dtype])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        pointer = address(context, builder, sig.args[0], args[0], args[1], vector.element)
        return builder.load(
            builder.bitcast(pointer, vector.as_pointer()), align=array.dtype.bitwidth // 8, typ=vector
        )

    return kind(array, start), codegen


@instruction
def store_from(typingctx: Any, array: Any, start: Any, value: Any) -> Any:
    """Write a vector that begins at a number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = args[2]
        pointer = address(context, builder, sig.args[0], args[0], args[1], vector.type.element)
        builder.store(
            vector, builder.bitcast(pointer, vector.type.as_pointer()), align=array.dtype.bitwidth // 8
        )
        return context.get_dummy_value()

    return types.void(array, start, value), codegen


@instruction
def splat(typingctx: Any, array: Any, index: Any) -> Any:
    """Return one number of a flat array in all lanes."""
    kind = Lanes(array.dtype, LANES_OF[array.dtype])

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = context.get_value_type(kind)
        pointer = address(context, builder, sig.args[0], args[0], args[1], vector.element)
        return spread(builder, builder.load(pointer, typ=vector.element), vector)

    return kind(array, index), codegen


@instruction
def fill(typingctx: Any, like: Any, value: Any) -> Any:
    """Return a number in all lanes of a vector like ``like``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        scalar = context.cast(builder, args[1], value, like.dtype)
        return spread(builder, scalar, context.get_value_type(like))

    return like(like, value), codegen


@instruction
def fused(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call(builder, "llvm.fma", args)

    return a(a, a, a), codegen


@instruction
def select(typingctx: Any, mask: Any, a: Any, b: Any) -> Any:
    """Return a where the mask is true, else b."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(mask, a, a), codegen


@instruction
def alternate(typingctx: Any, index: Any, even: Any, odd: Any) -> Any:
    """Return ``odd`` where the index is odd, else ``even``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        position, first, second = args
        return builder.select(builder.trunc(position, ir.IntType(1)), second, first)

    return even(index, even, even), codegen


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
        return call(builder, "llvm.rint", args)

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
            else spread(builder, context.cast(builder, value, arg, kind.dtype), vector)
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
