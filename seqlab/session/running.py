"""Runs trained to their ends, recorded, interrupted, gone on with: one by itself, or several in company.

The engines know no files; this module has written what they yield.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from torch import Tensor

from seqlab.doing import doing
from seqlab.engines import Announce, check_engine, engine_of
from seqlab.errors import Interrupted, PluginError, RunFailedError, RunFolderError, SeqlabError
from seqlab.own_code import in_a_sentence
from seqlab.plugins import flags
from seqlab.runs import Run, Written, owning
from seqlab.session.forgetting import figures_around, note_before
from seqlab.session.opening import Session
from seqlab.session.recording import SAMPLE_AT, keep_sample, note_failure, record, summarise
from seqlab.session.stopping import stop_requests
from seqlab.training.checkpoints import load_checkpoint, save_checkpoint, save_weights
from seqlab.training.loop import Step, new_learner

Result = dict[str, Any] | SeqlabError
"""The summary of a run that has come to its end, or why it has not."""
PAUSE = 0.5
"""Seconds from one checkpoint to the next at least: a small run makes hundreds of steps in less."""


def train(
    run: Run,
    session: Session,
    *,
    watch: Callable[[Step], None] | None = None,
    announce: Announce = None,
) -> dict[str, Any]:
    """Train a run to its end, from its last checkpoint if it has one.

    Args:
        run: the folder, new or interrupted.
        session: what it is made of.
        watch: called with every step, for progress on a screen.
        announce: called with a line where code must be compiled first, which takes some seconds.

    Returns:
        The summary.

    Raises:
        Interrupted: on the first Ctrl-C or SIGTERM, with a checkpoint saved.
        RunFailedError: when the run cannot go on; its folder says why.
    """
    watcher = None if watch is None else lambda place, step: watch(step)
    (result,) = train_together([(run, session)], watch=watcher, announce=announce)
    if isinstance(result, SeqlabError):
        raise result
    return result


def train_together(
    runs: Sequence[tuple[Run, Session]],
    *,
    watch: Callable[[int, Step], None] | None = None,
    on_end: Callable[[int, Result], None] | None = None,
    announce: Announce = None,
) -> list[Result]:
    """Train runs that differ in nothing but their seed, each as :func:`train` would train it alone.

    Args:
        runs: folders, new or interrupted, and what they are made of.
        watch: called with a run's place in the list and every step of it.
        on_end: called with a run's place and its result as soon as it is known.
        announce: called with a line where code must be compiled first, which takes some seconds.

    Returns:
        The result of each; one that failed does not keep the others from going on.

    Raises:
        SettingsError: when the runs' engine cannot train them here.
        RunFolderError: when another process trains one of them.
        Interrupted: on the first Ctrl-C or SIGTERM, with a checkpoint saved of each run under way.
    """
    if not runs:
        return []
    session = runs[0][1]
    check_engine(session.experiment, session.task)
    with ExitStack() as owned:
        for run, _ in runs:
            owned.enter_context(owning(run))
        return _train_together(_Company(runs, watch, on_end), announce)


def _train_together(company: _Company, announce: Announce) -> list[Result]:
    engine = engine_of(company.members[0].session.experiment.training.engine)
    try:
        engine.make_ready(announce, company.members[0].session.task)
        with stop_requests() as stopped:
            company.train(stopped, announce)
    except (Interrupted, KeyboardInterrupt):
        for one in company.under_way:
            with suppress(OSError, RunFolderError):  # it is called that, too, when nobody owns it any more
                one.run.update_info(status="interrupted")
        raise
    except Exception as error:
        for one in company.under_way:
            company.fail(one, error)
    return [one.result for one in company.members if one.result is not None]


def as_failure(error: Exception, run: Run) -> SeqlabError:
    """Return an error as that of a run which cannot go on; one in own code is said in a sentence."""
    if isinstance(error, SeqlabError) and not isinstance(error, PluginError):
        return error
    told = error if isinstance(error, PluginError) else in_a_sentence(error)
    if isinstance(error, OSError) and error.strerror:  # no room, no rights, a folder that is gone
        said = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    else:
        said = f"{type(error).__name__}: {error}" if told is None else told.message
    hints = [told.hint] if told is not None and told.hint else []
    hints += [f"The traceback is in {run.error_path}."] if run.error_path.is_file() else []
    hint = " ".join(hints) or None
    failure = RunFailedError(f"{run.id} failed: {said}", hint=hint)
    failure.__cause__ = error
    return failure


class _Member:
    """A run in training."""

    def __init__(self, place: int, run: Run, session: Session) -> None:
        self.place, self.run, self.session = place, run, session
        settings = session.experiment.training
        self.learner = new_learner(session.model, settings)
        self.written = Written()
        self.result: Result | None = None
        self.best: dict[str, Tensor] = {}
        self.best_saved = self.saved = -math.inf
        self.before_judging = min(settings.evaluate_every, settings.steps) - 1
        self.samples_at = set[int]()
        if session.task.sample is not None:
            self.samples_at = {max(1, round(share * settings.steps)) for share in SAMPLE_AT}

    def start(self) -> None:
        """Go back to the last checkpoint, if there is one."""
        if self.run.last_checkpoint.is_file():
            load_checkpoint(self.run.last_checkpoint, self.learner)
        elif self.session.experiment.origin is not None and "origin" not in self.run.info().extra:
            note_before(self.run, self.session)
        self.learner.counters.setdefault("seconds", 0.0)
        self.run.sweep()
        self.written = Written(self.run.truncate_metrics(self.learner.step))
        if self.run.info().status != "running":  # it is not new
            self.run.update_info(status="running")

    def is_at(self, step: Step) -> bool:
        """Say whether the learner is where the step says; an engine may have gone ahead of it."""
        return step.step == self.learner.step

    def is_over(self) -> bool:
        """Say whether there are no more steps to make."""
        ended = bool(self.learner.counters["ended"])
        return ended or self.learner.step >= self.session.experiment.training.steps

    def note(self, step: Step) -> None:
        """Write down what there is to be written down after a step."""
        settings = self.session.experiment.training
        self.written.add(record(self.run, step, settings.log_every))
        if step.validation is not None and step.validation.best:
            with self.learner.evaluated_weights():
                weights = self.learner.model.state_dict()
                self.best = {name: tensor.clone() for name, tensor in weights.items()}
        if self.best and time.perf_counter() >= self.best_saved + PAUSE:
            self.save_best()
        if self.is_at(step):
            over = self.learner.counters["ended"] and self.session.task.sample
            if step.step in self.samples_at or over:
                keep_sample(self.run, self.session, self.learner)
            is_due = step.step % settings.checkpoint_every == 0
            if step.step == self.before_judging:  # which may be too much for the machine
                is_due |= self.learner.counters["seconds"] >= PAUSE
            if is_due and time.perf_counter() >= self.saved + PAUSE:
                self.save()

    def save(self) -> None:
        """Save a checkpoint, and before it the best weights that it knows of."""
        self.save_best()
        self.run.force_metrics()
        self.learner.counters["metrics"] = self.written.mark
        save_checkpoint(self.run.last_checkpoint, self.learner)
        self.saved = time.perf_counter()

    def save_best(self) -> None:
        """Save the best weights, unless that has been done."""
        if self.best:
            save_weights(self.run.best_weights, self.best)
            self.best, self.best_saved = {}, time.perf_counter()

    def finish(self) -> dict[str, Any]:
        """Save and judge the run, and return the summary."""
        self.save()
        if not self.run.best_weights.is_file():  # no step was asked for, so none was judged
            save_weights(self.run.best_weights, self.session.model.state_dict())
        with doing("judging on the test set"):
            summary = summarise(self.run, self.session, self.learner)
            if self.session.experiment.origin is not None:
                summary["origin"] = figures_around(self.run, self.session)
        self.run.write_summary(summary)
        run = self.run
        files = run.checksums(
            run.metrics_path, run.summary_path, run.answers_path, *run.checkpoints.iterdir()
        )
        run.update_info(status="finished", files={**run.info().files, **files})
        return summary


class _Company:
    """What :func:`train_together` runs; its arguments are described there."""

    def __init__(
        self,
        runs: Sequence[tuple[Run, Session]],
        watch: Callable[[int, Step], None] | None,
        on_end: Callable[[int, Result], None] | None,
    ) -> None:
        self.members = [_Member(place, run, session) for place, (run, session) in enumerate(runs)]
        self.watch, self.on_end = watch, on_end

    @property
    def under_way(self) -> list[_Member]:
        """The members that have not come to an end."""
        return [one for one in self.members if one.result is None]

    def train(self, stopped: Callable[[], bool], announce: Announce) -> None:
        """Train all members to their ends."""
        for one in self.members:
            self._guarded(one, one.start)
        group = self.under_way
        if not group:
            return
        session = group[0].session
        last = time.perf_counter()
        for steps in engine_of(session.experiment.training.engine).fit(
            session.experiment,
            session.task,
            [one.learner for one in group],
            [one.session.experiment.seed for one in group],
            pause_at={step for one in group for step in (*one.samples_at, one.before_judging)},
            on_failure=lambda place, error: self.fail(group[place], error),
            announce=announce,
        ):
            made = [
                (one, step)
                for one, step in zip(group, steps, strict=True)
                if step is not None and one.result is None
            ]
            for one, step in made:
                self._guarded(one, self._note, one, step)
            now = time.perf_counter()
            for one, _ in made:  # they share the time
                one.learner.counters["seconds"] += (now - last) / len(made)
            self._end_or_stop(made, stopped)
            last = time.perf_counter()
        for one in self.under_way:  # without any step
            self._finish(one)

    def fail(self, one: _Member, error: Exception) -> None:
        """Write down why a run cannot go on."""
        with suppress(OSError):  # which may be the reason
            one.save_best()
        note_failure(one.run, error)
        one.learner.counters["ended"] = True  # for the engine, which may not know
        self._end(one, as_failure(error, one.run))

    def _note(self, one: _Member, step: Step) -> None:
        one.note(step)
        if self.watch is not None:
            self.watch(one.place, step)

    def _end_or_stop(self, made: Sequence[tuple[_Member, Step]], stopped: Callable[[], bool]) -> None:
        """Finish who is over. Then, if that is asked for and all are where their steps say, save and stop."""
        for one, step in made:
            if one.result is None and one.is_at(step) and one.is_over():
                self._finish(one)
        left = self.under_way
        if not (left and stopped() and all(one.is_at(step) for one, step in made)):
            return
        for one in left:
            one.save()
        if len(self.members) > 1:
            raise Interrupted("Interrupted; every run is saved.")
        settings = left[0].session.experiment
        raise Interrupted(
            f"Interrupted at step {left[0].learner.step:,}; everything is saved.",
            hint=f"To go on: seqlab resume {left[0].run.id}{flags(settings.model.name, settings.task.name)}",
        )

    def _finish(self, one: _Member) -> None:
        self._guarded(one, lambda: self._end(one, one.finish()))

    def _end(self, one: _Member, result: Result) -> None:
        one.result = result
        if self.on_end is not None:
            self.on_end(one.place, result)

    def _guarded(self, one: _Member, act: Callable[..., None], *words: Any) -> None:
        """Act; what goes wrong ends this member only."""
        try:
            act(*words)
        except Exception as error:
            self.fail(one, error)
