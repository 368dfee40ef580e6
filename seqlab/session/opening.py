"""A run's settings turned into a task and a model that fit each other; its folder, new or found again."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from seqlab.contracts import Spec
from seqlab.doing import doing
from seqlab.engines import as_it_can_be_here, check_engine, settle, take_engine
from seqlab.errors import RunFolderError, SettingsError
from seqlab.files import replace_file, to_json
from seqlab.models import SequenceModel, build_model, count_parameters
from seqlab.plugins import flags
from seqlab.registry import Kind, check_options, load, resolve
from seqlab.runs import Run, Written, create_run
from seqlab.runs.own_files import keep_own_files, where_it_was
from seqlab.session.data import task_of
from seqlab.session.guessing import guesses
from seqlab.session.identity import changed_since, identify
from seqlab.session.lineage import VOCABULARY, start_from
from seqlab.session.mixing import check_mixture
from seqlab.session.passes import within_passes
from seqlab.session.trying import require_part, try_out
from seqlab.settings import Component, Document, TrainExperiment, check, dump, read_text
from seqlab.tasks import Task, Trial, build_task
from seqlab.training.checkpoints import counters_of, save_weights
from seqlab.training.runtime import flush_denormals, pick_device, prepare

NAMED = 1000
"""Names of symbols, or of classes, that a run has on record, at most."""


@dataclass(frozen=True)
class Session:
    """What a run is made of, built from its settings.

    Attributes:
        experiment: the settings, with what was taken in the place of ``auto``.
        task: what is learned.
        model: what learns, on its device.
        device: where.
        advice: what there is to say about the engine that was taken, if anything.
        precision_reason: why the precision was taken, where the settings left it open.
        sizing: what there is to say about the number of steps, where the data are few.
        origin: what there is to say about the weights that it starts from, where they are another run's.
    """

    experiment: TrainExperiment
    task: Task
    model: SequenceModel
    device: torch.device
    advice: str | None = None
    precision_reason: str | None = None
    sizing: str | None = None
    origin: str | None = None

    @property
    def trials(self) -> dict[str, Trial]:
        """The ways in which the finished model is judged, by name: the task's, and those of the settings."""
        return trials_of(self.experiment, self.task)


def trials_of(experiment: TrainExperiment, task: Task) -> dict[str, Trial]:
    """Return the trials of a task and of the settings by name; the settings' stand over the task's.

    Raises:
        SettingsError: when a task has two of one name, or one without a name.
    """
    own = {trial.name: trial for trial in task.trials}
    if len(own) < len(task.trials) or not all(own):
        names = ", ".join(repr(trial.name) for trial in task.trials)
        raise SettingsError(f"Each trial of a task has a name of its own; these are {names}.")
    return own | {name: Trial(name, **trial.model_dump()) for name, trial in experiment.trials.items()}


def open_session(experiment: TrainExperiment, run: Run | None = None, *, anyway: bool = False) -> Session:
    """Build task and model, prepare the process, and check that they fit each other.

    Args:
        experiment: the settings.
        run: on whose data the task is to be; None for what there is.
        anyway: whether other data than the run's are taken, too.

    Raises:
        SettingsError: when the model does not answer in the shape that the task asks for, the task returns
            figures that it does not declare, or ``stop_when`` names a metric that it does not have.
    """
    flush_denormals()  # before torch has threads, since those begin as this one is
    task = build_task(experiment.task) if run is None else task_of(run, experiment, anyway=anyway)
    model = _build(experiment, task)
    experiment, origin = start_from(experiment, task, model, run)
    check_mixture(experiment, task)
    experiment, sizing = within_passes(experiment, task)
    experiment, advice = take_engine(experiment, task)
    device = pick_device(experiment.compute.device)
    settled = settle(experiment, task, model, device)
    threads = settled.experiment.compute.threads
    assert threads is not None
    prepare(threads, device)
    model = model.to(device)
    session = Session(settled.experiment, task, model, device, advice, settled.reason, sizing, origin)
    try_out(session)
    for trial in session.trials.values():
        trial_task(session, trial)
    return session


