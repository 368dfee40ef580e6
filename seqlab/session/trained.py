"""Trained networks of runs: their best weights, or their last, in a network built from the settings."""

from __future__ import annotations

import torch

from seqlab.contracts import Batch, Spec, Split
from seqlab.doing import doing
from seqlab.errors import RunFolderError, TextError
from seqlab.models import SequenceModel, build_model
from seqlab.runs import Run
from seqlab.session.lineage import vocabulary_of
from seqlab.session.mixing import mix_with_saved
from seqlab.session.opening import Session, read_experiment, recorded_spec, reopen
from seqlab.settings import TrainExperiment
from seqlab.tasks import Task
from seqlab.text import Vocabulary
from seqlab.training.checkpoints import load_checkpoint, load_weights
from seqlab.training.loop import new_learner


def reopen_trained(
    run: Run, model: str | None = None, task: str | None = None, *, anyway: bool = False
) -> Session:
    """Build a run's task and model as :func:`reopen` does, with the best weights, to be looked at.

    The model is on the processor, and evaluates.
    """
    session = reopen(run, model, task, anyway=anyway)
    load_best(run, session.model)
    session.model.to("cpu").eval()
    return session


def reopen_to_read(
    run: Run, model: str | None = None, task: str | None = None, *, anyway: bool = False
) -> Session:
    """Open a trained run as :func:`reopen_trained` does, to read what a user gives it.

    Of a language model the text need not be here: then its task knows the vocabulary, and nothing else.
    """
    try:
        return reopen_trained(run, model, task, anyway=anyway)
    except TextError as gone:
        vocabulary = vocabulary_of(run) if run.info().extra.get("sample") else None
        if vocabulary is None:
            raise
        network = load_network(run, model)
        unread = Unread(network.spec, vocabulary, gone)
        return Session(
            read_experiment(run, model, without_task=True), unread, network.eval(), torch.device("cpu")
        )


class Unread(Task):
    """A language model's task whose text is not here.

    Args:
        spec: what is read and answered.
        vocabulary: what symbols print as.
        gone: why there is no text.
    """

    stream = True

    def __init__(self, spec: Spec, vocabulary: Vocabulary, gone: TextError) -> None:
        self.spec, self.vocabulary, self.gone = spec, vocabulary, gone

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        """Raise what says that there is nothing to read."""
        raise self.gone


def load_language_model(
    run: Run, *, checkpoint: str = "best", model: str | None = None, alone: bool = False
) -> tuple[SequenceModel, Vocabulary]:
    """Return a run's trained language model and its vocabulary; the corpus is not needed.

    Args:
        run: the run.
        checkpoint: whether its ``best`` or its ``last`` weights are meant.
        model: the plug-in file that the run's model came from, as it was named on the command line.
        alone: whether to leave out the counts that a finished run's settings mix the network with.

    Raises:
        RunFolderError: when the run's model does not write text, or its files are damaged.
    """
    vocabulary = vocabulary_of(run)
    if vocabulary is None:
        raise RunFolderError(
            f"{run.id} is no language model: it has no vocabulary.",
            hint="Train one: seqlab train char-shakespeare",
        )
    experiment = read_experiment(run, model, without_task=True)
    with doing("opening the trained model"):
        network = load_network(run, model, checkpoint, len(vocabulary))
        if experiment.mixture is None or alone or run.info().status != "finished":
            return network, vocabulary
        return mix_with_saved(network, run, experiment.mixture), vocabulary


def load_network(
    run: Run, model: str | None = None, checkpoint: str = "best", symbols: int = 0
) -> SequenceModel:
    """Return a run's trained network, on the processor; its data are not needed.

    Args:
        run: the run.
        model: the plug-in file that the run's model came from, as it was named on the command line.
        checkpoint: whether its ``best`` or its ``last`` weights are meant.
        symbols: of its vocabulary, where it is a language model.

    Raises:
        RunFolderError: when its files are damaged, or an earlier version did not write down what it reads.
    """
    experiment, spec = read_experiment(run, model, without_task=True), recorded_spec(run)
    if spec is None:
        if not symbols:
            raise RunFolderError(
                f"{run.id} does not say what its network reads: its version was an early one."
            )
        spec = Spec("tokens", symbols, "classes", symbols, causal=True)
    network = build_model(experiment.model, spec, experiment.seed)
    load_trained(run, network, experiment, checkpoint)
    return network


def load_best(run: Run, network: SequenceModel) -> None:
    """Load a run's best weights into its network.

    Raises:
        RunFolderError: when they are missing or damaged, or are not those of this run.
    """
    load_weights(run.best_weights, network)
    run.require_whole(run.best_weights)  # whole weights, but of another run


def load_trained(run: Run, network: SequenceModel, experiment: TrainExperiment, checkpoint: str) -> None:
    """Load a run's ``best`` or its ``last`` weights into its network.

    Raises:
        RunFolderError: when they are missing or damaged.
    """
    if checkpoint == "best":
        load_best(run, network)
    else:
        learner = new_learner(network, experiment.training)
        load_checkpoint(run.last_checkpoint, learner)
        run.require_whole(run.last_checkpoint)
        learner.use_averaged_weights()
