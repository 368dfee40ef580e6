"""A trained network and the n-gram model that its forecasts are mixed with."""

from __future__ import annotations

from seqlab.errors import RunFolderError, SettingsError, UsageError
from seqlab.models import Mixture, SequenceModel
from seqlab.models.counting.ngram import NGram
from seqlab.registry import load
from seqlab.runs import Run
from seqlab.settings import MixedIn, TrainExperiment
from seqlab.tasks import Task
from seqlab.text.ngram import check_countable
from seqlab.training.checkpoints import load_weights, save_weights


def check_mixture(experiment: TrainExperiment, task: Task) -> None:
    """Raise an error when there is nothing that counts could be mixed into, or too much to be counted."""
    if experiment.mixture is None:
        return
    try:
        text = task.text("train")
    except SettingsError:
        raise SettingsError(
            f"mixture is set, but the task {experiment.task.name} has no text that could be counted.",
            hint="Set mixture=null, or train char-shakespeare.",
        ) from None
    if getattr(load("model", experiment.model.name), "counts", False):
        raise SettingsError(
            f"mixture is set, but the model {experiment.model.name} counts by itself.",
            hint="Set mixture=null, or take a network: --model gru.",
        )
    try:
        check_countable(len(text))
        NGram(task.spec, order=experiment.mixture.order)
    except UsageError as error:
        raise SettingsError(
            f"mixture is set, but the text cannot be counted: {error.message}", hint="Set mixture=null."
        ) from None


def mix_with_counts(network: SequenceModel, task: Task, settings: MixedIn) -> Mixture:
    """Count the training text, and mix a network with that."""
    ngram = NGram(network.spec, order=settings.order)
    ngram.count(task.text("train"))
    device = next(network.parameters()).device
    return Mixture(network, ngram.to(device), settings.share)


def save_counts(run: Run, mixture: Mixture) -> None:
    """Keep the counts in the run's folder."""
    save_weights(run.ngram_weights, mixture.ngram.state_dict())


def mix_with_saved(network: SequenceModel, run: Run, settings: MixedIn) -> Mixture:
    """Mix a network with the counts in its run's folder.

    Raises:
        RunFolderError: when they are missing or damaged.
    """
    ngram = NGram(network.spec, order=settings.order)
    try:
        load_weights(run.ngram_weights, ngram)
        run.require_whole(run.ngram_weights)
    except RunFolderError as error:
        raise RunFolderError(error.message, hint="The network alone is read with --alone.") from error
    return Mixture(network, ngram, settings.share)
