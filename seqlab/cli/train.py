"""`seqlab train` and `seqlab resume`."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import note, say, show_json, tell
from seqlab.cli.corpus import choose_data, choose_table, choose_text
from seqlab.cli.origin import start_from
from seqlab.cli.outcome import describe, in_words

if TYPE_CHECKING:
    from seqlab.analysis.unrolled import Unrolled
    from seqlab.runs import Run
    from seqlab.session import Session
    from seqlab.settings import TrainExperiment


Text = Annotated[
    str | None,
    typer.Option(
        help="The text to learn: a file, a folder, or a corpus by name; with --data the column of texts."
    ),
]
Glob = Annotated[str | None, typer.Option(help="Which files of a folder are the text, such as '*.py'.")]
Encoding = Annotated[str | None, typer.Option(help="Of the text's files: utf-8, utf-16, cp949, latin-1, ...")]
Pairs = Annotated[
    str | None,
    typer.Option(help="What to translate: a file of source TAB target, or a folder of .po or .mo files."),
]
Story = Annotated[
    str | None,
    typer.Option(
        help="A file of stories in the published form, ..._train.txt with its ..._test.txt beside it."
    ),
]
Images = Annotated[
    str | None,
    typer.Option(help="Pictures: a folder of IDX files (MNIST, Fashion-MNIST), or a collection by name."),
]
Table = Annotated[
    str | None,
    typer.Option(
        "--data", help="A table of series or of labelled rows: .csv, .tsv, .jsonl, .npy or .parquet."
    ),
]
Columns = Annotated[str | None, typer.Option(help="Of the table, those that are read: a,b; all by default.")]
Target = Annotated[str | None, typer.Option(help="Of the table, those that are forecast: b; all by default.")]
Time = Annotated[str | None, typer.Option(help="Of the table, the column that says when.")]
SeriesOf = Annotated[
    str | None, typer.Option("--group", help="Of the table, the column that says which of several series.")
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="A run to start from: its weights, model and settings.",
        autocompletion=options.complete_run,
    ),
]
Freeze = Annotated[
    list[str] | None,
    typer.Option(
        help="With --from, a part of the model that does not learn, such as cells.0; several with commas."
    ),
]
Label = Annotated[str | None, typer.Option(help="Of the table, the column of labels, to be told by a model.")]
Fit = Annotated[bool, typer.Option("--fit", help="Make the batch as small as a short text asks for.")]
Budget = Annotated[str | None, typer.Option(help="Fit the steps into this time, such as 90s or 5m.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Take two steps, save nothing, say what would be done.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Show every number of a small network, before and after.")
]
Json = Annotated[bool, typer.Option("--json", help="The summary as JSON.")]


def train(
    experiment: options.Experiment = None,
    overrides: options.Overrides = None,
    config: options.Config = None,
    model: options.Model = None,
    task: options.Task = None,
    difficulty: options.Difficulty = None,
    preset: options.Preset = None,
    seed: options.Seed = None,
    text: Text = None,
    glob: Glob = None,
    encoding: Encoding = None,
    pairs: Pairs = None,
    story: Story = None,
    images: Images = None,
    data: Table = None,
    columns: Columns = None,
    target: Target = None,
    time: Time = None,
    group: SeriesOf = None,
    origin: From = None,
    freeze: Freeze = None,
    label: Label = None,
    fit: Fit = False,
    device: options.Device = None,
    budget: Budget = None,
    dry_run: DryRun = False,
    explain: Explain = False,
    quiet: options.Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a named experiment to its claim.

    With --text and without an experiment, the settings are those of char-shakespeare, with --pairs those of
    translate, with --story those of stories, with --images those of row-digits, with --data those of series,
    or with --label those of labels; with --task alone, those that there are by default, and an lstm.

    With --from it starts from the weights of a run, with its model and its settings; with --text or the like
    on other data. Symbols that are new join the vocabulary. It is said what the weights make of the data
    before the first step, and at the end what has become of what they made of their own.

    Examples: seqlab train hello / seqlab train temporal-order --difficulty hard model.hidden_size=8 /
    seqlab train --text notes.txt / seqlab train --text src --glob '*.py' /
    seqlab train --data sales.csv --target sales task.horizon=24 /
    seqlab train --data mails.csv --text body --label is_spam /
    seqlab train --from latest --text letters.txt training.steps=500
    """
    from seqlab.kinds import Asked, run

    words = list(overrides or [])
    told = {"columns": columns, "target": target, "time": time, "group": group, "label": label}
    if data is not None:  # then these are of the table
        told |= {"text": text, "encoding": encoding}
        text = encoding = None
    files = {"pairs": pairs, "file": story, "images": images}
    if origin is not None:
        named = {"corpus": text, **files, "table": data}
        read = next(((option, file) for option, file in named.items() if file is not None), None)
        config, words = start_from(origin, experiment, config, model, task, words, freeze or [], read)
        experiment, model = None, None
    experiment, words = choose_text(experiment, config, words, text, glob, encoding, task)
    for option, file in files.items():
        experiment, words = choose_data(option, experiment, config, words, file, task)
    experiment, words = choose_table(experiment, config, words, data, told, task)
    if device is not None:
        words.append(f"compute.device={device}")
    settings, document = options.load_settings(
        experiment,
        config=config,
        overrides=words,
        model=model,
        difficulty=difficulty,
        preset=preset,
        seed=seed,
        task=task,
    )
    flags = {"--budget": budget, "--dry-run": dry_run, "--explain": explain, "--fit": fit}
    given = {flag: value for flag, value in flags.items() if value}
    run(settings, Asked(document, difficulty, quiet, as_json, given))


