"""The training loop, optimisers, evaluation and checkpoints."""

from seqlab.training.evaluation import evaluate
from seqlab.training.loop import Learner, Step, Validation, fit, new_learner

__all__ = ["Learner", "Step", "Validation", "evaluate", "fit", "new_learner"]
