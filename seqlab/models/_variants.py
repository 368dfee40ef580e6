"""How a model is built to be held against its promises, what it is given, and how results are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args, get_origin

import torch
from torch import Tensor, nn
from torch.testing import assert_close

from seqlab import registry
from seqlab.constructors import options_model
from seqlab.contracts import Answer, Signal, Spec, State, numpy_stream, torch_stream
from seqlab.errors import SettingsError
from seqlab.models import Cell, SequenceModel, build_model
from seqlab.promises import BrokenPromiseError
from seqlab.settings import Component

Module = TypeVar("Module", bound=nn.Module)
SYMBOLS = OUTPUTS = 5  # as for the next symbol of a text, which suits every model
SIZE = 7
NETWORKS: tuple[dict[str, Any], ...] = ({}, {"layers": 2}, {"layers": 2, "bidirectional": True})
PLACES, PIXELS = 3, 9
"""Places along each axis of a context; of a picture, which a grid may be laid over."""


@dataclass(frozen=True)
class Variant:
    """A model as it was built, in float64, and what it is given.

    Attributes:
        model: itself.
        options: its settings.
    """

    model: SequenceModel
    options: dict[str, Any] = field(default_factory=dict)

    def inputs(self, batch: int, steps: int, *, seed: int = 1) -> Tensor:
        """Return symbols (B, T) or features (B, T, I)."""
        return numbers(self.model.spec.inputs, batch, steps, seed=seed)

    def context(self, batch: int) -> dict[str, Tensor]:
        """Return what is known before the first step, drawn at random; of most models nothing."""
        return {
            name: numbers(signal.kind, batch, *[PIXELS if signal.is_picture else PLACES] * len(signal.axes))
            for name, signal in self.model.spec.context.items()
        }

    def start(self, batch: int) -> State | None:
        """Return the state before the first step, after a context where there is one."""
        return self.model.start(self.context(batch), batch) or None

    def require(self, kept: object, what: str) -> None:
        """Break off where something is not as promised."""
        if not kept:
            raise BrokenPromiseError(f"{self}: {what}.")

    def same(self, found: Any, expected: Any, what: str, *, exact: bool = False) -> None:
        """Break off where tensors, or nests of them, differ by more than rounding."""
        require_same(found, expected, f"{self}: {what}", exact=exact)

    def __str__(self) -> str:
        spec = self.model.spec
        context = "".join(f" after {signal.form}" for signal in spec.context.values())
        return " ".join([spec.inputs, *(f"{key}={value}" for key, value in self.options.items())]) + context


def require_same(found: Any, expected: Any, what: str, *, exact: bool = False) -> None:
    """Break off where tensors, or nests of them, differ by more than rounding in float64, or at all."""
    rtol, atol = (0.0, 0.0) if exact else (1e-6, 1e-10)
    try:
        assert_close(found, expected, rtol=rtol, atol=atol, check_dtype=False)
    except AssertionError as error:
        raise BrokenPromiseError(f"{what}. {' '.join(str(error).split())}") from None


def variants(
    name: str, *, seed: int = 1, options: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Variant]:
    """Build a model for each kind of input and context that it takes and, if it is a cell, each network."""
    cls = registry.load("model", name)
    known = options_model(cls).model_fields
    contexts: list[dict[str, Signal]] = [
        {},
        *({"context": _signal(form)} for form in getattr(cls, "takes", ())),
    ]
    made, refused = 0, ""
    forms = NETWORKS if issubclass(cls, Cell) else [{"layers": 2, **form} for form in choices(cls)]
    for kind in cls.reads:
        for network in forms:
            chosen = {key: value for key, value in {**network, **options}.items() if key in known}
            if "hidden_size" in known:
                chosen["hidden_size"] = cls.nearest_size(**{**chosen, "hidden_size": SIZE})
            for context in contexts:
                spec = Spec(kind, SYMBOLS, *_answers(cls), causal=False, context=context)
                try:
                    model = build_model(Component(name=name, **chosen), spec, seed)
                except SettingsError as error:
                    refused = error.message
                    continue
                if getattr(model, "counts", False):  # it learns by counting a text, and says nothing before
                    model.count(numpy_stream(seed, "text").integers(0, SYMBOLS, 400))
                made += 1
                yield Variant(exact(model).eval(), chosen)
    if not made:
        raise BrokenPromiseError(f"It can be built in no way that was tried: {refused}")


def choices(cls: type[nn.Module]) -> Iterator[dict[str, Any]]:
    """Say the settings of a model: as they are by default, and with each other choice of each of them.

    A start changes no equation, and what is built around a cell is another's.
    """
    yield {}
    around = options_model(cls.network).model_fields if issubclass(cls, Cell) else {}
    for key, known in options_model(cls).model_fields.items():
        words = get_args(known.annotation) if get_origin(known.annotation) is Literal else ()
        for value in (True, False) if known.annotation is bool else words:
            if key != "start" and key not in around and value != known.default:
                yield {key: value}


def numbers(kind: str, *size: int, seed: int = 1) -> Tensor:
    """Draw symbols of some shape, or features with one axis more."""
    generator = torch_stream(seed, "inputs")
    if kind == "tokens":
        return torch.randint(0, SYMBOLS, size, generator=generator)
    return torch.randn(*size, SYMBOLS, dtype=torch.float64, generator=generator)


def exact(module: Module) -> Module:
    """Bring the weights of a module to double precision, complex ones too."""
    module.double()
    weights: Tensor
    for weights in [*module.parameters(), *module.buffers()]:
        if weights.is_complex():
            weights.data = weights.data.to(torch.complex128)
    return module


def _answers(cls: type[nn.Module]) -> tuple[Answer, int]:
    """Return the kind and the number of what a model answers with."""
    if getattr(cls, "draws", False):
        return "bits", PIXELS * PIXELS * SYMBOLS  # the pixels of the picture that it is given
    return "classes", OUTPUTS


def _signal(form: str) -> Signal:
    """Return a signal of a form."""
    try:
        return Signal.of(form, SYMBOLS)
    except ValueError as error:
        raise BrokenPromiseError(f"takes: {error}.") from None


def require_slopes(answer: Callable[[], Tensor], leaves: Mapping[str, Tensor], said: str) -> None:
    """Break off where the gradient of a number is not its slope along a direction drawn at random.

    Args:
        answer: computes the number anew from the leaves.
        leaves: by name what it depends on; changed in place for a moment.
        said: what is being checked, for the message.
    """
    for leaf in leaves.values():
        leaf.requires_grad_()
    value = answer()
    gradients = gradients_of(value, list(leaves.values()))
    generator = torch_stream(1, "directions")
    for (key, leaf), gradient in zip(leaves.items(), gradients, strict=True):
        direction = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
        small = 1e-6 * max(float(leaf.detach().abs().pow(2).mean().sqrt()), 1e-3)  # so that few kinks are met
        slope = (_moved(answer, leaf, small * direction) - _moved(answer, leaf, -small * direction)) / (
            2 * small
        )
        expected = float((_real(gradient) * _real(direction)).sum())
        if abs(slope - expected) > 1e-3 * abs(slope) + 1e-14 * (1 + abs(float(value.detach()))) / small:
            raise BrokenPromiseError(
                f"{said}: the gradient of {key} is {expected:.6g} where the slope is {slope:.6g}."
            )


def gradients_of(value: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradients of a number; 0 where it does not depend on a leaf."""
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)]


def weighed(tensors: Sequence[Tensor]) -> Tensor:
    """Return one number in which every number of some tensors counts, each with a weight of its own."""
    generator, total = torch_stream(1, "weighing"), torch.zeros((), dtype=torch.float64)
    for tensor in tensors:
        if not is_whole(tensor):
            real = _real(tensor)
            total = total + (real * torch.randn(real.shape, generator=generator, dtype=torch.float64)).sum()
    return total


def is_whole(tensor: Tensor) -> bool:
    """Say whether a tensor holds whole numbers or truth values, of which there is no gradient."""
    return not (tensor.is_floating_point() or tensor.is_complex())


def _real(tensor: Tensor) -> Tensor:
    """Return a complex tensor as its real and imaginary parts, and any other as it is."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


@torch.no_grad()
def _moved(answer: Callable[[], Tensor], leaf: Tensor, by: Tensor) -> float:
    before = leaf.detach().clone()
    leaf += by
    try:
        return float(answer())
    finally:
        leaf.copy_(before)
