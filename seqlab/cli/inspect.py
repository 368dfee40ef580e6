"""`seqlab inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.alignment import show_alignment
from seqlab.cli.captions import has_picture, show_caption
from seqlab.cli.console import say, show_json, show_table
from seqlab.cli.forecast import show_forecasts
from seqlab.cli.heads import has_heads, show_heads
from seqlab.cli.hops import show_hops
from seqlab.cli.pictures import Album, Formats, Title, point_to
from seqlab.cli.seeing import Image, see_picture
from seqlab.cli.windows import has_windows, show_windows
from seqlab.doing import doing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqlab.analysis.gates import Force
    from seqlab.analysis.reading import Reading
    from seqlab.analysis.units import Switch
    from seqlab.contracts import Batch
    from seqlab.models import Recurrent
    from seqlab.runs import Run
    from seqlab.session import Session
    from seqlab.tasks import Task

ALL_STEPS = 40
"""Of sequences up to this long every step is printed."""


def inspect(
    run: options.NamedRun = "latest",
    text: Annotated[
        str | None,
        typer.Option("--input", help="What to read, such as BbXcXcbE; with --image what is asked."),
    ] = None,
    example: Annotated[
        int | None, typer.Option(min=0, help="Number of a sequence of the test set, from 0.")
    ] = None,
    image: Image = None,
    force: Annotated[
        str | None, typer.Option(help="Gates to hold, such as f=1,i=0; says what it costs.")
    ] = None,
    start: Annotated[int, typer.Option("--from", min=0, help="First step at which gates are held.")] = 0,
    stop: Annotated[int | None, typer.Option("--to", min=1, help="First step that is free again.")] = None,
    lesions: Annotated[
        bool, typer.Option("--lesions", help="Silence each unit in turn; says what it costs.")
    ] = False,
    sequences: Annotated[
        int, typer.Option(min=1, max=100_000, help="Test sequences on which units are judged.")
    ] = 512,
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    title: Title = None,
    formats: Formats = None,
    output: options.PictureFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Look inside a trained network: hidden state, cell state and gates over time; or where attention looks,
    in a text or in a picture; or which parts of a picture are seen; or what a memory is written and read; or
    which sentences of a story are read; or what is forecast of a series, beside what came.

    Examples: seqlab inspect / seqlab inspect --input BbXcXcbE / seqlab inspect --lesions /
    seqlab inspect --force f=1,i=0 --from 20 --to 60 / seqlab inspect dates --input "3. Mai 2009"
    """
    from seqlab.analysis.states import network_of
    from seqlab.errors import UsageError
    from seqlab.session import reopen_to_read, reopen_trained

    given = {"--input": text, "--example": example, "--image": image}
    several = [name for name, value in given.items() if value is not None]
    if len(several) > 1 and several != ["--input", "--image"]:  # a question about a picture
        raise UsageError(f"Both {several[0]} and {several[1]} are given.", hint="Leave one out.")
    if lesions and force is not None:
        raise UsageError("Both --lesions and --force are given.", hint="Leave one out.")
    found = options.the_run(run)
    options.admit_plugins(found, model, task, anyway=anyway)
    opened = reopen_trained if text is None else reopen_to_read
    session = opened(found, model, task, anyway=anyway)
    shown = None
    if image is not None:
        shown, text = see_picture(found, session, image, text), None
    album = Album(found.figures if output is None else output, formats, title)
    if session.task.forecasts and not lesions and force is None:
        _require_no_text(found, session, text)
        return show_forecasts(found, session, example or 0, album, as_json=as_json)
    if session.task.spec.context:
        _require_no_gates(lesions=lesions, force=force)
        if has_picture(session.task.spec):
            _require_no_text(found, session, text)
            if has_windows(session.model):
                return show_windows(found, session, example, shown, sequences, album, as_json=as_json)
            return show_caption(found, session, example or 0, shown, sequences, album, as_json=as_json)
        if session.task.spec.writes is None:
            return show_hops(found, session, text, example, sequences, album, as_json=as_json)
        return show_alignment(found, session, text, example, album, as_json=as_json)
    if has_heads(session.model):
        _require_no_gates(lesions=lesions, force=force)
        return show_heads(found, session, text, example or 0, album, as_json=as_json)
    network = network_of(session.model, session.experiment.model.name)
    if lesions:
        return _lesions(found, session, network, sequences, album, as_json)
    held = None if force is None else _force(network, force, start, stop)
    return _states(found, session, network, text, example, shown, held, sequences, album, as_json)