def resume(
    run: options.NamedRun = "latest",
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    text: Annotated[
        str | None, typer.Option(help="Where the run's text is now, where it has been moved.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="So many more for a finished run, beyond its end.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where code, files, data, versions or device have changed.")
    ] = False,
    quiet: options.Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with an interrupted run, exactly where it stopped; without a name, with the newest such run.

    With --steps a finished run goes on beyond its end, and it is said how its learning rate does. With --text
    it is written down where the run's text is now, for every command; so it is of a finished run.

    Examples: seqlab resume / seqlab resume latest --steps 2000 / seqlab resume latest --text notes.txt
    """
    from seqlab.errors import RunFolderError
    from seqlab.runs import whose
    from seqlab.session import extend, go_on, move_text, read_experiment

    wanted = ("interrupted", "failed", *(["finished"] if text is not None else []))
    wanted = wanted if steps is None else ("finished",)
    found = options.the_run(run, where=lambda info: info.status in wanted, kind=f"{' or '.join(wanted)} run")
    if steps is not None:
        options.admit_plugins(found, model, task, anyway=anyway)
        tell(extend(found, steps, model, task, anyway=anyway))
    status = found.info().status
    if text is not None and status != "running":
        options.admit_plugins(found, model, task, anyway=True)
        move_text(found, read_experiment(found, model, task), text)
        tell(f"The text of {found.id} is {text} now.")
        if status == "finished":
            return
    if status == "finished":
        raise RunFolderError(
            f"{found.id} is finished; there is nothing to go on with.",
            hint=f"To go beyond its end: seqlab resume {found.id} --steps 1000",
        )
    if status == "running" and not anyway:
        raise RunFolderError(
            f"{found.id} is being trained by {whose(found)}.",
            hint=f"Where that process is gone, or that machine: seqlab resume {found.id} --anyway",
        )
    options.admit_plugins(found, model, task, anyway=True)  # a change is said with all others
    _finish(found, go_on(found, model, task, anyway=anyway), quiet, as_json)


def start(
    settings: TrainExperiment, budget: str | None, dry_run: bool, explain: bool, quiet: bool, as_json: bool
) -> None:
    """Begin a run and train it to its end.

    Args:
        settings: of the run.
        budget: the time that it may take, as it was typed; None for all its steps.
        dry_run: whether to take two steps only, and to save nothing.
        explain: whether to show every number, before and after.
        quiet: whether there is no progress.
        as_json: whether the summary is printed as JSON.
    """
    from seqlab.cli.unrolled import unrolled
    from seqlab.session import begin, open_session
    from seqlab.session.budget import parse_seconds, steps_within

    if budget is not None:
        seconds = parse_seconds(budget)
        tell(f"Measuring the speed for a budget of {seconds:.0f} s ...")
        steps = steps_within(settings, seconds, tell)
        settings = settings.model_copy(
            update={"training": settings.training.model_copy(update={"steps": steps})}
        )
        tell(f"{steps:,} steps fit.")
    if dry_run:
        return _dry_run(settings, as_json)
    before = unrolled(open_session(settings)) if explain else None  # refused before a run begins
    run, session = begin(settings, command=shlex.join(["seqlab", *sys.argv[1:]]))
    _finish(run, session, quiet, as_json, before)
    return None


def _finish(run: Run, session: Session, quiet: bool, as_json: bool, before: Unrolled | None = None) -> None:
    """Train a run to its end and say what came of it; where ``before`` is given, number by number."""
    from seqlab.cli.progress import Reporter, progress, sampler
    from seqlab.cli.show import run_words
    from seqlab.cli.unrolled import keep_unrolled, show_unrolled, unrolled
    from seqlab.engines import engine_of
    from seqlab.plugins import flags
    from seqlab.session import train as train_run
    from seqlab.training.checkpoints import step_of

    training = session.experiment.training
    if not quiet:
        _announce(run, session)
    engine_of(training.engine).make_ready(tell, session.task)  # before the reporter's clock runs
    reporter = Reporter(session.task, training, step_of(run.last_checkpoint))
    with progress(reporter, run.log, quiet=quiet, sample=sampler(session)) as watch:
        summary = train_run(run, session, watch=watch)
    moments = {} if before is None else {"before training": before, "after training": unrolled(session)}
    figures = keep_unrolled(run, moments) if moments else []
    if as_json:
        told = {moment: seen.to_dict() for moment, seen in moments.items()}
        numbers = {"explained": told, "figures": figures} if moments else {}
        show_json({"run": run.id, "path": str(run.path), **summary, **numbers})
    else:
        for line in describe(summary, session.task.metrics, run.info()):
            say(line)
        for sample in sorted(run.samples.glob("step-*.txt"))[-1:]:
            print(f"\n{sample.read_text(encoding='utf-8').rstrip()}\n")
        show_unrolled(moments)
        for path in figures:
            print(path)
    name = run_words(run)
    following = f"plot {name}"
    if session.task.sample:
        following = f"sample {name}{flags(run.info().model, '')}"
    elif session.task.predicts:
        following = f"predict {name} FILE, seqlab plot {name}"
    elif session.task.has_statements:
        following = f"ask {name}, seqlab inspect {name}"
    elif session.task.forecasts:
        following = f"inspect {name}, seqlab forecast {name}"
    tell(
        f"Run: {run.path}\nNext: seqlab {following}, seqlab show, or seqlab train again with another --seed."
    )


def _announce(run: Run, session: Session) -> None:
    from seqlab.runs import Guessed, guessed
    from seqlab.runs.info import remarks_on_data

    guess = guessed(run.info())
    compute = session.experiment.compute
    for remark in remarks_on_data(run.info()):
        note(remark)
    threads = "1 thread" if compute.threads == 1 else f"{compute.threads} threads"
    engine = session.experiment.training.engine
    tell(f"{run.id} on {session.device}, {compute.precision}, {engine} engine, {threads}")
    if words := in_words(guess.figures, session.task.metrics, Guessed()):
        tell(f"To beat ({guess.name}): {words}")
    for remark in filter(None, (session.advice, session.sizing, session.origin)):
        note(remark)


def _dry_run(settings: TrainExperiment, as_json: bool) -> None:
    from seqlab.session.budget import measure

    speed = measure(settings, seconds=0.0, announce=tell)
    facts = {
        "experiment": settings.experiment,
        "model": settings.model.name,
        "task": settings.task.name,
        "parameters": speed.parameters,
        "steps": speed.steps,
        "first_loss": speed.first_loss,
        "estimated_seconds": speed.seconds_for(settings),
    }
    if as_json:
        return show_json(facts)
    for name, value in facts.items():
        print(f"{name}\t{value}")
    tell("Two steps were taken; nothing was saved.")
    return None
