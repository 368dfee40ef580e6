"""What a run that started from another's weights could do before its first step, and has forgotten since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seqlab.doing import doing
from seqlab.errors import SeqlabError
from seqlab.runs import Run, find_run
from seqlab.session.data import task_of
from seqlab.session.lineage import lineage
from seqlab.session.opening import Session, read_experiment
from seqlab.session.recording import ORDINARY, judge_in
from seqlab.settings import Component, TrainExperiment


def note_before(run: Run, session: Session) -> None:
    """Write down the figures of a network before its first step, on its own test set and on the origin's."""
    origin = session.experiment.origin
    assert origin is not None
    source = find_run(origin.run)
    with doing("judging before the first step"):
        there, why = _elsewhere(source, session)
        told: dict[str, Any] = {
            "run": source.id,
            "lineage": lineage(source),
            "before": judge_in(session, ORDINARY, session.model),
            "there": there,
            "why_not_there": why,
        }
    run.update_info(extra={"origin": told})


def figures_around(run: Run, session: Session) -> dict[str, Any]:
    """Return the figures before the first step, and on the origin's test set those before and after.

    Where these cannot be had any more, it is None.
    """
    origin = session.experiment.origin
    assert origin is not None
    told = run.info().extra["origin"]
    there = after = None
    if told["there"] is not None:
        try:
            after, _ = _elsewhere(find_run(origin.run), session)
        except SeqlabError:
            after = None
        there = None if after is None else {"before": told["there"], "after": after}
    return {"run": told["run"], "before": told["before"], "there": there}


def _elsewhere(source: Run, session: Session) -> tuple[dict[str, float] | None, str | None]:
    """Return a network's figures on the test set of another run, or None and why there are none."""
    try:
        experiment = _asking_as(source, session)
        task = task_of(source, experiment)
        if experiment.task == session.experiment.task:
            return None, "it is the same"
        if task.spec != session.task.spec:
            return None, "it asks for other answers"
        return judge_in(replace(session, task=task, experiment=experiment), ORDINARY, session.model), None
    except SeqlabError as error:
        return None, error.message


def _asking_as(source: Run, session: Session) -> TrainExperiment:
    """Return the settings of a run, with symbols that have come since, for a session's model and engine."""
    experiment, own = read_experiment(source), session.experiment
    vocabulary = session.task.vocabulary
    options = experiment.task.options
    if "also" in options and vocabulary is not None:
        options["also"] = vocabulary.as_text()
    training = experiment.training.model_copy(update={"engine": own.training.engine})
    return experiment.model_copy(
        update={
            "task": Component(**{**options, "name": experiment.task.name}),
            "model": own.model,
            "compute": own.compute,
            "training": training,
        }
    )