def _require_no_gates(*, lesions: bool, force: str | None) -> None:
    """Refuse what is asked of the units of a network, where it is attention or a memory that is shown."""
    from seqlab.errors import UsageError

    if lesions or force is not None:
        raise UsageError(
            f"{'--lesions' if lesions else '--force'} is for networks of one cell that read step by step.",
            hint="Of a model with attention or with a memory, where it looks is shown: leave that out.",
        )


def _require_no_text(run: Run, session: Session, text: str | None) -> None:
    """Refuse a text alone, where it is a picture, or a series, that is looked at."""
    from seqlab.errors import UsageError

    if text is not None and session.task.forecasts:
        raise UsageError(
            f"--input is {text!r}, a text, but {run.id} reads numbers.",
            hint=f"Take some of the test part, --example 0; or a table: seqlab forecast {run.id} --data FILE",
        )
    if text is not None:
        asked = f'--input "{text}" ' if session.task.asks_about_pictures else ""
        raise UsageError(
            f"--input is {text!r}, a text, but {run.id} looks at pictures.",
            hint=f"Take one: --example 0, or {asked}--image FILE",
        )


def _states(
    run: Run,
    session: Session,
    network: Recurrent,
    text: str | None,
    example: int | None,
    shown: Batch | None,
    force: Force | None,
    sequences: int,
    album: Album,
    as_json: bool,
) -> None:
    from seqlab.analysis.reading import reading
    from seqlab.analysis.states import layer_name, trace
    from seqlab.analysis.symbols import read_symbols
    from seqlab.analysis.units import find_switches, held_out_batch

    task, seed = session.task, session.experiment.seed
    is_own = text is not None or shown is not None
    batch = None if is_own and force is None else held_out_batch(task, sequences, seed)
    with doing("looking for units that switch"):
        switches = find_switches(network, task, sequences=sequences, seed=seed)
    switch = next((switch for switch in switches if switch.is_clear), None)
    if batch is None or is_own:
        inputs = read_symbols(task, text or "") if shown is None else shown.inputs
        read = reading(trace(network, inputs, force=force), task, 0)
    else:
        row = _row(batch, example, session, switch)
        read = reading(trace(network, batch.inputs[row : row + 1], force=force), task, 0, batch.row(row))
    classes = []
    if batch is not None and not is_own and example is None:
        with doing("reading a sequence of each class"):
            classes = _of_each_class(network, session, batch, force)
    name = "" if force is None else f"-{force.file_name}"
    pictures = {f"{key}{name}": one for key, one in _draw(run, read, classes, switch, force).items()}
    paths = [*album.keep(pictures), album.keep_rows(f"states{name}", read.to_rows())]
    with doing("measuring what it costs to hold the gates"):
        costs = None if force is None or batch is None else _costs(network, task, batch, force)
    if as_json:
        return show_json(
            {
                "run": run.id,
                **read.to_dict(),
                "switches": [
                    {**vars(item), "layer": layer_name(network, item.layer), "is_clear": item.is_clear}
                    for item in switches
                ],
                "force": costs,
                "figures": paths,
            }
        )
    _say(read, switches, [layer_name(network, cell) for cell in range(len(network.cells))])
    if force is not None and costs is not None:
        say(
            f"With {force.words}: {costs['metric']} {costs['forced']:.4g}, left free {costs['free']:.4g} "
            f"({costs['sequences']:,} different test sequences)."
        )
    other = "--input TEXT" if task.spec.inputs == "tokens" else "--example 1"
    other = other if task.sees is None else "--image FILE"
    return point_to(paths, f"seqlab inspect --lesions, {other}, or --force GATE=VALUE --from STEP --to STEP")


def _draw(
    run: Run, read: Reading, classes: Sequence[Reading], switch: Switch | None, force: Force | None
) -> dict[str, Figure]:
    """Draw a sequence, and one of each class where there are several; where gates are held, that is said."""
    from seqlab.figures.states import classes_figure, states_figure

    title = run.id if read.wanted is None else f"{run.id}, class {read.wanted}"
    caption = "" if force is None else f"\nheld: {force.words}"
    steps = None if force is None else force.steps(len(read.symbols))
    pictures = {"states": states_figure(read, title + caption, switch, steps)}
    if len(classes) > 1:
        above = f"{run.id}: h, a sequence of each class{caption}"
        pictures["classes"] = classes_figure(classes, above, switch, steps)
    return pictures


def _costs(network: Recurrent, task: Task, batch: Batch, force: Force) -> dict[str, Any]:
    """Return what it costs to hold gates: the metric over a batch, with them held and free."""
    from seqlab.analysis.units import accuracy, different

    return {
        "gates": dict(force.gates),
        "from": force.start,
        "to": force.stop,
        "metric": task.metric.name,
        "free": accuracy(network, task, batch),
        "forced": accuracy(network, task, batch, force=force),
        "sequences": different(batch),
    }


