"""`seqlab forecast`, and what `seqlab inspect` shows of a model that forecasts series."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import note, say, show_json, show_table, tell
from seqlab.cli.language_model import Json
from seqlab.cli.pictures import point_to
from seqlab.doing import doing
from seqlab.outside import escaped

if TYPE_CHECKING:
    from seqlab.cli.pictures import Album
    from seqlab.runs import Run
    from seqlab.session import Session
    from seqlab.tasks import Forecast


def forecast(
    run: options.NamedRun = "latest",
    data: Annotated[
        str | None,
        typer.Option(
            help="A table of the same columns whose future is wanted; default: the one learned from."
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="How many; default: those forecast at once.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the CSV; default: standard output.")] = None,
    model: options.OwnModel = None,
    task: options.OwnTask = None,
    anyway: options.Anyway = False,
    as_json: Json = False,
) -> None:
    """Forecast what comes after a table's last row, as CSV: time, forecast, and the ends of the interval.

    Beyond what is forecast at once, forecasts are read as if they had come, and there is no interval.

    Examples: seqlab forecast / seqlab forecast latest --steps 48 --out next.csv /
    seqlab forecast sales --data sales-2025.csv --json
    """
    from seqlab.session import reopen_trained
    from seqlab.session.forecasting import next_of

    found = options.the_run(
        run, where=lambda info: bool(info.extra.get("forecasts")), kind="run that forecasts series"
    )
    options.require_writable(out, "--out", [found], *([] if data is None else [data]))
    options.admit_plugins(found, model, task, anyway=anyway)
    session = reopen_trained(found, model, task, anyway=anyway)
    with doing("forecasting"):
        told = next_of(session, steps, data)
    first = told[0]
    if first.lower and len(first.lower) < len(first.values):
        note(f"{len(first.lower)} steps are forecast at once; what is beyond is made of forecasts.")
    if as_json:
        return show_json({"run": found.id, "forecasts": [one.to_dict() for one in told]})
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows(told))
    if out is None:
        print(escaped(written.getvalue()), end="")
        return None
    from seqlab.files import write_output

    write_output(out, written.getvalue())
    several = f" of each of {len(told):,} columns" if len(told) > 1 else f" of {first.name}"
    steps_told = f"{len(first.values):,} step{'' if len(first.values) == 1 else 's'}"
    return tell(f"{steps_told}{several}: {out}")


def rows(told: Sequence[Forecast]) -> Iterator[Sequence[str]]:
    """Yield forecasts as rows of a table, names first; columns that would be empty are left out."""
    several, ends, came = (
        any(one.series for one in told),
        any(one.lower for one in told),
        any(one.came for one in told),
    )
    yield [
        *(["series"] if several else []), told[0].time, "column", "forecast",
        *(["lower", "upper"] if ends else []), *(["came", *told[0].beside] if came else []),
    ]  # fmt: skip
    for one in told:
        for step, (time, value) in enumerate(zip(one.times, one.values, strict=True)):
            interval = [_number(end[step]) if step < len(end) else "" for end in (one.lower, one.upper)]
            known = [_number(values[step]) for values in (one.came, *one.beside.values())] if one.came else []
            yield [
                *([one.series] if several else []), time, one.column, _number(value),
                *(interval if ends else []), *known,
            ]  # fmt: skip


def show_forecasts(run: Run, session: Session, example: int, album: Album, *, as_json: bool) -> None:
    """Show forecasts of the test part beside what came: a table, a picture, a file of numbers.

    Args:
        run: the run.
        session: with its trained model.
        example: which of the test part, counted from 0.
        album: where pictures go.
        as_json: whether all is printed as JSON.
    """
    from seqlab.figures.forecasts import MOST, forecasts_figure
    from seqlab.session.forecasting import since

    with doing("forecasting"):
        told = since(session, example)
    files = album.keep({"forecasts": forecasts_figure(told, run.id)})
    files.append(album.keep_rows("forecasts", rows(told)))
    if as_json:
        return show_json({"run": run.id, "forecasts": [one.to_dict() for one in told], "figures": files})
    names = list(dict.fromkeys(name for one in told for name in one.beside))
    show_table(
        ("of", "from", "to", "mean absolute error", *names),
        [
            (
                one.name, one.times[0], one.times[-1], _error(one, one.values),
                *(_error(one, one.beside[name]) for name in names),
            )
            for one in told
        ],
    )  # fmt: skip
    if len(told) > MOST:
        say(f"The picture shows the first {MOST} of {len(told):,}.")
    return point_to(files, f"seqlab inspect {run.id} --example {example + 1}, or seqlab forecast {run.id}")


def _error(one: Forecast, values: Sequence[float]) -> str:
    errors = [abs(value - wanted) for value, wanted in zip(values, one.came, strict=True)]
    return f"{sum(errors) / len(errors):.5g}"


def _number(value: float) -> str:
    return f"{value:.9g}"
