"""Texts: where they come from and how they become numbers."""

from seqlab.text.vocabulary import Vocabulary

__all__ = ["Vocabulary"]
