"""Training runs side by side, in processes of their own.

The processes are forked from a server (:mod:`seqlab.comparison.server`). Each trains one run, or several at
once where the engine can. One that dies takes only its own runs with it. Ctrl-C reaches this process
alone, which asks the others to save and stop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal, cast

from seqlab.comparison.entries import Entry
from seqlab.comparison.server import context, start
from seqlab.errors import Interrupted, SeqlabError
from seqlab.plugins import admit
from seqlab.runs import Run
from seqlab.session import Result, Session, begin, go_on, train_together
from seqlab.training import Step

UPDATE_SECONDS = 0.2


@dataclass(frozen=True)
class Job:
    """What one process trains.

    Attributes:
        runs: by the place that updates call it, one that is to be trained, or several that differ in their
            seed alone and are trained together.
        command: the command line, for the runs' records.
        plugins: the user's own files that were named on the command line.
    """

    runs: Mapping[int, Entry]
    command: str
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """What there is to say of a run.

    Attributes:
        place: the run's.
        kind: ``reused`` (summary), ``began`` (run, path), ``step`` (step, loss), ``finished`` (summary),
            ``failed`` or ``interrupted`` (message).
        facts: what belongs to it.
    """

    place: int
    kind: Literal["reused", "began", "step", "finished", "failed", "interrupted"]
    facts: dict[str, Any]


ENDS = ("finished", "failed", "interrupted")


def run_jobs(jobs: Sequence[Job], processes: int, on_update: Callable[[Update], None]) -> None:
    """Train all jobs, so many at a time.

    Args:
        jobs: what to train.
        processes: how many at a time.
        on_update: called in this process with everything that is said of a run; each ends with ``finished``,
            ``failed`` or ``interrupted``, unless it never began.

    Raises:
        Interrupted: after Ctrl-C, when every process has saved its runs.
    """
    waiting = list(jobs)
    start()
    running: dict[Connection, _Worker] = {}
    with _stop_requests(lambda: [worker.process for worker in running.values()]) as stopped:
        while running or (waiting and not stopped()):
            while waiting and len(running) < processes and not stopped():
                connection, worker = _start(waiting.pop(0))
                running[connection] = worker
            for ready in wait(list(running), timeout=1.0):
                connection = cast(Connection, ready)
                worker = running[connection]
                try:
                    update = connection.recv()
                except EOFError:  # it is gone; what it has not told of has gone with it
                    worker.process.join()
                    connection.close()
                    del running[connection]
                    died = f"its process died (exit code {worker.process.exitcode})"
                    kind: Literal["interrupted", "failed"] = "interrupted" if stopped() else "failed"
                    for place in sorted(worker.under_way):
                        on_update(Update(place, kind, {"message": died}))
                    continue
                if update.kind in ENDS:
                    worker.under_way.remove(update.place)
                on_update(update)
        if stopped():
            raise Interrupted(
                "Interrupted; every run is saved.", hint="The same command goes on where this one stopped."
            )


@dataclass
class _Worker:
    """A process and the places of its runs that have not come to an end."""

    process: BaseProcess
    under_way: set[int]


def _start(job: Job) -> tuple[Connection, _Worker]:
    processes = context()
    ours, theirs = processes.Pipe(duplex=False)
    process = processes.Process(target=_work, args=(job, theirs, _environment()), daemon=True)
    process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    return ours, _Worker(process, set(job.runs))


def _environment() -> dict[str, str]:
    """Return our variables; the server, and so the worker, has those of the time when it was started."""
    return {name: value for name, value in os.environ.items() if name.startswith("SEQLAB_")}


def _work(job: Job, pipe: Connection, environment: dict[str, str]) -> None:
    """Train a job in this process and tell of its runs through the pipe."""
    os.environ.update(environment)
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C in the terminal is for the parent, which asks us to stop
    under_way = list(job.runs)
    opened: list[tuple[Run, Session]] = []
    places: list[int] = []
    due = dict.fromkeys(under_way, 0.0)

    def tell(place: int, kind: str, facts: dict[str, Any]) -> None:
        if kind in ENDS:
            under_way.remove(place)
        try:
            pipe.send(Update(place, cast(Any, kind), facts))
        except OSError:  # the parent is gone: save and stop
            if under_way:
                os.kill(os.getpid(), signal.SIGTERM)

    def watch(member: int, step: Step) -> None:
        place, now = places[member], time.perf_counter()
        if now >= due[place]:
            due[place] = now + UPDATE_SECONDS
            tell(place, "step", {"step": step.step, "loss": step.smoothed_loss})

    def on_end(member: int, result: Result) -> None:
        if isinstance(result, SeqlabError):
            tell(places[member], "failed", {"message": str(result)})
        else:
            tell(places[member], "finished", result)

    try:
        for plugin in job.plugins:
            admit(plugin)
        for place, entry in job.runs.items():
            try:
                run, session = _open(entry, job.command)
            except SeqlabError as error:
                tell(place, "failed", {"message": str(error)})
                continue
            opened.append((run, session))
            places.append(place)
            tell(place, "began", {"run": run.id, "path": str(run.path.resolve())})
        train_together(opened, watch=watch, on_end=on_end)
        ending = ("failed", "it has not come to an end")
    except Interrupted as error:
        ending = ("interrupted", error.message)
    except KeyboardInterrupt:
        ending = ("interrupted", "interrupted at once")
    except SeqlabError as error:
        ending = ("failed", str(error))
    for place in list(under_way):
        tell(place, ending[0], {"message": ending[1]})


def _open(entry: Entry, command: str) -> tuple[Run, Session]:
    """Begin a run, or open the interrupted one."""
    if entry.run is None:
        return begin(entry.experiment, command=command)
    return entry.run, go_on(entry.run)


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
