"""The two workers behind `TarUnpacker`: one inflates and parses, the other hashes and writes.

Inflating cannot be split, and each half takes about as long as the other. Between them runs a pipe of frames:
a head, the name, the content; a name that ends in `/` is a directory, an empty one the end. Kept clear of
imports that cost start-up time.
"""

from __future__ import annotations

import os
import struct

from gvmpy.install.archives.inflate import BUFFER_SIZE, Buffer, Inflated, Piped
from gvmpy.install.archives.names import Names, refuse
from gvmpy.install.archives.tar_header import (
    BLOCK,
    DIRECTORY,
    FILE,
    GNU_NAME,
    PAX,
    PAX_GLOBAL,
    HeaderError,
    parse_header,
    parse_pax,
    parse_size,
)
from gvmpy.install.archives.write import TreeWriter, file_mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_PADDING = 1 << 20  # zero bytes after the end mark; tar pads to 10 KiB
_ZERO_BLOCK = bytes(BLOCK)
_BATCH = 1 << 18  # bytes: a quarter of what the pipe holds
_HEAD = struct.Struct("<BHHQ")  # what follows, bytes of the name, mode, bytes of content
_END, _MAKE_DIRECTORY, _MAKE_FILE = range(3)
_MOST_NAME_BYTES = 4096  # less is allowed; so much fits into a head


def parse(payload: tuple[bytes, str, int, int, int]) -> str:
    """Worker: inflate the archive at a path, and pass its members on as frames, their names unchecked.

    Takes (path, archive as named in messages, descriptor to write to, most entries, most bytes) and returns
    the SHA-256 of the packed bytes: of those unpacked, whatever the path led to when they were verified.
    When nobody reads the frames any more it just ends: the reader knows why.
    """
    path, archive, target, most_entries, most_bytes = payload
    with open(path, "rb", buffering=0) as source:
        inflated = Inflated(source.fileno(), archive)
        members = _Members(Buffer(inflated), archive, most_entries, most_bytes)
        frames = _Frames(target)
        try:
            while member := members.next():
                kind, name, size, mode = member
                encoded = name.encode()
                if kind == DIRECTORY:
                    frames.add(_HEAD.pack(_MAKE_DIRECTORY, len(encoded), 0, 0) + encoded)
                    continue
                frames.add(_HEAD.pack(_MAKE_FILE, len(encoded), file_mode(mode), size) + encoded)
                for data in members.content(size):
                    frames.add(data)
            frames.add(_HEAD.pack(_END, 0, 0, 0))
            frames.flush()
        except BrokenPipeError:
            return ""
    return inflated.sha256


def write(payload: tuple[int, str, bytes, str, int]) -> list[tuple[str, str, int]]:
    """Worker: check the names of the frames from a descriptor, and write them below a directory.

    Takes (descriptor, archive as named in messages, destination, prefix, most entries) and returns (name,
    SHA-256 in hexadecimal, mode) for each file.
    """
    source, archive, destination, prefix, most_entries = payload
    names = Names(archive, prefix=prefix, most_entries=most_entries)
    frames = Buffer(Piped(source, archive))
    writer = TreeWriter(destination)
    records: list[tuple[str, str, int]] = []
    while True:
        kind, length, mode, size = _HEAD.unpack(frames.take(_HEAD.size))
        if kind == _END:
            return records
        name = bytes(frames.take(length)).decode()
        if kind == _MAKE_DIRECTORY:
            writer.add_directory(names.add_directory(name))
        else:
            name = names.add_file(name)
            records.append((name, writer.add_file(name, mode, frames.pieces(size)), mode))


