"""What a task says of the data that it reads, and of the texts that its models write while they train."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from seqlab.errors import TextError
from seqlab.outside import path_of, read_ordinary


@dataclass(frozen=True)
class Sample:
    """What the models of a task write while they train, to be looked at.

    Attributes:
        prime: the text to begin with.
        length: symbols to write.
        temperature: of the softmax; 0 takes the likeliest symbol.
        stop: with which a text ends; empty where it has no end but its length.
    """

    prime: str = "\n"
    length: int = 400
    temperature: float = 0.8
    stop: str = ""


@dataclass(frozen=True)
class Data:
    """What a run records of the data that its task reads from files.

    Attributes:
        name: what they are called.
        source: where they were read from.
        sha256: of what was read; a run is gone on with on no other data.
        stands_in_for: what was asked for and could not be had, or None.
        reason: why it could not be had.
        notes: sentences that whoever trains on it should read.
    """

    name: str
    source: str
    sha256: str
    stands_in_for: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, *files: str | Path) -> Data:
        """Return what is recorded of files, every byte of which counts.

        Raises:
            TextError: when one cannot be read.
        """
        paths, digest = [path_of(file).resolve() for file in files], hashlib.sha256()
        for path in paths:
            try:
                digest.update(hashlib.sha256(read_ordinary(path)).digest())
            except OSError as error:
                raise TextError(f"{path} cannot be read: {error.strerror}.") from None
        return cls(", ".join(path.name for path in paths), ", ".join(map(str, paths)), digest.hexdigest())

    def to_dict(self) -> dict[str, str | int | tuple[str, ...] | None]:
        """Return plain data, for JSON."""
        return asdict(self)
