"""Texts: where they come from and how they become numbers."""

from seqlab.text.corpora import Corpus, load_corpus
from seqlab.text.vocabulary import Vocabulary

__all__ = ["Corpus", "Vocabulary", "load_corpus"]
