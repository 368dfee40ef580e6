"""Write six novels as a text: python benchmarks/novels.py > novels.txt

They are those of Jane Austen in the Debian package r-cran-janeaustenr (`sudo apt install r-cran-janeaustenr`, or
`apt download` and `dpkg -x`, and name the file Rdata.rdb as the argument). The file is a chain of pieces, each its
length and what zlib made of R's serialisation of an object; of that only the lines of text are read.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

FILE = Path("/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
TEXT, LONGEST = 9, 400  # the type of a text in R's serialisation (CHARSXP), and bytes of a line, at most


def novels(path: Path = FILE) -> str:
    """Return the novels one behind the other, line by line."""
    books = [list(lines(piece)) for piece in pieces(path.read_bytes())]
    return "\n".join(line for book in books if len(book) > 1000 for line in book) + "\n"


def pieces(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        unpacking = zlib.decompressobj()
        yield unpacking.decompress(data[place + 4 :])  # before it stands how long it will be
        place = len(data) - len(unpacking.unused_data)


def lines(piece: bytes) -> Iterator[str]:
    place = 0
    while place + 8 <= len(piece):
        flags, length = struct.unpack_from(">Ii", piece, place)
        text = flags & 0xFF == TEXT and flags >> 24 == 0 and (flags >> 8) & 0xF == 0
        if text and 0 <= length < LONGEST and place + 8 + length <= len(piece):
            yield piece[place + 8 : place + 8 + length].decode("utf-8", "replace")
            place += 8 + length
        else:
            place += 1


if __name__ == "__main__":
    sys.stdout.write(novels(*map(Path, sys.argv[1:2])))
