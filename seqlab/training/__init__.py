"""The training loop, optimisers, evaluation, checkpoints, and runs in their folders."""

from seqlab.training.evaluation import evaluate
from seqlab.training.loop import Learner, Step, Validation, fit, new_learner
from seqlab.training.session import Session, begin, load_language_model, open_session, reopen, train

__all__ = [
    "Learner", "Session", "Step", "Validation", "begin", "evaluate", "fit", "load_language_model",
    "new_learner", "open_session", "reopen", "train",
]  # fmt: skip