def begin(experiment: TrainExperiment, *, command: str, again: Run | None = None) -> tuple[Run, Session]:
    """Create the folder of a new run.

    Args:
        experiment: its settings.
        command: with which it was asked for.
        again: the run that it repeats, on the same data; None for one that repeats none.

    Raises:
        SettingsError: as from :func:`open_session`, and when the engine that is asked for cannot train this.
    """
    with doing("opening the data"):
        session = open_session(experiment, again)
    check_engine(session.experiment, session.task)
    task, identity = session.task, identify(session.experiment, session.task, session.device)
    run = create_run(
        experiment.experiment,
        experiment.model.name,
        experiment.seed,
        task=experiment.task.name,
        command=command,
        config_text=dump(session.experiment.model_dump()),
        data_hash=identity.data,
        extra={
            "device": str(session.device),
            "precision": session.experiment.compute.precision,
            "precision_reason": session.precision_reason,
            "threads": session.experiment.compute.threads,
            "parameters": count_parameters(session.model),
            "metric": task.metric.name,
            "metrics": [metric.to_dict() for metric in task.metrics],
            "trials": {name: trial.to_dict() for name, trial in session.trials.items()},
            "guess": guesses(
                session.experiment,
                task,
                {name: (trial, trial_task(session, trial)) for name, trial in session.trials.items()},
            ),
            "drawn": {option: list(values) for option, values in task.drawn.items()},
            "loss_unit": task.loss_unit,
            "spec": task.spec.to_dict(),
            "in_text": task.in_text,
            "forecasts": task.forecasts,
            "sees": task.sees is not None,
            "draws": session.model.draws,
            "names": names_of(task),
            "scales": dict(task.scales),
            "predicts": task.predicts,
            "engine": session.experiment.training.engine,
            "fingerprint": identity.fingerprint,
            "identity": identity.to_dict(),
            "vocabulary": len(task.vocabulary) if task.vocabulary and task.sample else None,
            "sample": None if task.sample is None else asdict(task.sample),
            **({} if task.data is None else {"corpus": task.data.to_dict()}),
        },
        fill=lambda run: _fill(run, session),
    )
    return run, session


def _fill(run: Run, session: Session) -> None:
    """Write into a new run's folder what it needs besides its settings."""
    experiment, task = session.experiment, session.task
    if experiment.origin is not None:
        save_weights(run.start_weights, session.model.state_dict())
    keep_own_files(run, {"model": experiment.model.name, "task": experiment.task.name})
    if task.vocabulary is not None:
        replace_file(run.path / VOCABULARY, to_json(task.vocabulary.to_data()))


def go_on(
    run: Run, model: str | None = None, task: str | None = None, *, anyway: bool = False, words: str = ""
) -> Session:
    """Open a run that was interrupted, to train it to its end.

    Args:
        run: the run.
        model: the plug-in file that the run's model came from, as it was named on the command line.
        task: likewise that of its task.
        anyway: whether to go on although something has changed that its figures depend on; what it is now
            takes the place of what it was.
        words: what else stands on the command line, for what is to be typed instead.

    Raises:
        RunFolderError: when something has changed, or as from :func:`reopen`.
    """
    session = reopen(run, model, task, anyway=anyway)
    identity = identify(session.experiment, session.task, session.device)
    changed = changed_since(run.info().extra.get("identity") or {}, identity)
    kinds: tuple[Kind, ...] = ("model", "task")
    copies = "".join(where_it_was(run, kind) for kind in kinds if f"the file of the {kind}" in changed)
    own = flags(session.experiment.model.name, session.experiment.task.name) + words
    if changed and not anyway:
        raise RunFolderError(
            f"Since {run.id} was trained, this has changed: {', '.join(changed)}. Gone on with, it would be "
            "a run that nobody can repeat.",
            hint=f"{copies}To go on all the same: seqlab resume {run.id}{own} --anyway",
        )
    _require_metrics(run, own, anyway=anyway)
    if changed:
        extra = {"fingerprint": identity.fingerprint, "identity": identity.to_dict(), "changed": changed}
        run.update_info(extra=extra)
    return session


def _require_metrics(run: Run, own: str, *, anyway: bool) -> None:
    """Refuse to go on with a curve that is not the one that the checkpoint was saved with."""
    counters = counters_of(run.last_checkpoint)
    step, mark = int(counters["step"]), counters.get("metrics")
    if mark is not None and Written(run.metrics_until(step)).mark != mark and not anyway:
        raise RunFolderError(
            f"{run.metrics_path} is damaged: up to step {step:,} it does not hold what was written.",
            hint=f"To go on with the curve as it is: seqlab resume {run.id}{own} --anyway",
        )


def reopen(run: Run, model: str | None = None, task: str | None = None, *, anyway: bool = False) -> Session:
    """Build a run's task and model again from its settings, with the weights of the start.

    Args:
        run: the run.
        model: the plug-in file that the run's model came from, as it was named on the command line.
        task: likewise that of its task.
        anyway: whether other data are taken, too.

    Raises:
        RunFolderError: when the settings are damaged, or the corpus is not the one trained on.
    """
    with doing("opening the run and its data"):
        experiment = as_it_can_be_here(read_experiment(run, model, task))
        session = open_session(experiment, run, anyway=anyway)
    recorded = recorded_spec(run)
    if recorded is not None and recorded != session.task.spec:
        raise RunFolderError(
            f"{run.id} was trained on a task that gives and asks for something else than "
            f"{session.experiment.task.name} does now.",
            hint="Is --task the file that it was trained with?",
        )
    return session


