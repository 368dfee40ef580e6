"""`seqlab explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table, tell
from seqlab.cli.explain_named import explain_experiment, explain_setting, is_named, unknown
from seqlab.cli.explain_task import explain_task

if TYPE_CHECKING:
    from seqlab.settings import Component


def explain(
    model: Annotated[
        str,
        typer.Argument(
            help="A model, lstm[hidden_size=8], your own my_cell.py, a task, an experiment or a setting.",
            autocompletion=options.complete_explained,
        ),
    ],
    inputs: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="Symbols or features of a model's task, 8 if not said."),
    ] = None,
    outputs: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Outputs of a model's task, 4 if not said.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a model's diagram instead of reports/diagrams among the runs.",
            callback=options.writable_folder,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Explain a model: equations, weights, settings, what a step costs, a diagram of its cell.

    Or a task: what it asks, a sequence, how it is judged; what an experiment sets; what a setting is.

    Examples: seqlab explain lstm / seqlab explain my_cell.py / seqlab explain gru --inputs 64 /
    seqlab explain temporal-order / seqlab explain char-shakespeare / seqlab explain clip_norm
    """
    from seqlab.analysis.anatomy import dissect
    from seqlab.cli.show import word
    from seqlab.constructors import options_model
    from seqlab.errors import UsageError
    from seqlab.plugins import admit, is_plugin
    from seqlab.registry import check_options, load, names, parse_reference
    from seqlab.settings import Document, experiment_names
    from seqlab.settings.describing import described

    written, place = parse_reference(model), Document({}, "On the command line")
    of_models = {"--inputs": inputs, "--outputs": outputs, "--output": output}
    given = next((option for option, value in of_models.items() if value is not None), None)
    setting, is_experiment = model.partition("=")[0].strip(), written.name in experiment_names()
    is_model = is_plugin(written.name) or written.name in names("model")
    if given and (is_experiment or not is_model) and is_named(written.name, setting):
        raise UsageError(
            f"{given} is for models, and {written.name} is explained as a task, an experiment or a setting.",
            hint="Leave it out.",
        )
    if written.name in names("task"):
        return explain_task(check_options("task", written, place), as_json=as_json)
    if is_experiment and not written.options:
        return explain_experiment(written.name, as_json=as_json)
    if is_plugin(written.name):
        admit(written.name)
    elif not is_model:
        if explain_setting(setting, as_json=as_json):
            return None
        raise unknown(written.name)
    component = check_options("model", written, place)
    inputs, outputs = inputs or 8, outputs or 4
    found = dissect(component, inputs=inputs, outputs=outputs)
    diagram = _diagram(component, output)
    if as_json:
        return show_json({**found.to_dict(), "diagram": None if diagram is None else str(diagram)})
    say(f"{model}: {found.summary}\n")
    for line in found.equations:
        print(f"    {line}".rstrip())
    say("" if found.equations else "Its description holds no equations.\n")
    if found.state:
        say(
            f"state: {', '.join(found.state)}" + (f"; gates: {', '.join(found.gates)}" if found.gates else "")
        )
        say(f"H = {component.options['hidden_size']} units, I = {inputs} inputs, O = {outputs} outputs\n")
    if found.counts:
        say("It counts a text, and has no weights, states or gates: no products, and no diagram.")
        return _point_to(model, "char-shakespeare")
    show_table(
        ("weights", "shape", "in letters", "count"),
        [
            (weight.name, " x ".join(map(str, weight.shape)), weight.letters, f"{weight.count:,}")
            for weight in found.weights
        ],
    )
    weights = sum(weight.count for weight in found.weights)
    learning = "" if weights == found.parameters else f", of which {found.parameters:,} learn"
    say(f"\n{weights:,} weights in all{learning}")
    for kind, count in found.multiply_adds.items():
        reading = "symbols (looked up)" if kind == "tokens" else "features"
        say(f"{count:,} multiply-adds a step in matrix products, reading {reading}")
    if not found.multiply_adds:
        say("It is more than recurrent cells, or none: what a step costs is not counted.")
    rows = described(options_model(load("model", component.name)), "model")
    if rows:
        print()
        show_table(
            ("setting", "by default", "what it is"),
            [(one.key, word(one.default), one.sentence) for one in rows],
        )
    say(f"\ndiagram: {diagram}" if diagram else "\nno diagram is known of what happens inside its step")
    return _point_to(model, _experiment_with(component.name))


def _experiment_with(model: str) -> str:
    """Return a shipped experiment whose task suits a model."""
    from seqlab.registry import load
    from seqlab.settings import experiment_names, read_experiment

    cls = load("model", model)
    if not getattr(cls, "needs_context", False):
        return "temporal-order" if "tokens" in cls.reads else "row-digits"
    if "tokens(time)" in cls.takes:
        return "dates"
    own = (
        name
        for name in experiment_names()
        if read_experiment(name).data.get("model", {}).get("name") == model
    )
    return next(own, "dates")


def _point_to(model: str, experiment: str) -> None:
    tell(f"Next: seqlab train {experiment} --model {model}")


def _diagram(component: Component, output: Path | None) -> Path | None:
    """Draw the cell and return the path of the SVG; None for a model whose inside is not known."""
    from seqlab.errors import UsageError
    from seqlab.figures.diagram import cell_diagram
    from seqlab.figures.style import save
    from seqlab.models import Cell
    from seqlab.registry import load
    from seqlab.runs.store import REPORTS, runs_dir, short_model

    cls = load("model", component.name)
    name = short_model(component.name)
    figure = cell_diagram(cls, component.options, name) if issubclass(cls, Cell) else None
    if figure is None:
        return None
    folder = runs_dir() / REPORTS / "diagrams" if output is None else output
    try:
        return save(figure, folder / name)[1]
    except OSError as error:
        raise UsageError(f"Cannot write pictures to {folder}: {error.strerror}.") from None
