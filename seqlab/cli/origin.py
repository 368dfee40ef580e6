"""`seqlab train --from`: a run whose weights, model and settings another starts from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from seqlab.cli import options
from seqlab.cli.corpus import READS, name_of

TO_BE_TAKEN = (
    "training.engine=auto",
    "compute.precision=auto",
    "compute.device=auto",
    "compute.threads=null",
)
"""What a run's settings say of the machine on which it was trained."""


def start_from(
    reference: str,
    experiment: str | None,
    config: Path | None,
    model: str | None,
    task: str | None,
    words: Sequence[str],
    freeze: Sequence[str],
    data: tuple[str, str] | None,
) -> tuple[Path, list[str]]:
    """Return the settings file of a run, and the settings that let another start from its weights.

    Args:
        reference: the run.
        experiment: as it was named: a setting, since the run has an experiment.
        config: likewise; none may be given.
        model: the user's own file behind the run's model.
        task: that takes the place of the run's, or the user's own file behind it.
        words: ``key.path=value``.
        freeze: parts of the model that do not learn.
        data: that take the place of the run's, behind the task's option for them; None where they stay. The
            new run has their name, or that of ``task``.

    Raises:
        UsageError: when another experiment is named, or data that the task does not read.
    """
    from seqlab.defaults import component_options
    from seqlab.errors import UsageError
    from seqlab.plugins import is_plugin
    from seqlab.registry import parse_reference
    from seqlab.session import vocabulary_of
    from seqlab.text.reading import DOCUMENT

    if experiment is not None and "=" in experiment:
        words, experiment = [experiment, *words], None
    if experiment is not None or config is not None:
        raise UsageError(
            f"--from takes model and settings of a run; {experiment or config} is another experiment.",
            hint="Leave it out, and set what is to differ: training.steps=500, --text FILE, --task NAME",
        )
    found = options.the_run(reference, where=lambda info: info.status != "running", kind="ended run")
    if model is not None and not is_plugin(model):
        raise UsageError(
            f"--from takes the model of a run; --model {model} is another.", hint="Leave --model out."
        )
    options.admit_plugins(found, model, None, anyway=False)
    own = [*TO_BE_TAKEN, f"origin.run={json.dumps(str(found.path.absolute()))}", "origin.weights=null"]
    if freeze:
        parts = [part.strip() for word in freeze for part in word.split(",") if part.strip()]
        own.append(f"origin.freeze={json.dumps(parts)}")
    vocabulary = vocabulary_of(found)
    name = parse_reference(task).name if task is not None else str(found.settings().get("task.name"))
    known = component_options("task", name)  # none of a task of the user's own
    if data is not None:
        option, file = data
        if known and option not in known:
            raise UsageError(
                f"The task of {found.id}, {name}, reads no {READS[option][0]}.",
                hint="Name one that does: --task NAME (seqlab list tasks), or leave --from out.",
            )
        own.append(f"experiment={json.dumps(name_of(file))}")
    elif task is not None:
        own.append(f"experiment={json.dumps(name_of(name))}")
    # The mark of a document is set by the tasks that have it.
    also = "" if vocabulary is None else vocabulary.as_text().replace(DOCUMENT, "")
    if also and "also" in known:
        own.append(f"task.also={json.dumps(also)}")
    given = {word.partition("=")[0] for word in words}
    return found.config_path, [*(word for word in own if word.partition("=")[0] not in given), *words]
