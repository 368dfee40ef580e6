"""Tasks: one file each. :func:`build_task` makes one from its settings."""

from seqlab.registry import load
from seqlab.settings import Component
from seqlab.tasks._base import Data, Sample, Task
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import Answers, Metric, Trial

__all__ = ["Answers", "Data", "Guess", "Metric", "Sample", "Task", "Trial", "build_task"]


def build_task(component: Component) -> Task:
    """Build a task from its checked settings."""
    task: Task = load("task", component.name)(**component.options)
    return task
