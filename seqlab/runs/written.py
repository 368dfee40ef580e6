"""What has been appended to a file, so that it can be told later whether that is still there."""

from __future__ import annotations

import zlib


class Written:
    """How much has been written to a file that grows, and a sum by which it is known again.

    >>> written = Written(b"a")
    >>> written.add(b"b")
    >>> written.mark == Written(b"ab").mark
    True
    """

    def __init__(self, content: bytes = b"") -> None:
        self.length, self.sum = len(content), zlib.crc32(content)

    def add(self, more: bytes) -> None:
        """Take note of what was appended."""
        self.length, self.sum = self.length + len(more), zlib.crc32(more, self.sum)

    @property
    def mark(self) -> str:
        """Bytes and their CRC-32, as a word."""
        return f"{self.length}-{self.sum:08x}"
