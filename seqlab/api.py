"""seqlab from Python, for notebooks: what the commands do, with results to look at. Nothing prints unasked.

    import seqlab
    run = seqlab.train("temporal-order", model="lstm", **{"training.steps": 100})
    run.plot()
    seqlab.compare(["rnn", "lstm"], seeds=5)

Runs lie in the same folders as those of the command line: each sees the other's.
"""

from __future__ import annotations

import functools
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from seqlab.configure import load_settings
from seqlab.errors import RunFailedError, SettingsError, UsageError
from seqlab.notebook import Study, TrainedRun
from seqlab.plugins import admit
from seqlab.runs import find_run
from seqlab.settings import TrainExperiment

if TYPE_CHECKING:
    from seqlab.comparison.design import Design
    from seqlab.comparison.entries import Entry
    from seqlab.comparison.workers import Update
    from seqlab.training import Step

PROGRESS_SECONDS = 2.0

Given = ParamSpec("Given")
Found = TypeVar("Found")


def speaks_python(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """Let what a function refuses be told in the words of a call rather than of the command line."""

    @functools.wraps(function)
    def speaking(*args: Given.args, **words: Given.kwargs) -> Found:
        try:
            return function(*args, **words)
        except UsageError as error:
            error.message = _in_python(error.message)
            error.hint = error.hint and _in_python(error.hint)
            raise

    return speaking


def _in_python(said: str) -> str:
    """Write options as arguments; lines to be typed in a shell stay.

    >>> _in_python("If you trust it, add: --task parity.py"), _in_python("Show it: seqlab show --json")
    ("If you trust it, add: task='parity.py'", 'Show it: seqlab show --json')
    """
    if "seqlab " in said:
        return said
    said = said.replace("On the command line: ", "").replace("on the command line", "in the call")
    given = re.sub(
        r"--([a-z][a-z-]*) ([^\s;,]+)", lambda found: f"{found[1].replace('-', '_')}={found[2]!r}", said
    )
    return re.sub(r"--([a-z][a-z-]*)", lambda found: found[1].replace("-", "_"), given)


def _reference(kind: str, given: object) -> str | None:
    """Return what a model or task is called by: its name, or the file and the name of a class.

    Raises:
        UsageError: when it is an object, or a class of which there is no file.
    """
    if given is None or isinstance(given, str):
        return given
    base = {"model": "seqlab.models.Cell or SequenceModel", "task": "seqlab.tasks.Task"}[kind]
    hint = f"Write it into a file, as a class derived from {base}, and give {kind}='my_{kind}.py'."
    if not isinstance(given, type):
        raise UsageError(
            f"{kind} is an object of {type(given).__name__}; a run builds its own, from its seed.",
            hint=f"Give the name of one of seqlab's, or your own file. {hint}",
        )
    if getattr(given, "component", None) != kind:
        raise UsageError(f"{kind} is {given.__name__}, which is no {kind} of seqlab's.", hint=hint)
    module, name = sys.modules.get(given.__module__), str(given.__name__)
    file = getattr(module, "__file__", None)
    if file is None or getattr(module, name, None) is not given:
        raise UsageError(f"{kind} is {name}, a class that lies in no file.", hint=hint)
    own = Path(file)
    return own.stem.replace("_", "-") if given.__module__.startswith("seqlab.") else f"{own}:{name}"


@speaks_python
def train(
    experiment: str | None = None,
    *,
    config: str | Path | None = None,
    model: str | type | None = None,
    task: str | type | None = None,
    difficulty: str | None = None,
    preset: str | None = None,
    seed: int | None = None,
    progress: bool = False,
    **settings: Any,
) -> TrainedRun:
    """Train, as ``seqlab train`` does.

    Args:
        experiment: the name of a shipped experiment.
        config: a settings file of your own instead.
        model: another model: ``lstm``, ``lstm[hidden_size=8]``, or your own ``my_cell.py``, which is run; or
            a class that lies in such a file.
        task: another task, named as a model is.
        difficulty: of the task.
        preset: of the experiment.
        seed: of weights, data and dropout.
        progress: whether to print how far it is, every two seconds, on stderr.
        **settings: single settings by dotted key, ``**{"training.steps": 100}``.

    Returns:
        The run.

    Raises:
        UsageError: when something is wrong with the settings; nothing is trained then.
        RunFailedError: when training cannot go on.
        Interrupted: after an interrupt (Ctrl-C, or the stop button); ``seqlab resume`` goes on from there.
    """
    from seqlab.session import begin
    from seqlab.session import train as train_run

    model, task = _reference("model", model), _reference("task", task)
    checked, _ = load_settings(
        experiment,
        config=None if config is None else Path(config),
        overrides=_words(settings),
        model=model,
        task=task,
        difficulty=difficulty,
        preset=preset,
        seed=seed,
    )
    if not isinstance(checked, TrainExperiment):
        raise UsageError(f"{experiment or config} is not an experiment in which one model learns one task.")
    given = {"config": config, "model": model, "task": task, "difficulty": difficulty, "preset": preset}
    run, session = begin(checked, command=_call("train", experiment, **given, seed=seed, **settings))
    watch = _step_printer(session.experiment.training.steps) if progress else None
    train_run(run, session, watch=watch, announce=_announce)
    return TrainedRun(run.path)


@speaks_python
def compare(
    models: Sequence[str | type],
    *,
    on: str | None = None,
    task: str | type | None = None,
    seeds: int | Sequence[int] = 10,
    difficulty: str | Sequence[str] | None = None,
    preset: str | None = None,
    match_parameters: bool = False,
    jobs: int | None = None,
    progress: bool = False,
    **settings: Any,
) -> Study:
    """Train several models on the same data over several seeds, as ``seqlab compare`` does.

    Runs that are finished already, with the same settings, code and data, are reused.

    Args:
        models: ``lstm``, ``lstm[hidden_size=8]``, ``my_cell.py``, or classes that lie in such files.
        on: the experiment whose task and training they share, or a settings file; None for temporal-order.
        task: another task: a name, or your own ``my_task.py``, which is run; with that alone and no ``on``,
            training is as the defaults have it.
        seeds: how many, from 1 on; or the seeds.
        difficulty: of the task; several are a ladder.
        preset: of the experiment.
        match_parameters: whether widths are chosen so that parameter counts agree.
        jobs: runs side by side; None for the number of cores.
        progress: whether to print each run as it ends, on stderr.
        **settings: single settings for all, by dotted key.

    Returns:
        The outcome: a table, a verdict, pictures, the runs.

    Raises:
        UsageError: when something is wrong with the settings; nothing is trained then.
        RunFailedError: when every run failed.
        Interrupted: after an interrupt; the same call goes on from there.
    """
    from seqlab.comparison.design import Design, learned

    if isinstance(models, str):
        raise UsageError(f"models is {models!r}.", hint=f"Write a list: [{models!r}]")
    named = [str(_reference("model", model)) for model in models]
    task = _reference("task", task)
    chosen = tuple(range(1, seeds + 1)) if isinstance(seeds, int) else tuple(seeds)
    if not models or not chosen:
        raise UsageError("There is nothing to compare.", hint='Write for example ["rnn", "lstm"], seeds=5.')
    given = {
        "on": on, "task": task, "seeds": seeds, "difficulty": difficulty, "preset": preset,
        "match_parameters": match_parameters or None,
    }  # fmt: skip
    on, task = learned(on, task)
    design = Design(
        on,
        tuple(named),
        chosen,
        task=task,
        overrides=tuple(_words(settings)),
        difficulties=(difficulty,) if isinstance(difficulty, str) else tuple(difficulty or ()),
        preset=preset,
        match_parameters=match_parameters,
        command=_call("compare", named, **given, **settings),
    )
    return _carry_out(design, jobs, progress)


def _carry_out(design: Design, jobs: int | None, progress: bool) -> Study:
    from seqlab.comparison.design import draw_up
    from seqlab.comparison.entries import entries_of
    from seqlab.comparison.study import conclude, study
    from seqlab.figures.comparison import keep

    for plugin in design.plugins:
        admit(plugin)
    lineup = draw_up(design)
    finished = study(
        entries_of(lineup.entrants, design.seeds),
        processes=jobs,
        command=design.command,
        plugins=design.plugins,
        on_update=_print_run if progress else _say_nothing,
        announce=_announce,
    )
    if all(item.summary is None for item in finished):
        raise RunFailedError(f"Every run failed: {finished[0].failure}")
    result = conclude(finished)
    folder, _ = keep(design, finished, result, lineup.notes)
    return Study(result, finished, folder, lineup.notes)


@speaks_python
def load_run(reference: str = "latest") -> TrainedRun:
    """Return a run by its id, the beginning of one, ``latest``, or the path of its folder.

    Raises:
        UsageError: when no run is meant, or several are.
    """
    return TrainedRun(find_run(reference).path)


def _words(settings: dict[str, Any]) -> list[str]:
    """Write settings as on the command line.

    >>> _words({"training.steps": 100, "training.stop_when": {"accuracy": 1.0}})
    ['training.steps=100', 'training.stop_when={"accuracy": 1.0}']
    """
    words = []
    for key, value in settings.items():
        plain = value.item() if hasattr(value, "item") else value  # a number of numpy
        try:
            words.append(f"{key}={json.dumps(plain, ensure_ascii=False, allow_nan=False)}")
        except (TypeError, ValueError):
            raise SettingsError(
                f"{key} is {value!r}; allowed: numbers, text, true or false, lists and mappings of them."
            ) from None
    return words


def _call(function: str, what: object, **given: Any) -> str:
    """Write a call as it was made, for the run's record."""
    words = [] if what is None else [repr(what)]
    words += [f"{key}={value!r}" for key, value in given.items() if value is not None and "." not in key]
    dotted = {key: value for key, value in given.items() if "." in key}
    return f"seqlab.{function}({', '.join([*words, *([f'**{dotted!r}'] if dotted else [])])})"


def _step_printer(steps: int) -> Callable[[Step], None]:
    due = time.perf_counter() + PROGRESS_SECONDS

    def show(step: Step) -> None:
        nonlocal due
        if time.perf_counter() >= due or step.step == steps:
            due = time.perf_counter() + PROGRESS_SECONDS
            print(f"step {step.step:,}/{steps:,}, loss {step.smoothed_loss:.4f}", file=sys.stderr)

    return show


def _print_run(entry: Entry, update: Update) -> None:
    if update.kind in ("finished", "failed"):
        said = f": {update.facts['message']}" if update.kind == "failed" else ""
        print(f"{entry.label}, seed {entry.experiment.seed}: {update.kind}{said}", file=sys.stderr)


def _announce(line: str) -> None:
    print(line, file=sys.stderr)


def _say_nothing(entry: Entry, update: Update) -> None:
    pass
