"""`seqlab bench`: how the cost of a training step grows on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table, tell
from seqlab.cli.pictures import Album, Formats, Title
from seqlab.files import to_json

if TYPE_CHECKING:
    from seqlab.analysis.growth import Growth
    from seqlab.settings import Component

_LIMITS = (30.0, 540.0)
"""Seconds for a point and for all; the last point begun may take its own seconds more."""
_QUICK = (2.0, 35.0)


def bench(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Models made of cells [default: rnn lstm gru mingru minlstm].",
            autocompletion=options.complete_model,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer sizes, in less than a minute.")] = False,
    time: Annotated[str | None, typer.Option(help="Lengths, such as 10,100,1000.")] = None,
    hidden: Annotated[str | None, typer.Option(help="Numbers of units.")] = None,
    batch: Annotated[str | None, typer.Option(help="Batch sizes.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Numbers of seeds, for the fused engine.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder instead of one among the reports.", callback=options.writable_folder),
    ] = None,
    title: Title = None,
    formats: Formats = None,
    quiet: options.Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """Measure how the time of a training step grows on this machine, at most ten minutes.

    Where sizes are given, only what they are sizes of grows.

    Examples: seqlab bench --quick / seqlab bench lstm mingru --time 100,1000,10000
    """
    from seqlab.analysis.growth import SWEEPS, study
    from seqlab.figures.cost import cost_figure
    from seqlab.runs import create_report, make_runs_dir, replace_file

    given = {"time": time, "hidden": hidden, "batch": batch, "seeds": seeds}
    sweeps = {name: _sizes(name, text) for name, text in given.items() if text is not None} or {
        name: sizes[::2] if quick else sizes for name, sizes in SWEEPS.items()
    }
    components = _components(models)
    if output is None:
        make_runs_dir()

    def announce(line: str) -> None:
        if not quiet:
            tell(line)

    point, everything = _QUICK if quick else _LIMITS
    growth = study(components, sweeps, point_seconds=point, all_seconds=everything, announce=announce)
    folder = create_report("bench") if output is None else output
    paths = Album(folder, formats, title).keep({"bench": cost_figure(growth)})
    replace_file(folder / "bench.json", to_json(growth.to_dict()) + "\n")
    if as_json:
        return show_json({**growth.to_dict(), "figures": paths})
    _say(growth)
    for path in [*paths, str(folder / "bench.json")]:
        print(path)
    return None


def _sizes(name: str, text: str) -> tuple[int, ...]:
    """Read the sizes of an option."""
    from seqlab.errors import UsageError

    words = text.split(",")
    sizes = [int(word) if word.strip().isdecimal() else 0 for word in words]
    if not all(1 <= size <= 65_536 for size in sizes):
        raise UsageError(
            f"--{name} {text!r} are no sizes.",
            hint=f"Write whole numbers from 1 to 65536: --{name} 10,100,1000",
        )
    return tuple(sorted(set(sizes)))


def _components(models: list[str] | None) -> dict[str, Component]:
    """Return the settings of the models by their names."""
    from seqlab.analysis.growth import MODELS
    from seqlab.plugins import admit, is_plugin
    from seqlab.registry import check_options, parse_reference
    from seqlab.settings import Document

    found = {}
    for model in models or MODELS:
        written = parse_reference(model)
        if is_plugin(written.name):
            admit(written.name)
        found[model] = check_options("model", written, Document({}, "On the command line"))
    return found


def _say(growth: Growth) -> None:
    """Print what the machine reaches, a table for each thing that grows, and what was left out."""
    from seqlab.analysis.growth import NO_TIME

    for machine in growth.machines.values():
        speeds = ", ".join(f"{speed / 1e9:.1f}" for speed in machine.bandwidth)
        say(
            f"{machine.threads} thread{'s' * (machine.threads > 1)}: {machine.peak / 1e9:.0f} GFLOP/s in a "
            f"matrix product; {speeds} GB/s copying within 256 KB, 4 MB, 64 MB"
        )
    for sweep, sizes in growth.sweeps.items():
        fixed = ", ".join(f"{name} {size}" for name, size in growth.base.items() if name != sweep)
        rows = [
            [
                *key,
                *(
                    "" if one is None else f"{1e3 * one.seconds:.3g} ({one.seconds / one.floor:.3g}x)"
                    for one in line
                ),
            ]
            for key, line in growth.lines(sweep).items()
        ]
        say(f"\n{sweep} grows; {fixed}")
        show_table(["model", "engine", *(f"{sweep} {size}" for size in sizes)], rows)
    say(
        "\nMilliseconds per training step and seed, median of 7; in brackets how many times the floor, the "
        "greater of FLOPs / peak and bytes / bandwidth.\n"
    )
    for point, why in growth.left_out.items():
        if why != NO_TIME:
            words = ", ".join(f"{name} {getattr(point, name)}" for name in growth.base)
            say(f"left out: {point.model}, {point.engine}, {words}: {why}")
    unmeasured = sum(why == NO_TIME for why in growth.left_out.values())
    if unmeasured:
        say(f"not begun, since the time was used up: {unmeasured} lines of points")
