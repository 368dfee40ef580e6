"""What `seqlab train cures` shows."""

from __future__ import annotations

import json

from seqlab.cli.console import show_json, show_table, stderr
from seqlab.settings import CuresExperiment


def run_cures(settings: CuresExperiment, *, quiet: bool, as_json: bool) -> None:
    """Measure, keep the numbers and the picture in a folder of the reports, and show them."""
    from seqlab.analysis.cures import measure_cures
    from seqlab.analysis.trained_gradients import Moment, to_csv
    from seqlab.figures.cures import cures_figure
    from seqlab.figures.style import save
    from seqlab.runs import create_report, make_runs_dir, replace_file

    make_runs_dir()
    console = stderr()
    report = measure_cures(
        settings,
        None if quiet else lambda name: console.print(f"measuring {name}", soft_wrap=True, markup=False),
    )
    folder = create_report(settings.experiment)
    replace_file(folder / "cures.json", json.dumps(report.to_dict(), allow_nan=False) + "\n")
    measured = [
        Moment(
            f"input std {row.input_std:g}",
            tuple(model for panel in row.columns.values() for model in panel.models),
        )
        for row in report.rows
    ]
    replace_file(folder / "cures.csv", to_csv(measured, of="model"))
    paths = save(cures_figure(report), folder / "cures")
    if as_json:
        return show_json({**report.to_dict(), "figures": [str(path) for path in paths]})
    show_table(
        ["model", "input std", f"norm at lag {settings.lags}", "rate per step", "forget gates"],
        [
            [
                model.name,
                f"{row.input_std:g}",
                f"{model.spectral.mean[-1]:.2g}",
                f"{model.spectral.rate:.3g}",
                "" if model.path_mean is None else f"{model.path_mean.mean[-1]:.2g}",
            ]
            for row in report.rows
            for panel in row.columns.values()
            for model in panel.models
        ],
    )
    for row in report.rows:
        for clipped in row.clipped:
            norms = ", ".join(f"{norm:.3g}" for norm in clipped.norm)
            print(
                f"{clipped.name}, input std {row.input_std:g}: gradient of the weights {norms} by seed, "
                f"clipped to {settings.clip_norm:g}"
            )
    print(f"\nSpectral norm of d s(T) / d s(T - lag), geometric mean over seeds 1 to {settings.seeds}.\n")
    print(paths[0])
    console.print("Next: seqlab train gradient-and-lag, what it does to learning.", markup=False)
    return None
