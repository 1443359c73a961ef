"""Streams of bytes that workers read: a gzip file inflated, or a pipe, through one buffer of fixed size.

Kept clear of imports that cost start-up time.
"""

from __future__ import annotations

import hashlib
import os

from gvmpy.install.archives.names import refuse

try:
    from isal import isal_zlib as codec
except ImportError:  # no wheel for this machine
    import zlib as codec  # type: ignore[no-redef]

InflateError: type[Exception] = codec.error  # type: ignore[assignment] # isal's stub has an instance
crc32 = codec.crc32
decompressobj = codec.decompressobj

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BUFFER_SIZE = 1 << 20
_GZIP = 31  # window bits that ask for one gzip member, its CRC and length checked
_READ_SIZE = 1 << 16


class Inflated:
    """The content of a gzip file of exactly one member and nothing after it."""

    def __init__(self, source: int, archive: str) -> None:
        self._source = source
        self.archive = archive
        self._stream = decompressobj(_GZIP)
        self._packed = hashlib.sha256()

    def read_into(self, room: memoryview) -> int:
        """Put some bytes into `room`, which is not empty, and return how many; 0 after the last."""
        stream = self._stream
        while not stream.eof:
            packed = stream.unconsumed_tail or self._read()
            try:
                data = stream.decompress(packed, len(room))
            except InflateError:
                refuse(self.archive, "is not a sound gzip file: its content or its checksum is damaged")
            if data:
                room[: len(data)] = data
                return len(data)
            if not packed and not stream.eof:
                refuse(self.archive, "is cut short")
        if stream.unused_data or os.read(self._source, 1):
            refuse(self.archive, "has data after its end")
        return 0

    @property
    def sha256(self) -> str:
        """The digest, in hexadecimal, of the packed bytes read so far: after the last, of the whole file."""
        return self._packed.hexdigest()

    def _read(self) -> bytes:
        data = os.read(self._source, _READ_SIZE)
        self._packed.update(data)
        return data


class Piped:
    """What comes through a pipe from the worker that reads `archive`."""

    def __init__(self, source: int, archive: str) -> None:
        self._source = source
        self.archive = archive

    def read_into(self, room: memoryview) -> int:
        """Put some bytes into `room`, which is not empty, and return how many; 0 after the last."""
        return os.readv(self._source, [room])


class Buffer:
    """A source's bytes in pieces of any size up to BUFFER_SIZE, uncopied, each valid until the next call."""

    def __init__(self, source: Inflated | Piped) -> None:
        self._source = source
        self._view = memoryview(bytearray(BUFFER_SIZE))
        self._start = self._end = 0

    def take(self, size: int) -> memoryview:
        """Return the next `size` bytes. Raises IntegrityError when the source ends before."""
        if self._end - self._start < size:
            self._fill(size)
        start = self._start
        self._start = start + size
        return self._view[start : start + size]

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield the next `size` bytes: one piece when they fit into the buffer, else as they come."""
        if size <= BUFFER_SIZE:
            yield self.take(size)
            return
        while size:
            if self._start == self._end:
                self._fill(1)
            piece = self.take(min(size, self._end - self._start))
            size -= len(piece)
            yield piece

    def remainder(self) -> Iterator[memoryview]:
        """Yield everything that is left."""
        yield self.take(self._end - self._start)
        while size := self._source.read_into(self._view):
            yield self._view[:size]

    def _fill(self, size: int) -> None:
        """Move what is left to the front and read on until there are `size` bytes."""
        rest = self._end - self._start
        if self._start:
            self._view[:rest] = self._view[self._start : self._end]
        self._start, self._end = 0, rest
        while self._end < size:
            count = self._source.read_into(self._view[self._end :])
            if not count:
                refuse(self._source.archive, "is cut short")
            self._end += count
