"""A task of a user's own, written into an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from textwrap import dedent

import pytest

Command = Callable[..., CompletedProcess[str]]

HEAD = """
from __future__ import annotations
from collections import Counter
from typing import Annotated
import numpy as np
import torch
from pydantic import Field
from seqlab.contracts import Batch, Signal, Spec, Written, numpy_stream
from seqlab.models import SequenceModel
from seqlab.tasks import Metric, Task, Trial
"""


@pytest.fixture
def own(tmp_path: Path, seqlab_command: Command) -> Callable[..., Command]:
    """Write a task and its settings; return what runs a command in that folder."""

    def write(task: str, settings: str = "") -> Command:
        (tmp_path / "own.py").write_text(f'"""A task of my own."""\n{HEAD}\n{dedent(task)}')
        (tmp_path / "own.yaml").write_text(settings)
        return seqlab_command

    return write
