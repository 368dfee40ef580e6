"""seqlab: a command-line laboratory for recurrent and other sequence models."""

__version__ = "0.1.0"
