"""Text from a trained language model."""

from seqlab.generation.sampling import Sampling, generate

__all__ = ["Sampling", "generate"]
