"""Runs and comparisons as objects to look at: readable in a console, tables and pictures in Jupyter."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from seqlab.comparison.entries import Entry
from seqlab.comparison.outcome import Comparison
from seqlab.comparison.study import learning_curves
from seqlab.comparison.verdict import verdict
from seqlab.comparison.wording import table
from seqlab.configure import leaves
from seqlab.figures.comparison import pictures, styles_of, title_of
from seqlab.figures.curves import curves
from seqlab.figures.style import USUAL_FORMATS, look, save
from seqlab.plugins import admit
from seqlab.runs import Run, guessed, headline
from seqlab.runs.info import RunInfo, remarks_on_data
from seqlab.runs.own_files import require_unchanged
from seqlab.session import reopen
from seqlab.session.trained import load_best
from seqlab.tasks import build_task

if TYPE_CHECKING:
    from seqlab.models import SequenceModel

MOST_ROWS = 20
"""Of a longer table the first and the last rows are shown."""


class Records(list[dict[str, Any]]):
    """Lines of figures, as ``pandas.DataFrame`` takes them."""

    def _repr_html_(self) -> str:
        columns = list(dict.fromkeys(key for row in self for key in row))
        rows = [[_word(row.get(column, "")) for column in columns] for row in self]
        half = MOST_ROWS // 2
        if len(rows) > MOST_ROWS:
            rows = [*rows[:half], ["..."] * len(columns), *rows[-half:]]
        return _table(rows, columns) + f"<p>{len(self):,} lines</p>"


class Summary(dict[str, Any]):
    """The figures of a run."""

    def _repr_html_(self) -> str:
        return _table((name, _word(value)) for name, value in leaves(self).items())


@dataclass(frozen=True, repr=False)
class Plot:
    """A picture.

    Attributes:
        figure: matplotlib's figure, to be changed at will.
    """

    figure: Figure

    def save(self, path: str | Path, formats: Sequence[str] = USUAL_FORMATS) -> list[Path]:
        """Save it as PNG and as SVG, or in other formats (pdf); ``path`` is without a suffix."""
        return save(self.figure, Path(path), formats)

    def __repr__(self) -> str:
        return "<a picture; .save(path) keeps it, .figure is matplotlib's>"

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        with look():
            self.figure.savefig(buffer, format="png")
        return buffer.getvalue()


class TrainedRun(Run):
    """A run and what came of it; its folder is :attr:`path`."""

    def metrics(self) -> Records:
        """Return what was recorded: a mapping for each line of ``metrics.jsonl``."""
        return Records(super().metrics())

    def summary(self, info: RunInfo | None = None) -> Summary:
        """Return the figures at the end; empty while there are none."""
        return Summary(super().summary(info) or {})

    def plot(self, metric: str | None = None) -> Plot:
        """Draw the learning curves.

        Args:
            metric: which validation figure to draw below the loss; None for the task's own.
        """
        extra = self.info().extra
        figure = curves(
            [(self.id, self.metrics())],
            models=[self.info().model],
            metric=metric or extra.get("metric"),
            metrics=extra.get("metrics") or (),
            loss_unit=extra.get("loss_unit", "nats"),
            guess=guessed(self.info()),
        )
        return Plot(figure)

    def model(self, file: str | None = None, *, anyway: bool = False) -> SequenceModel:
        """Return the trained model with its best weights, ready to be asked.

        Args:
            file: the .py file of the run's model, where it has one; it is run.
            anyway: whether to take it although it has changed since the run was trained.
        """
        if not anyway:
            require_unchanged(self, {"model": file})
        if file is not None:
            admit(file)
        network = reopen(self, file, anyway=anyway).model
        load_best(self, network)
        return network.eval()

    def __repr__(self) -> str:
        return f"<run {self.id}: {', '.join(self._facts().values())}>"

    def _repr_html_(self) -> str:
        return _table([("run", self.id), *self._facts().items(), ("folder", str(self.path))])

    def _facts(self) -> dict[str, str]:
        info, summary = self.info(), self.summary()
        found: dict[str, str] = {"status": info.status}
        if summary.get("solved") is not None:
            after = f"solved after {summary['sequences_to_solve']:,} sequences" if summary["solved"] else ""
            found["solved"] = after or "not solved"
        told = headline(summary, info.extra.get("metric"))
        if told is not None:
            guess = guessed(info)
            bar = guess.figures.get(told[0])
            beside = "" if bar is None else f" ({guess.name} {bar:.3g})"
            found["held out"] = f"{told[0]} {told[1]:.4g}{beside}"
        remarks = remarks_on_data(info)
        return found | ({"note": " ".join(remarks)} if remarks else {})


@dataclass(frozen=True, repr=False)
class Study:
    """What came of a comparison.

    Attributes:
        comparison: all figures, intervals and tests.
        finished: every model on every seed, with its run or the reason why there is none.
        folder: the numbers and pictures; ``seqlab report`` makes a page of it.
        notes: what there is to say about who took part.
    """

    comparison: Comparison
    finished: Sequence[Entry]
    folder: Path
    notes: Sequence[str] = ()

    @property
    def verdict(self) -> str:
        """What a person would say of it."""
        return verdict(self.comparison)

    @property
    def table(self) -> Records:
        """A line of numbers for each model; None where there is none."""
        return Records(self.comparison.rows())

    @property
    def runs(self) -> list[TrainedRun]:
        """The runs, seed by seed."""
        return [TrainedRun(item.run.path) for item in self.finished if item.run is not None]

    def plot(self) -> Plot:
        """Draw the learning curves and, where the task can be solved, the time until it is."""
        metric = build_task(self.finished[0].experiment.task).metric
        found = learning_curves(self.finished, metric.name)
        drawn = pictures(
            self.comparison,
            found,
            f"validation {metric.title}",
            styles=styles_of(self.finished),
            title=title_of(self.finished),
        )
        return Plot(drawn[0].figure)

    def __repr__(self) -> str:
        rows = table(self.comparison)
        lines = ["  ".join(f"{name}: {value}" for name, value in row.items()) for row in rows]
        return "\n".join([*lines, self.verdict, *self._remarks()])

    def _repr_html_(self) -> str:
        rows = table(self.comparison)
        shown = _table((list(row.values()) for row in rows), list(rows[0]))
        said = "".join(f"<p>{escape(text)}</p>" for text in (self.verdict, *self._remarks()))
        picture = base64.b64encode(self.plot()._repr_png_()).decode()
        return f'{shown}{said}<img alt="comparison" src="data:image/png;base64,{picture}">'

    def _remarks(self) -> list[str]:
        failed = [item for item in self.finished if item.failure is not None]
        return [
            *self.notes,
            *(f"Failed: {x.label}, seed {x.experiment.seed}: {x.failure}" for x in failed),
        ]


def _table(rows: Iterable[Sequence[str]], columns: Sequence[str] = ()) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_word(item)}" for key, item in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)
