"""A step tried before a run begins, so that what does not fit is said at once and not in the middle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqlab.contracts import Batch, Split
from seqlab.engines import engine_of
from seqlab.errors import PluginError, SeqlabError, SettingsError
from seqlab.models import SequenceModel, read_batch
from seqlab.own_code import form_of, in_a_sentence, place_of
from seqlab.registry import component_hash
from seqlab.tasks import Task
from seqlab.training.loop import is_solved, loss_of
from seqlab.training.memory import within_memory

if TYPE_CHECKING:
    from seqlab.session.opening import Session


def try_out(session: Session) -> None:
    """Run the first batch through, so that what does not fit is said before a run begins.

    Where model or task are not seqlab's, as far as a gradient: a step is all but made.
    """
    task, settings = session.task, session.experiment.training
    batch = task.batch("train", 0, settings.batch_size, session.experiment.seed).to(session.device)
    own = component_hash("model", session.experiment.model.name) or component_hash(
        "task", session.experiment.task.name
    )
    engine = engine_of(settings.engine)
    with torch.set_grad_enabled(bool(own)), within_memory(session.experiment, task, session.model):
        if engine.knows_models:
            outputs = torch.zeros(*batch.inputs.shape[:2], task.spec.output_size)
        else:
            outputs = _read(session, batch)
        if own:
            _try_loss(session, batch, learns=engine.by_autograd)
    _check_figures(session, task.figures(task.tally(outputs.detach().float(), batch)))
    for part in ("validation", "test") if task.has_test else ("validation",):
        require_part(task, part, session.experiment.seed, f"The task {session.experiment.task.name}")
    if task.sample is not None and task.vocabulary is not None:
        task.vocabulary.encode(task.sample.prime)  # what is written on the way begins with it


def require_part(task: Task, part: Split, seed: int, who: str) -> None:
    """Check that there is something to judge by: of small sets a part may be empty.

    Args:
        task: whose part it is.
        part: which.
        seed: of the fixed set.
        who: what to call the task in a message.

    Raises:
        SettingsError: when nothing is in it.
    """
    if next(iter(task.evaluation(part, 1, seed)), None) is None:
        raise SettingsError(
            f"{who} has nothing in its {part} part, by which it is judged.",
            hint="Its settings or its data leave too little: take other lengths, or give it more data.",
        )


def _read(session: Session, batch: Batch) -> Tensor:
    """Read a batch, or say that the model cannot."""
    model, task = session.experiment.model.name, session.experiment.task.name
    try:
        return read_batch(session.model, batch)[0]
    except (SeqlabError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise in_a_sentence(error) or SettingsError(
            f"The model {model} cannot read the task {task}: {type(error).__name__}: {error}",
            hint=f"Its inputs are {session.task.spec.inputs} of shape {tuple(batch.inputs.shape)}.",
        ) from error


def _try_loss(session: Session, batch: Batch, *, learns: bool) -> None:
    """Take the loss and, where torch learns from it, its gradient; the weights stay as they are."""
    model, task = session.model, session.task
    loss, _ = loss_of(model, task, batch)
    method: Callable[..., object] = task.loss if type(model).learn is SequenceModel.learn else model.learn
    if not isinstance(loss, Tensor) or loss.dim() > 0:
        raise PluginError(f"{place_of(method)}: the loss must be one number; it is {form_of(loss)}.")
    if not learns:
        return
    if not loss.requires_grad:
        raise PluginError(
            f"The loss of {session.experiment.task.name} does not depend on the weights of "
            f"{session.experiment.model.name}, so nothing can be learned.",
            hint="Is there a detach(), an item() or a torch.no_grad() in one of them?",
        )
    loss.backward()  # type: ignore[no-untyped-call]
    model.zero_grad()


def _check_figures(session: Session, figures: Mapping[str, float]) -> None:
    """Check that a task declares what it returns, and that ``stop_when`` names what there is."""
    declared, name = [metric.name for metric in session.task.metrics], session.experiment.task.name
    for figure in figures:
        if figure not in declared:
            raise SettingsError(
                f"The task {name} returns the figure {figure!r}, which its metrics do not declare.",
                hint=f"They are {', '.join(declared)}; add Metric({figure!r}, higher_is_better=...).",
            )
    if declared[0] not in figures:
        raise SettingsError(
            f"The task {name} is judged by {declared[0]!r}, its first metric, but returns "
            f"{', '.join(figures) or 'nothing'}.",
            hint="Return it from `figures`, or declare another metric first.",
        )
    is_solved(figures, session.experiment.training.stop_when, session.task)
