"""What kinds of experiments share that train many runs: the board that shows how they get on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqlab.cli.console import tell

if TYPE_CHECKING:
    from seqlab.comparison.entries import Entry


def train_entries(entries: Sequence[Entry], plugins: Sequence[str], quiet: bool) -> list[Entry]:
    """Train what is not trained yet."""
    from seqlab.cli.live import board
    from seqlab.comparison import server
    from seqlab.comparison.study import study

    server.start()
    with board(entries, quiet) as note_update:
        return study(
            entries,
            command=shlex.join(["seqlab", *sys.argv[1:]]),
            plugins=plugins,
            on_update=note_update,
            announce=tell,
        )


def plugins_of(models: Sequence[str]) -> list[str]:
    """Return the users' own files among models as they were named."""
    from seqlab.plugins import is_plugin
    from seqlab.registry import parse_reference

    return [name for model in models if is_plugin(name := parse_reference(model).name)]