class _Members:
    """The members of a tar stream, one after another; the content of each is to be taken before the next."""

    def __init__(self, source: Buffer, archive: str, most_entries: int, most_bytes: int) -> None:
        self._source = source
        self._archive = archive
        self._most_entries = most_entries
        self._rest_headers = 2 * most_entries + 1  # an extended header may stand before each
        self._most_bytes = self._rest_bytes = most_bytes

    def next(self) -> tuple[bytes, str, int, int] | None:
        """Return (FILE or DIRECTORY, name, size, mode), or None after the last. Raises IntegrityError."""
        long_name = b""
        attributes: dict[bytes, bytes] = {}
        try:
            while True:
                block = bytes(self._source.take(BLOCK))
                if block == _ZERO_BLOCK:
                    if long_name or attributes:
                        raise HeaderError("is missing after its extended header", long_name)
                    self._finish()
                    return None
                kind, name, size, mode = parse_header(block)
                self._count_header()
                if kind in {FILE, DIRECTORY}:
                    return self._member(kind, long_name or name, size, mode, attributes)
                if long_name or attributes:
                    raise HeaderError("has two extended headers", name)
                data = bytes(self._source.take(size + -size % BLOCK)[:size])
                if kind == GNU_NAME:
                    long_name = data.removesuffix(b"\0")
                elif kind == PAX:
                    attributes = parse_pax(data)
                elif kind == PAX_GLOBAL and parse_pax(data):
                    raise HeaderError("is a global header that renames or resizes members", name)
        except HeaderError as error:
            refuse(self._archive, error.reason, member=error.name)

    def content(self, size: int) -> Iterator[memoryview]:
        """Yield the content of the member just returned, at least one piece, each valid until the next."""
        padding = -size % BLOCK
        if size + padding <= BUFFER_SIZE:
            yield self._source.take(size + padding)[:size]
            return
        yield from self._source.pieces(size)
        self._source.take(padding)

    def _count_header(self) -> None:
        self._rest_headers -= 1
        if not self._rest_headers:
            refuse(self._archive, f"holds more than {self._most_entries} entries")

    def _member(
        self, kind: bytes, name: bytes, size: int, mode: int, attributes: dict[bytes, bytes]
    ) -> tuple[bytes, str, int, int]:
        name = attributes.get(b"path", name)
        if len(name) > _MOST_NAME_BYTES:
            raise HeaderError("has too long a name", name[:80])
        if b"size" in attributes and parse_size(attributes[b"size"]) != size:
            raise HeaderError("has two different sizes", name)
        if size > self._rest_bytes:
            refuse(self._archive, f"unpacks to more than {self._most_bytes} bytes")
        self._rest_bytes -= size
        try:
            text = name.decode()
        except UnicodeDecodeError:
            raise HeaderError("has a name that is not UTF-8", name) from None
        return kind, text.removesuffix("/") if kind == DIRECTORY else text, size, mode

    def _finish(self) -> None:
        """Read on to the end: one more block of zeros, perhaps padding, and nothing else."""
        rest = BLOCK + _MOST_PADDING
        sound = bytes(self._source.take(BLOCK)) == _ZERO_BLOCK
        for padding in self._source.remainder():
            rest -= len(padding)
            sound = sound and rest >= 0 and not bytes(padding).strip(b"\0")
            if not sound:
                break
        if not sound:
            refuse(self._archive, "has data after its end")


class _Frames:
    """What goes to the writing worker, sent in batches: for each small file by itself, the two would wake
    each other ten thousand times.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._batch = memoryview(bytearray(_BATCH))
        self._filled = 0

    def add(self, data: bytes | memoryview) -> None:
        """Take `data`; it may change afterwards. Raises BrokenPipeError when nobody reads any more."""
        if self._filled + len(data) > _BATCH:
            self.flush()
        if len(data) > _BATCH:
            self._write(memoryview(data))
            return
        end = self._filled + len(data)
        self._batch[self._filled : end] = data
        self._filled = end

    def flush(self) -> None:
        """Send what was taken so far."""
        self._write(self._batch[: self._filled])
        self._filled = 0

    def _write(self, rest: memoryview) -> None:
        while rest:
            rest = rest[os.write(self._target, rest) :]
