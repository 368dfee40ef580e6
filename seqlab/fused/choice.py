"""Whether the fused engine can do what an experiment asks for."""

from __future__ import annotations

import importlib.util

import torch

from seqlab.models import Recurrent, SequenceModel
from seqlab.models.gru import GRU
from seqlab.models.irnn import IRNN
from seqlab.models.lstm import LSTM
from seqlab.models.rnn import RNN
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task

CELLS = (RNN, IRNN, LSTM, GRU)
LARGEST = 128
"""Units up to which the compiled code is the faster: measured 3.5 times at 32, 1.2 at 128, 0.8 at 256."""


def why_not(experiment: TrainExperiment, task: Task, model: SequenceModel) -> str | None:
    """Return the reason why the fused engine cannot train a model, or None if it can.

    Args:
        experiment: its settings.
        task: built from them.
        model: built from them, on its device.
    """
    if importlib.util.find_spec("numba") is None:
        return "Numba is not installed (pip install 'seqlab[fast]')"
    return _model_reason(model) or _task_reason(task) or _compute_reason(experiment, model)


def _model_reason(model: SequenceModel) -> str | None:
    if type(model) is not Recurrent or type(model.cells[0]) not in CELLS:
        return "it knows rnn, irnn, lstm and gru only"
    if len(model.cells) > 1:
        return "it knows one layer that reads in one direction only"
    if model.dropout > 0:
        return "it knows no dropout"
    if model.hidden_size > LARGEST:
        return f"with more than {LARGEST} units torch is faster"
    if not all(parameter.requires_grad for parameter in model.parameters()):
        return "some of the model's weights are frozen"
    return None


def _task_reason(task: Task) -> str | None:
    if type(task).loss is not Task.loss:
        return "the task has a loss of its own"
    if task.spec.outputs == "values" and task.spec.output_size != 1:
        return "it knows one output value only"
    return None


def _compute_reason(experiment: TrainExperiment, model: SequenceModel) -> str | None:
    weight = next(model.parameters())
    if weight.device.type != "cpu":
        return "it runs on the processor only"
    if experiment.compute.precision == "bf16" or weight.dtype != torch.float32:
        return "it computes in float32 only"
    return None