def recorded_spec(run: Run) -> Spec | None:
    """Return what a run's network knows of its task; None where an early version did not write it down.

    Raises:
        RunFolderError: when that can be nothing of the kind.
    """
    told = run.info().extra.get("spec")
    try:
        return Spec.from_dict(told) if told else None
    except (LookupError, TypeError, ValueError, AttributeError):
        raise RunFolderError(f"run.json holds {told!r} as 'extra.spec'.") from None


def read_experiment(
    run: Run, model: str | None = None, task: str | None = None, *, without_task: bool = False
) -> TrainExperiment:
    """Return the settings of a run, checked; own files stand where they are now.

    ``without_task`` is for what needs the model alone: the task is not looked up, so that a file of the
    user's need not be named.
    """
    document = read_text(run.config_text(), source=str(run.config_path))
    experiment = check(document)
    if not isinstance(experiment, TrainExperiment):
        raise RunFolderError(f"{run.id} is not a training run.")
    for kind, name in (("model", model), ("task", task)):
        if name is not None:
            moved = Component(**{"name": name, **getattr(experiment, kind).options})
            experiment = experiment.model_copy(update={kind: moved})
    if without_task:
        own = check_options("model", experiment.model, document)
        return experiment.model_copy(update={"model": own})
    earlier = load("task", experiment.task.name).earlier
    completed = Component(**{"name": experiment.task.name, **earlier, **experiment.task.options})
    return resolve(experiment.model_copy(update={"task": completed}), document)


def _build(experiment: TrainExperiment, task: Task) -> SequenceModel:
    """Build the model, or say that it does not fit into memory."""
    try:
        return build_model(experiment.model, task.spec, experiment.seed)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        options = experiment.model.options
        sizes = ", ".join(f"{key} {options[key]}" for key in ("hidden_size", "layers") if key in options)
        raise SettingsError(
            f"The model {experiment.model.name} ({sizes}) does not fit into memory.",
            hint="Choose a smaller model.hidden_size or fewer layers.",
        ) from None


def names_of(task: Task) -> dict[str, list[str]]:
    """Return what a task calls its input symbols and its classes, where those are names, and not too many."""
    named = {"inputs": task.symbols, "answers": task.answers}
    return {kind: list(names) for kind, names in named.items() if 0 < len(names) <= NAMED}


def trial_task(session: Session, trial: Trial) -> Task:
    """Return the task as a trial has it.

    Raises:
        SettingsError: when its options are wrong, the model cannot answer that task, nothing is in its test
            set, or answers shall be written of a task that has none.
    """
    own, name = session.experiment.task, session.experiment.task.name
    if trial.answers != "shown" and session.task.spec.writes is None:
        raise SettingsError(
            f"The trial {trial.name!r} asks for answers that are written ({trial.answers}), but those of the "
            f"task {name} are not: its Spec has no `writes`.",
            hint="Set answers to shown.",
        )
    if not trial.task:
        return session.task
    changed = Component(name=name, **{**own.options, **trial.task})
    checked = check_options("task", changed, Document({}, f"the trial {trial.name!r}"))
    try:
        task = build_task(checked)
    except SettingsError as error:
        set_there = ", ".join(f"task.{key}={value}" for key, value in trial.task.items())
        without = "Without the trials of the settings: trials={}"
        hints = [error.hint, without if trial.name in session.experiment.trials else None]
        raise SettingsError(
            f"In the trial {trial.name!r} ({set_there}): {error.message}",
            hint="\n".join(filter(None, hints)) or None,
        ) from error
    there, here = _told(task.spec), _told(session.task.spec)
    differs = [key for key in here | there if here.get(key) != there.get(key)]
    if differs:
        told = ", ".join(f"{key} {there.get(key)} instead of {here.get(key)}" for key in differs)
        raise SettingsError(
            f"The trial {trial.name!r} changes what the model reads or answers: {told}.",
            hint="A trial may change options that leave the Spec as it is, such as a length.",
        )
    require_part(task, "test", session.experiment.seed, f"The trial {trial.name!r} of {name}")
    return task


def _told(spec: Spec) -> dict[str, object]:
    """Return in words what a model is built for."""
    told = {key: value for key, value in spec.to_dict().items() if key not in ("writes", "context")}
    return told | {name: f"{signal.form} of {signal.size}" for name, signal in spec.context.items()}
