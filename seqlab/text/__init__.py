"""Texts: where they lie, how they are read, and how they become numbers."""

from seqlab.text.corpora import Corpus, load_corpus
from seqlab.text.encoded import EncodedText, Reading, encode_corpus
from seqlab.text.vocabulary import Vocabulary

__all__ = ["Corpus", "EncodedText", "Reading", "Vocabulary", "encode_corpus", "load_corpus"]
