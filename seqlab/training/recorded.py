"""Updates that are recorded once and then repeated: training on a GPU.

A GPU does a small operation in less time than the processor needs to ask for it, and a network that reads
step after step is made of thousands. So all that an update does is recorded, once for every form of a batch
(its shapes), and then asked for by one call. What differs from update to update lies in buffers: the batch,
the state to read on from, the learning rate, the seed of dropout.

Nobody waits for the GPU either. Losses are read when they are told, for many updates at once; which steps
count, and where there may be padding, is found out before a batch is sent.

Whether an update can be recorded is tried, not asked. The first of a form is made plainly, one operation at
a time; so is the second, with an eye on whether the processor waits for a number, or the model keeps
something in its attributes from update to update, such as a counter, which would stand still; the third is
recorded. The second that is repeated is held against what the model says plainly, for what is remembered
elsewhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seqlab.contracts import Batch, State, torch_stream
from seqlab.models import Known, detach, knowing
from seqlab.own_code import in_a_sentence
from seqlab.settings import Training
from seqlab.tasks import Task
from seqlab.training.checkpoints import apart
from seqlab.training.loop import (
    Learner,
    Step,
    Validation,
    loss_of,
    non_finite,
    note_step,
    validate,
)
from seqlab.training.optimisers import averaging_at, clip_gradient, learning_rate, update
from seqlab.training.pausing import AHEAD, next_ahead, until_pause
from seqlab.training.preparing import prepared
from seqlab.training.remembering import buffers_as_they_were, changed, held_in_python

FORMS = 32
"""Forms of batches that are recorded; those of further ones are made plainly."""

Play = Callable[[], None]
"""Repeats what was recorded."""


class Recorder(Protocol):
    """What records operations. See :class:`seqlab.training.graphs.Graphs`.

    Attributes:
        noise: the generator that dropout draws from; what is repeated draws from it as it then is.
    """

    noise: torch.Generator

    def at_work(self) -> AbstractContextManager[object]:
        """Return the context in which updates are made."""

    def asking_nothing(self) -> AbstractContextManager[object]:
        """Return a context that raises a RuntimeError where the processor waits for a number."""

    def record(self, act: Callable[[], None]) -> Play:
        """Record what ``act`` does, without doing it.

        Raises:
            RuntimeError: when it cannot be recorded.
        """


def fit(
    learner: Learner,
    task: Task,
    settings: Training,
    seed: int,
    precision: AbstractContextManager[object] | None,
    recorder: Recorder,
    *,
    pause_at: Collection[int] = (),
    tell: Callable[[str], None] | None = None,
) -> Iterator[Step]:
    """Train as :func:`seqlab.training.fit` does, with updates that are recorded.

    Several updates are made ahead of what is yielded, so between two pauses the learner is further than a
    step says; see :func:`seqlab.training.pausing.until_pause`.

    Args:
        learner: the model and all that its next step depends on; changed in place.
        task: where batches come from.
        settings: how to train.
        seed: of the data and of dropout.
        precision: the context of the forward pass; None for full precision.
        recorder: what records.
        pause_at: further steps at which the learner shall be where the step says.
        tell: called with a line where updates cannot be recorded.

    Yields:
        A :class:`Step` after every update.

    Raises:
        NonFiniteLossError: when a loss or a gradient is not finite. Updates that were made ahead have then
            spoilt the weights; what was saved has not been.
    """
    learner.model.train()
    updates = Updates(learner, task, settings, seed, precision or nullcontext(), recorder, tell)
    ahead = 1
    while learner.step < settings.steps and not learner.counters["ended"]:
        count = until_pause(settings, learner.step, pause_at, ahead)
        first, began = learner.step, time.perf_counter()
        figures = updates.make(first, count)
        ahead = next_ahead(ahead, time.perf_counter() - began)
        steps, error = [], None
        for index, (loss, norm) in enumerate(figures, first):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                error = non_finite(learner, loss, norm)
                break
            smoothed = note_step(learner, loss, norm, updates.sequences)
            rate, made = learning_rate(settings, index), index + 1
            validation = _judged(learner, task, settings, seed) if made == first + count else None
            steps.append(Step(made, learner.counters["sequences"], loss, smoothed, norm, rate, validation))
        yield from steps
        if error is not None:
            raise error


def _judged(learner: Learner, task: Task, settings: Training, seed: int) -> Validation | None:
    """Judge the learner where that is due."""
    due = learner.step % settings.evaluate_every == 0 or learner.step == settings.steps
    return validate(learner, task, settings, seed) if due else None


@dataclass
class Form:
    """What is kept of batches of one form.

    Attributes:
        met: how many there were.
        batch: the buffers that a batch is put in.
        before: those of the state to read on from, where batches go on.
        after: those of the state at the end.
        play: repeats the update that was recorded; None where none was.
        played: how many times it has.
    """

    met: int = 0
    batch: Batch | None = None
    before: State | None = None
    after: State | None = None
    play: Play | None = None
    played: int = 0


class Updates:
    """The updates of one learner; the arguments are those of :func:`fit`.

    Attributes:
        sequences: in a batch.
        plainly: why updates are not recorded; None where they are.
    """

    def __init__(
        self,
        learner: Learner,
        task: Task,
        settings: Training,
        seed: int,
        precision: AbstractContextManager[object],
        recorder: Recorder,
        tell: Callable[[str], None] | None,
    ) -> None:
        self.learner, self.task, self.settings, self.seed = learner, task, settings, seed
        self.precision, self.recorder, self.tell = precision, recorder, tell
        device = next(learner.model.parameters()).device
        self.rate, self.share = (torch.zeros((), device=device) for _ in range(2))
        self.latest = torch.zeros(2, device=device)  # loss and norm of the gradient
        self.told = torch.zeros(AHEAD, 2, device=device)
        self.forms: dict[Hashable, Form] = {}
        self.sequences = 0
        self.plainly: str | None = None
        learner.model.noise = recorder.noise
        self._take_rate()

    def make(self, first: int, count: int) -> list[tuple[float, float]]:
        """Make so many updates; return of each the loss and the norm of the gradient."""
        with self.recorder.at_work():
            for place in range(count):
                self._make(first + place)
                self.told[place].copy_(self.latest)
            return [(loss, norm) for loss, norm in self.told[:count].tolist()]

    def _make(self, index: int) -> None:
        """Make one update, as it is best made."""
        settings = self.settings
        batch, known = prepared(self.task.batch("train", index, settings.batch_size, self.seed))
        self.sequences = len(batch.inputs)
        self.rate.fill_(learning_rate(settings, index))
        if settings.averaging is not None:
            self.share.fill_(1 - averaging_at(settings.averaging, index))
        self.learner.model.updates = index
        self._seed_noise(index)
        form = self._form_of(batch, known, index)
        if form.play is None and form.met == 2:
            self._look(batch, known, index)
        elif form.play is None and form.met > 2 and self._is_recorded(form, batch, known):
            self._repeat(form, batch)
        elif form.play is None:
            self._plain(batch, known, index)
        elif form.played == 1:
            self._repeat_and_check(form, batch, known, index)
        else:
            self._repeat(form, batch)

    def _form_of(self, batch: Batch, known: Known, index: int) -> Form:
        """Return the form of a batch, met once more; not kept are early ones, and a new one of too many."""
        if self.plainly is not None or index < (self.learner.model.early or 0):
            return Form(1)
        key = (known, *((name, part.shape, part.dtype) for name, part in _named(batch)))
        if key not in self.forms and len(self.forms) >= FORMS:
            return Form(1)
        form = self.forms.setdefault(key, Form())
        form.met += 1
        return form

    def _seed_noise(self, index: int) -> None:
        noise = self.learner.model.noise
        noise.manual_seed(torch_stream(self.seed, "dropout", index).initial_seed())

    def _plain(self, batch: Batch, known: Known, index: int) -> None:
        """Make an update, one operation at a time; who draws on the processor gets the noise there."""
        learner, there = self.learner, batch.to(self.latest.device)
        self._seed_noise(index)
        try:
            with buffers_as_they_were(learner.model, on_error_only=True):
                loss, state = self._learn(there, known, learner.carried)
        except RuntimeError as error:
            if learner.model.noise is not self.recorder.noise or "generator" not in str(error):
                raise
            self._give_up(error)
            learner.model.noise = torch.Generator()
            self._seed_noise(index)
            loss, state = self._learn(there, known, learner.carried)
        learner.carried = self._step(loss, state)

    def _look(self, batch: Batch, known: Known, index: int) -> None:
        """Make an update plainly; see whether the processor waits for a number, or remembers something."""
        model, there = self.learner.model, batch.to(self.latest.device)
        held = held_in_python(model)
        try:
            with (
                buffers_as_they_were(model, on_error_only=True),
                self.recorder.asking_nothing(),
                model.steady(),
            ):
                loss, state = self._learn(there, known, self.learner.carried)
        except RuntimeError as error:  # in front of the optimiser's step: nothing has been learned
            self._give_up(error)
            self._plain(batch, known, index)
            return
        self.learner.carried = self._step(loss, state)
        if (name := changed(held, held_in_python(model))) is not None:
            self._give_up(RuntimeError(f"it changes {name}, which a repetition would leave as it was"))

    def _is_recorded(self, form: Form, batch: Batch, known: Known) -> bool:
        """Record an update of a form; say whether that could be done."""
        device, carried = self.latest.device, self.learner.carried
        form.batch = batch.each(lambda part: torch.empty_like(part, device=device))
        if batch.continues:
            assert carried is not None
            form.before = tuple(tuple(part.clone() for part in parts) for parts in carried)
        buffers = form.batch

        def act() -> None:
            form.after = apart(self._update(buffers, known, form.before))  # of which it may be a part

        try:
            with self.learner.model.steady():
                form.play = self.recorder.record(act)
        except RuntimeError as error:
            self._give_up(error)  # and leave the generator, which may still count as being recorded
            self.learner.model.noise = torch.Generator(self.latest.device)
            return False
        return True

    def _repeat(self, form: Form, batch: Batch) -> None:
        """Make an update by repeating what was recorded."""
        assert form.batch is not None
        assert form.play is not None
        for (_, buffer), (_, part) in zip(_named(form.batch), _named(batch), strict=True):
            pinned = part.pin_memory() if buffer.is_cuda else part
            buffer.copy_(pinned, non_blocking=True)
        if form.before is not None:
            assert self.learner.carried is not None
            for buffer, part in zip(_parts(form.before), _parts(self.learner.carried), strict=True):
                buffer.copy_(part)
        form.play()
        form.played += 1
        self.learner.carried = form.after

    def _repeat_and_check(self, form: Form, batch: Batch, known: Known, index: int) -> None:
        """Repeat, and hold the loss against what the model says plainly; go back where it is another."""
        learner = self.learner
        saved = apart(learner.state_dict())
        carried = learner.carried if batch.continues else None
        with knowing(known), buffers_as_they_were(learner.model):
            there = batch.to(self.latest.device)
            loss, _ = loss_of(learner.model, self.task, there, carried, self.precision)
        self._seed_noise(index)
        self._repeat(form, batch)
        plain, repeated = float(loss.detach()), float(self.latest[0])
        if math.isclose(plain, repeated, rel_tol=1e-3, abs_tol=1e-6) or not math.isfinite(plain):
            return
        self._give_up(
            RuntimeError(
                f"repeated, an update has the loss {repeated:.6g} instead of {plain:.6g}: it depends on "
                "something that is remembered in Python, or draws from another generator than its noise"
            )
        )
        learner.load_state_dict(saved)
        self._take_rate()
        self._plain(batch, known, index)

    def _give_up(self, error: RuntimeError) -> None:
        """Record nothing from now on, and say why."""
        self.forms.clear()
        found = in_a_sentence(error)
        self.plainly = found.message if found is not None else str(error).splitlines()[0]
        if self.tell is not None:
            self.tell(
                "An update of this model is made operation by operation, not repeated as a whole, which "
                f"takes longer: {self.plainly.rstrip('.')}."
            )

    def _update(self, batch: Batch, known: Known, carried: State | None) -> State | None:
        """Make an update of a batch that is on the device; return the state that is carried on."""
        return self._step(*self._learn(batch, known, carried))

    def _learn(self, batch: Batch, known: Known, carried: State | None) -> tuple[Tensor, State]:
        """Take the loss and its gradient."""
        learner, carried = self.learner, carried if batch.continues else None
        with knowing(known):
            loss, state = loss_of(learner.model, self.task, batch, carried, self.precision)
        learner.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = clip_gradient(learner.model.parameters(), self.settings.clip_norm)
        torch.stack([loss.detach().float(), norm.float()], out=self.latest)
        return loss, state

    def _step(self, loss: Tensor, state: State) -> State | None:
        """Move the weights, and their averages."""
        learner = self.learner
        update(learner.optimizer)
        if learner.averaged is not None:
            with torch.no_grad():
                for value, weight in zip(learner.averaged, learner.model.parameters(), strict=True):
                    value.lerp_(weight, self.share.to(value.dtype))
        return detach(state) if self.task.stream else None

    def _take_rate(self) -> None:
        """Have the optimiser read its learning rate where it can be changed between repetitions."""
        for group in self.learner.optimizer.param_groups:
            group["lr"] = self.rate
            if "capturable" in group:
                group["capturable"] = self.rate.is_cuda


def _named(batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a batch with their names, always in the same order."""
    for name in ("inputs", "targets", "mask", "places"):
        part = getattr(batch, name)
        if part is not None:
            yield name, part
    for kind in ("context", "notes"):
        for name, part in sorted(getattr(batch, kind).items()):
            yield f"{kind}.{name}", part


def _parts(state: State) -> Sequence[Tensor]:
    return [part for parts in state for part in parts]
