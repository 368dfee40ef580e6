"""Training runs side by side, each in a process of its own.

The processes are forked from a server (:mod:`seqlab.comparison.server`). One that dies takes only its own run
with it. Ctrl-C reaches this process alone, which asks the others to save and stop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal, cast

from seqlab.comparison.server import context
from seqlab.errors import Interrupted, SeqlabError
from seqlab.registry import admit
from seqlab.runs import find_run
from seqlab.session import begin, reopen, train
from seqlab.settings import TrainExperiment
from seqlab.training import Step

UPDATE_SECONDS = 0.2


@dataclass(frozen=True)
class Job:
    """One run to be trained.

    Attributes:
        label: the model as it was named.
        experiment: the settings.
        run_id: of an interrupted run to go on with; None for a new one.
        command: the command line, for the run's record.
        plugins: the user's own files that were named on the command line.
    """

    label: str
    experiment: TrainExperiment
    run_id: str | None
    command: str
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """What a job has to say.

    Attributes:
        job: its place in the list.
        kind: ``reused`` (summary), ``began`` (run, path), ``step`` (step, loss), ``finished`` (summary),
            ``failed`` or ``interrupted`` (message).
        facts: what belongs to it.
    """

    job: int
    kind: Literal["reused", "began", "step", "finished", "failed", "interrupted"]
    facts: dict[str, Any]


def run_jobs(jobs: Sequence[Job], processes: int, on_update: Callable[[Update], None]) -> None:
    """Train all jobs, so many at a time.

    Args:
        jobs: what to train.
        processes: how many at a time.
        on_update: called in this process with everything that a job says; every job ends with ``finished``,
            ``failed`` or ``interrupted``, unless it never began.

    Raises:
        Interrupted: after Ctrl-C, when every process has saved its run.
    """
    waiting = list(enumerate(jobs))
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    with _stop_requests(lambda: [process for _, process in running.values()]) as stopped:
        while running or (waiting and not stopped()):
            while waiting and len(running) < processes and not stopped():
                index, job = waiting.pop(0)
                connection, process = _start(job)
                running[connection] = (index, process)
            for ready in wait(list(running), timeout=1.0):
                connection = cast(Connection, ready)
                index, process = running[connection]
                try:
                    kind, facts = connection.recv()
                except EOFError:  # it is gone without a word
                    process.join()
                    del running[connection]
                    died = f"its process died (exit code {process.exitcode})"
                    on_update(Update(index, "interrupted" if stopped() else "failed", {"message": died}))
                    continue
                if kind in ("finished", "failed", "interrupted"):
                    process.join()
                    connection.close()
                    del running[connection]
                on_update(Update(index, kind, facts))
        if stopped():
            raise Interrupted(
                "Interrupted; every run is saved.", hint="The same command goes on where this one stopped."
            )


def _start(job: Job) -> tuple[Connection, BaseProcess]:
    processes = context()
    ours, theirs = processes.Pipe(duplex=False)
    process = processes.Process(target=_work, args=(job, theirs, _environment()), daemon=True)
    process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    return ours, process


def _environment() -> dict[str, str]:
    """Return our variables; the server, and so the worker, has those of the time when it was started."""
    return {name: value for name, value in os.environ.items() if name.startswith("SEQLAB_")}


def _work(job: Job, pipe: Connection, environment: dict[str, str]) -> None:
    """Train one run in this process and tell of it through the pipe."""
    os.environ.update(environment)
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C in the terminal is for the parent, which asks us to stop
    last = 0.0

    def watch(step: Step) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last < UPDATE_SECONDS:
            return
        last = now
        try:
            pipe.send(("step", {"step": step.step, "loss": step.smoothed_loss}))
        except OSError:  # the parent is gone: save and stop
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        for plugin in job.plugins:
            admit(plugin)
        if job.run_id is None:
            run, session = begin(job.experiment, command=job.command)
        else:
            run = find_run(job.run_id)
            session = reopen(run)
        pipe.send(("began", {"run": run.id, "path": str(run.path.resolve())}))
        summary = train(run, session, watch=watch)
        message = ("finished", summary)
    except Interrupted as error:
        message = ("interrupted", {"message": error.message})
    except KeyboardInterrupt:
        message = ("interrupted", {"message": "interrupted at once"})
    except SeqlabError as error:
        message = ("failed", {"message": str(error)})
    with contextlib.suppress(OSError):
        pipe.send(message)


@contextlib.contextmanager
def _stop_requests(processes: Callable[[], list[BaseProcess]]) -> Iterator[Callable[[], bool]]:
    """Pass Ctrl-C and SIGTERM on to the processes, each time they come."""
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        asked = True
        for process in processes():
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGTERM)

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
