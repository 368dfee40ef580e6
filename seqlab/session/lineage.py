"""Runs that start from the weights of others: what is taken over, and what does not learn."""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
from torch import Tensor

from seqlab.errors import RunFolderError, SettingsError, TextError, nearest
from seqlab.models import SequenceModel
from seqlab.runs import Run, find_run
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.text import Vocabulary
from seqlab.training.checkpoints import checksum, load_weights, read_weights

VOCABULARY = "vocabulary.json"


def start_from(
    experiment: TrainExperiment, task: Task, model: SequenceModel, run: Run | None
) -> tuple[TrainExperiment, str | None]:
    """Give a new network the weights of the run that its settings name, and hold what is not to learn.

    What has the same shape is taken over. Where the vocabulary has grown, each symbol keeps its weights, and
    new ones have those that were drawn for them. All else starts as drawn.

    Args:
        experiment: the settings.
        task: built from them.
        model: the network, with the weights that were drawn.
        run: that has been begun, and keeps the weights it started from; None for a new one.

    Returns:
        The settings, with the weights' hash, and what is to be said; they as they are, and None, where the
        settings name no run.

    Raises:
        SettingsError: when the run's weights are others than were asked for, or fit nowhere.
        RunFolderError: when there is no such run, or its weights are damaged.
    """
    origin = experiment.origin
    if origin is None:
        return experiment, None
    if run is not None and run.start_weights.is_file():
        load_weights(run.start_weights, model)
        _freeze(model, origin.freeze)
        return experiment, None
    source = find_run(origin.run)
    weights = read_weights(source.best_weights)
    source.require_whole(source.best_weights)
    digest = checksum(weights)
    if origin.weights not in (None, digest):
        raise SettingsError(
            f"origin.weights is {str(origin.weights)[:12]}..., but the weights of {source.id} are "
            f"{digest[:12]}....",
            hint="It has been trained on since. Set origin.weights=null to take them as they are.",
        )
    remark = _take_over(source, weights, task, model)
    held = _freeze(model, origin.freeze)
    taken = origin.model_copy(update={"weights": digest})
    return experiment.model_copy(update={"origin": taken}), remark + held


def vocabulary_of(run: Run) -> Vocabulary | None:
    """Return the vocabulary of a run; None of one that has none.

    Raises:
        RunFolderError: when it is damaged.
    """
    path = run.path / VOCABULARY
    if not path.is_file():
        return None
    run.require_whole(path)
    try:
        return Vocabulary.from_data(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, RecursionError, TextError) as error:
        raise RunFolderError(f"{path} is damaged: {error}") from None


def lineage(run: Run) -> list[str]:
    """Return the ids of the runs that one comes from, itself first."""
    return [run.id, *(run.info().extra.get("origin") or {}).get("lineage", ())]


def _take_over(source: Run, weights: dict[str, Tensor], task: Task, model: SequenceModel) -> str:
    """Put weights in the place of a network's own as far as they fit, and say what became of them."""
    old, new = vocabulary_of(source), task.vocabulary
    numbers = None
    if old is not None and new is not None and old.symbols != new.symbols:
        if not set(old.symbols) <= set(new.symbols):
            raise _lost(source, old, new)
        place = {symbol: number for number, symbol in enumerate(new.symbols)}
        numbers = torch.tensor([place[symbol] for symbol in old.symbols])
    own, anew = model.state_dict(), []
    for name, drawn in own.items():
        moved = _moved(weights[name], drawn, numbers) if name in weights else None
        if moved is None:
            anew.append(name)
        else:
            own[name] = moved
    if len(anew) == len(own):
        raise SettingsError(
            f"Nothing of {source.id} fits the model: {_and([*weights][:3])} there, {_and([*own][:3])} here.",
            hint="Take the model that it was trained with: seqlab train --from sets it.",
        )
    model.load_state_dict(own)
    said = f"It starts from the best weights of {source.id}."
    if numbers is not None and new is not None:
        added = [symbol for symbol in new.symbols if old is not None and symbol not in old]
        said += f" New in the vocabulary: {_and(list(map(repr, added)))}."
    return said + (f" These start anew: {_and(anew)}." if anew else "")


def _lost(source: Run, old: Vocabulary, new: Vocabulary) -> SettingsError:
    """Return what is said of a vocabulary that lacks symbols of another run's."""
    lost = next(symbol for symbol in old.symbols if symbol not in new)
    hint = (
        "seqlab train --from keeps the symbols of tasks that have an option `also`. Any other needs data in "
        "which all of them come again."
    )
    if old.tokens != new.tokens:
        hint = f"There a symbol is a {old.tokens}, here a {new.tokens}: task.tokens={old.tokens}"
    return SettingsError(
        f"The vocabulary of {source.id} has {lost!r}, which is none of this task's symbols.", hint=hint
    )


def _moved(old: Tensor, drawn: Tensor, numbers: Tensor | None) -> Tensor | None:
    """Return old weights in the shape of new ones, with what was drawn where there are no old; None if unfit.

    Args:
        old: of another run.
        drawn: of the new network.
        numbers: of each old symbol the new number; None where they are the same.
    """
    if old.shape == drawn.shape:
        return old
    if numbers is None or old.dim() != drawn.dim():
        return None
    places = []
    for before, now in zip(old.shape, drawn.shape, strict=True):
        if before != now and before != len(numbers):
            return None
        places.append(torch.arange(now) if before == now else numbers)
    found = drawn.clone()
    found[torch.meshgrid(*places, indexing="ij")] = old
    return found


def _freeze(model: SequenceModel, parts: Sequence[str]) -> str:
    """Let parts of a network learn nothing, and say how many weights that are."""
    if not parts:
        return ""
    names = [name for name, _ in model.named_parameters()]
    for part in parts:
        if not any(_is_in(name, part) for name in names):
            known = list(
                dict.fromkeys(".".join(name.split(".")[:depth]) for depth in (1, 2, 3) for name in names)
            )
            near = nearest(part, known)
            raise SettingsError(
                f"origin.freeze names {part!r}, which is no part of the model.",
                hint=(f"Did you mean {near!r}? " if near else "") + f"Its parts are {', '.join(known)}.",
            )
    held = 0
    for name, parameter in model.named_parameters():
        if any(_is_in(name, part) for part in parts):
            parameter.requires_grad_(False)
            held += parameter.numel()
    if all(not parameter.requires_grad for parameter in model.parameters()):
        raise SettingsError("origin.freeze holds all of the model, so nothing can be learned.")
    return f" {held:,} weights do not learn: {_and(list(parts))}."


def _is_in(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _and(words: Sequence[str], most: int = 12) -> str:
    left = len(words) - most
    return ", ".join(words[:most]) + (f" and {left} more" if left > 0 else "")
