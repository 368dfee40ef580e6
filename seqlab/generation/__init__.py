"""Text from a trained language model."""

from seqlab.generation.sampling import Sampling
from seqlab.generation.writing import generate, generate_many

__all__ = ["Sampling", "generate", "generate_many"]
