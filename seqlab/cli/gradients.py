"""What `seqlab train vanishing-gradient` shows: the gradient through time, as a table and a picture."""

from __future__ import annotations

import json

from seqlab.cli.console import show_json, show_table, stderr
from seqlab.settings import GradientExperiment


def run_gradients(settings: GradientExperiment, *, quiet: bool, as_json: bool) -> None:
    """Measure, keep the numbers and the picture in a folder of the reports, and show them."""
    from seqlab.analysis.gradients import measure, rows
    from seqlab.figures.gradients import gradient_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, replace_file

    console = stderr()
    report = measure(
        settings,
        None if quiet else lambda name: console.print(f"measuring {name}", soft_wrap=True, markup=False),
    )
    folder = create_report(settings.experiment)
    replace_file(folder / "gradients.json", json.dumps(report.to_dict(), allow_nan=False) + "\n")
    pictures = save(gradient_figure(report), folder / "gradients")
    if as_json:
        return show_json({**report.to_dict(), "figures": [str(path) for path in pictures]})
    table = rows(report)
    show_table(
        list(table[0]),
        [[value if isinstance(value, str) else f"{value:.3g}" for value in row.values()] for row in table],
    )
    held = all(model.within_bounds for model in report.models)
    print(
        f"\nSpectral norm of d s(T) / d s(T - lag), geometric mean over seeds 1 to {settings.seeds}; "
        f"the bounds from the singular values {'hold' if held else 'ARE BROKEN'} at every lag.\n"
    )
    print(pictures[0])
    console.print(
        "Next: the same with --preset strong-input, or 'models=[rnn, \"lstm[chrono=100]\"]'",
        markup=False,
    )
    return None
