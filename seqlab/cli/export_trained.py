"""`seqlab export --to pytorch` and `--to onnx`: the trained network of a run, in a folder of its own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.cli import options
from seqlab.cli.console import note, show_json, tell

if TYPE_CHECKING:
    from seqlab.runs import Run


def export_trained(run: Run, form: str, output: Path | None, model: str | None, *, as_json: bool) -> None:
    """Write the best weights of a run, with what reads with them, into a folder.

    Args:
        run: that has been trained.
        form: pytorch or onnx.
        output: the folder; None for one in the run's.
        model: the user's own file behind the run's model.
        as_json: whether to print JSON.
    """
    from seqlab.exporting import export_network
    from seqlab.session import load_network, read_experiment, vocabulary_of

    options.admit_plugins(run, model, None, anyway=False)
    network = load_network(run, model)
    extra = run.info().extra
    facts: dict[str, Any] = {
        "run": run.id,
        "model": run.info().model,
        "reads": network.spec.inputs,
        "size": network.spec.input_size,
        "outputs": network.spec.outputs,
        "sample": extra.get("sample"),
        "scales": extra.get("scales") or None,
        **(extra.get("names") or {}),
    }
    done = export_network(
        network,
        form,
        output or run.path / form,
        title=f"{run.info().model}, trained on {run.info().experiment} by seqlab ({run.id})",
        vocabulary=vocabulary_of(run),
        facts=facts,
    )
    if read_experiment(run, model, without_task=True).mixture is not None:
        note("The network alone: the counts that the run's settings mix it with stay here.")
    if network.spec.inputs == "features" and not facts["scales"]:
        note(
            f"It reads {network.spec.input_size} features a step as the task makes them: of a table with "
            "several series, or of changes, they are scaled by what is not in the folder, as are answers."
        )
    if as_json:
        return show_json(
            {
                "run": run.id,
                "format": form,
                "path": str(done.folder),
                "files": list(done.files),
                "difference": done.difference,
            }
        )
    print(done.folder)
    script = "sample.py" if "sample.py" in done.files else "predict.py"
    words = ' --prime "the"' if script == "sample.py" else " --help"
    tell(f"Outputs differ from the run's by {done.difference:.1g} at most.")
    tell(f"Next: python {shlex.quote(str(done.folder / script))}{words}")
    return None
