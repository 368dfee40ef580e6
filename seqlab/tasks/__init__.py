"""Tasks: one file each. :func:`build_task` makes one from its settings."""

from seqlab.contracts import Spec
from seqlab.errors import PluginError
from seqlab.own_code import place_of, require_signature
from seqlab.registry import load, source_file
from seqlab.settings import Component
from seqlab.tasks._base import AT_ONCE, Task
from seqlab.tasks._batches import checked, problem_of
from seqlab.tasks._data import Data, Sample
from seqlab.tasks._forecasting import Forecast
from seqlab.tasks._guessing import Guess
from seqlab.tasks._judging import Answers, Metric, Trial
from seqlab.tasks._seeing import Form

__all__ = [
    "AT_ONCE",
    "Answers", "Data", "Forecast", "Form", "Guess", "Metric", "Sample", "Task", "Trial", "build_task",
    "problem_of",
]  # fmt: skip


def build_task(component: Component) -> Task:
    """Build a task from its checked settings; the batches of one that is not seqlab's are checked, too.

    Raises:
        PluginError: when its constructor says nothing of what it gives and asks for.
    """
    cls = load("task", component.name)
    if source_file("task", component.name) is not None:
        task: Task = cls(**component.options)
        return task
    require_signature(cls, **component.options)
    task = checked(cls)(**component.options)
    if not isinstance(getattr(task, "spec", None), Spec):
        raise PluginError(
            f"{place_of(cls.__init__)}: {cls.__name__} sets no `spec`, of what it gives and asks.",
            hint='Its constructor sets it: self.spec = Spec("tokens", 2, "classes", 2, causal=True)',
        )
    return task
