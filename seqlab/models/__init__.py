"""Models: one file each. :func:`build_model` makes one from its settings."""

import torch
from torch import Tensor, nn

from seqlab.contracts import Batch, Spec, State, torch_stream
from seqlab.errors import SettingsError
from seqlab.models._base import Judge, SequenceModel
from seqlab.models._cell import Cell, Input, linear
from seqlab.models._choosing import reinforced
from seqlab.models._contract import require_reading, require_state
from seqlab.models._driven import Driven, Gated
from seqlab.models._mixture import Mixture
from seqlab.models._padding import Known, knowing
from seqlab.models._recurrent import Recurrent
from seqlab.models._stack import CellMixer, Mixer, Stack
from seqlab.own_code import require_made, require_signature
from seqlab.registry import check_size, load, names
from seqlab.settings import Component

__all__ = [
    "Cell",
    "CellMixer",
    "Driven",
    "Gated",
    "Input",
    "Judge",
    "Known",
    "Mixer",
    "Mixture",
    "Recurrent",
    "SequenceModel",
    "Stack",
    "State",
    "build_model",
    "count_parameters",
    "detach",
    "knowing",
    "linear",
    "outline",
    "read_batch",
    "reinforced",
]


def build_model(component: Component, spec: Spec, seed: int) -> SequenceModel:
    """Build a model for a task from its checked settings, with the initial weights of that seed.

    A :class:`Cell` is wrapped into a :class:`Recurrent` network; a :class:`SequenceModel` is built as it is.

    Raises:
        SettingsError: when the model does not take the task's kind of input or of context, or the size.
    """
    cls = load("model", component.name)
    if spec.inputs not in cls.reads:
        raise SettingsError(
            f"The model {component.name!r} reads {' or '.join(cls.reads)}; the task gives {spec.inputs}."
        )
    takes = getattr(cls, "takes", ())
    for name, signal in spec.context.items():
        if signal.form not in takes:
            raise SettingsError(
                f"The task gives {name}, {signal.form}, before the first step; the model {component.name!r} "
                f"takes {' or '.join(takes) or 'nothing of that kind'}.",
                hint=f"Models that take it: {', '.join(_taking(signal.form)) or 'none'}. "
                "Some tasks have an option to give it in another form: seqlab explain TASK",
            )
    model = _construct(component, spec)
    model.initialise(torch_stream(seed, "weights"))
    return model


def outline(component: Component, spec: Spec) -> SequenceModel:
    """Build a model without making room for its weights: to be asked what it is, not to be run."""
    with torch.device("meta"):
        return _construct(component, spec)


def _taking(form: str) -> list[str]:
    """Return the registered models that take a form of context."""
    return [name for name in names("model") if form in getattr(load("model", name), "takes", ())]


def _construct(component: Component, spec: Spec) -> SequenceModel:
    cls = load("model", component.name)
    options = component.options
    check_size(component)
    if issubclass(cls, Cell):
        return Recurrent(cls, spec, **options)
    require_signature(cls, spec, **options)
    model: SequenceModel = cls(spec, **options)
    require_made(model, "spec")
    return model


def read_batch(model: SequenceModel, batch: Batch, state: State | None = None) -> tuple[Tensor, State]:
    """Read a batch from a state; without one, from the start that its context makes.

    Returns:
        Outputs (B, T, O) and the state after the last step.

    Raises:
        PluginError: when the model gives something else.
    """
    rows = len(batch.inputs)
    if state is None:
        start = model.start(batch.context, rows)
        require_state(model.start, start, rows)
        state = start or None  # nothing, of a model without a state
    found = model(batch.inputs, state)
    require_reading(model.forward, found, (*batch.inputs.shape[:2], model.spec.output_size))
    outputs, end = found
    require_state(model.forward, end, rows)
    return outputs, end


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def detach(state: State) -> State:
    """Cut a state off from the steps that made it, as truncated back-propagation does between chunks."""
    return tuple(tuple(part.detach() for part in parts) for parts in state)