def _say(read: Reading, switches: list[Switch], layers: Sequence[str]) -> None:
    """Print what the network would have said after each symbol, and the units found.

    Of long sequences the steps are left out at which that stays as it is.
    """
    if read.answer_names:
        rows, before, right = [], None, read.wanted_each
        for step, (symbol, said) in enumerate(zip(read.symbols, read.said, strict=True)):
            if said != before or step == len(read.said) - 1 or len(read.said) <= ALL_STEPS:
                probability = f"{read.answers[step].max():.3f}"
                rows.append((str(step), symbol, said, probability, *((right[step],) if right else ())))
            before = said
        head = ("step", "after reading", "would say", "probability")
        show_table((*head, "wanted") if right else head, rows)
        print(f"wanted: {read.wanted}\n" if read.wanted is not None else "")
    for item in [item for item in switches if item.is_clear] or switches[:1]:
        goes, back = ("rises", "falls") if item.rises else ("falls", "rises")
        does = goes if item.is_clear else f"is the nearest to one that {goes}"
        where = f" of {layers[item.layer]}" if len(layers) > 1 else ""
        say(
            f"Unit {item.unit}{where} {does} at the first {item.symbol} and {back} at the "
            f"second: score {item.score:.3f}; h {item.before:+.3f} before, {item.between:+.3f} between, "
            f"{item.after:+.3f} after ({item.sequences:,} sequences)."
        )


def _row(batch: Batch, example: int | None, session: Session, switch: Switch | None) -> int:
    """Return which sequence of the batch to show: by default the first that the marked unit switches in."""
    from seqlab.analysis.symbols import input_names
    from seqlab.errors import UsageError

    if example is not None:
        if example >= len(batch.inputs):
            raise UsageError(
                f"There is no example {example}; the set has {len(batch.inputs)}, counted from 0.",
                hint=f"For a larger set add --sequences {example + 1}",
            )
        return example
    if switch is None:
        return 0
    symbol = input_names(session.task).index(switch.symbol)
    return int(((batch.inputs == symbol).sum(1) == 2).int().argmax())


def _of_each_class(network: Recurrent, session: Session, batch: Batch, force: Force | None) -> list[Reading]:
    """Return a sequence of each class, where sequences have classes."""
    from seqlab.analysis.reading import reading
    from seqlab.analysis.states import trace
    from seqlab.analysis.symbols import answer_names
    from seqlab.figures.states import MOST_CLASSES

    classes = len(answer_names(session.task))
    if batch.targets.dim() != 1 or not 0 < classes <= MOST_CLASSES:
        return []
    rows = [int((batch.targets == label).int().argmax()) for label in sorted(set(batch.targets.tolist()))]
    chosen = [batch.row(row) for row in rows]
    return [reading(trace(network, one.inputs, force=force), session.task, 0, one) for one in chosen]


def _force(network: Recurrent, text: str, start: int, stop: int | None) -> Force:
    from seqlab.analysis.gates import Force, check_force
    from seqlab.errors import UsageError

    gates: dict[str, float] = {}
    for word in text.split(","):
        name, _, value = (part.strip() for part in word.partition("="))
        try:
            gates[name] = float(value)
        except ValueError:
            raise UsageError(
                f"{word.strip()!r} holds no gate at a value.", hint="Write for example --force f=1,i=0"
            ) from None
    if stop is not None and stop <= start:
        raise UsageError(
            f"--from {start} --to {stop} holds no step.", hint="--to is the first step free again."
        )
    force = Force(gates, start, stop)
    check_force(network, force)
    return force


def _lesions(
    run: Run, session: Session, network: Recurrent, sequences: int, album: Album, as_json: bool
) -> None:
    from seqlab.analysis.units import lesions
    from seqlab.figures.states import lesions_figure

    with doing("silencing each unit in turn"):
        found = lesions(network, session.task, sequences=sequences, seed=session.experiment.seed)
    silenced = [
        (layer, unit, value)
        for layer, values in zip(found.layers, found.silenced, strict=True)
        for unit, value in enumerate(values)
    ]
    paths = album.keep({"lesions": lesions_figure(found, run.id)})
    paths.append(album.keep_rows("lesions", [("layer", "unit", found.metric), *silenced]))
    if as_json:
        return show_json({"run": run.id, **vars(found), "figures": paths})
    show_table(
        ("layer", "unit", f"{found.metric} without it", "change"),
        [
            (layer, str(unit), f"{value:.4f}", f"{value - found.intact:+.4f}")
            for layer, unit, value in silenced
        ],
    )
    say(f"\n{found.metric} with all units: {found.intact:.4f} ({found.sequences:,} different test sequences)")
    return point_to(paths, "seqlab inspect, to see what the units do")
