"""Whether the fused engine can do what an experiment asks for."""

from __future__ import annotations

import importlib.util

from seqlab.contracts import Spec
from seqlab.errors import EngineError
from seqlab.fused import kernels
from seqlab.models import Recurrent, outline
from seqlab.models.recurrent.gru import GRU
from seqlab.models.recurrent.irnn import IRNN
from seqlab.models.recurrent.lstm import LSTM
from seqlab.models.recurrent.rnn import RNN
from seqlab.registry import load
from seqlab.settings import Component, TrainExperiment
from seqlab.tasks import Task
from seqlab.training.runtime import pick_device

CELLS = (RNN, IRNN, LSTM, GRU)
LARGEST = 512
"""Units up to which the compiled code was measured to be the faster, on one and on two processors."""
NO_NUMBA = "Numba is not installed (pip install 'seqlab[fast]')"


def why_not(experiment: TrainExperiment, task: Task) -> str | None:
    """Return the reason why the fused engine cannot train an experiment's model, or None if it can.

    Where it could but for Numba, the reason is :data:`NO_NUMBA`, or begins with :data:`BROKEN`.

    Args:
        experiment: its settings.
        task: built from them.
    """
    reason = _model_reason(experiment.model, task.spec) or _task_reason(task) or _compute_reason(experiment)
    return reason or _numba_reason()


def _model_reason(component: Component, spec: Spec) -> str | None:
    if load("model", component.name) not in CELLS:
        return "it knows rnn, irnn, lstm and gru only"
    model = outline(component, spec)
    assert isinstance(model, Recurrent)
    if any(isinstance(cell, LSTM) and cell.form.gate_recurrence for cell in model.cells):
        return "it knows no gates that see one another (gate_recurrence)"
    if model.embeds:
        return "it knows no embedding (embedding_size)"
    if model.residual or model.embedding_dropout > 0:
        return "it knows neither sums around layers (residual) nor embedding_dropout"
    if model.directions > 1:
        return "it knows networks that read in one direction only"
    if model.hidden_size > LARGEST:
        return f"with more than {LARGEST} units torch is faster"
    return None


def _task_reason(task: Task) -> str | None:
    if task.spec.context:
        return "it knows nothing before the first step"
    if type(task).loss is not Task.loss:
        return "the task has a loss of its own"
    if task.spec.outputs == "bits":
        return "it knows no bits"
    if task.spec.outputs == "values" and task.spec.output_size != 1:
        return "it knows one output value only"
    return None


def _compute_reason(experiment: TrainExperiment) -> str | None:
    if pick_device(experiment.compute.device).type != "cpu":
        return "it runs on the processor only"
    if experiment.origin is not None and experiment.origin.freeze:
        return "it lets all weights learn (origin.freeze)"
    if experiment.compute.precision == "bf16":
        return "it computes in float32 only"
    return None


def _numba_reason() -> str | None:
    if importlib.util.find_spec("numba") is None:
        return NO_NUMBA
    if not kernels.run.is_compiled():  # what was compiled here can be used here
        try:
            kernels.clear.load()
        except EngineError as error:
            return error.message
    return None
