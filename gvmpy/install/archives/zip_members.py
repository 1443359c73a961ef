"""The workers behind `hash_zip` and `unpack_toolchain_zip`: each inflates a share of a zip's members.

A member is the plain tuple of `zip_directory.Member`; its local header must repeat what the central
directory said.
Kept clear of imports that cost start-up time.
"""

from __future__ import annotations

import os
import struct

from gvmpy.install.archives.inflate import InflateError, crc32, decompressobj
from gvmpy.install.archives.names import refuse
from gvmpy.install.archives.write import TreeWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Member = tuple[str, str, int, int, int, int, int, int, int, int]

STORED, DEFLATED = 0, 8
HAS_DESCRIPTOR = 0x0008
LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_DESCRIPTOR = struct.Struct("<III")
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"  # optional, says APPNOTE 4.3.9.3
_RAW = -15  # window bits for deflate without a header
_READ_SIZE = 1 << 16
_MOST_AT_ONCE = 1 << 20  # bytes inflated in one go, however well they are packed
_EXTRA_HEAD = 4
# Times and owners, in the forms of Info-ZIP and Windows. Others can replace names and sizes, or encrypt.
_HARMLESS_EXTRAS = frozenset({0x5455, 0x7875, 0x5855, 0x000A})


def hash_members(payload: tuple[bytes, str, list[Member]]) -> list[str]:
    """Worker: return the SHA-256, in hexadecimal, of each member's content; nothing is written.

    Takes (path of the zip, its name in messages, members). Raises IntegrityError.
    """
    import hashlib

    path, shown, members = payload
    digests = []
    archive = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    for member in members:
        digest = hashlib.sha256()
        for piece in _content(archive, shown, member):
            digest.update(piece)
        digests.append(digest.hexdigest())
    return digests


def write_members(payload: tuple[bytes, str, list[Member], bytes]) -> list[str]:
    """Worker: write each member below a directory and return the SHA-256 of what was written.

    Takes (path of the zip, its name in messages, members, destination). Raises IntegrityError.
    """
    path, shown, members, destination = payload
    archive = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    writer = TreeWriter(destination)
    return [writer.add_file(member[1], member[2], _content(archive, shown, member)) for member in members]


def extra_fault(extra: bytes) -> str | None:
    """Return what is wrong with a header's extra fields, or None: only times and owners are accepted."""
    while extra:
        kind = int.from_bytes(extra[:2], "little")
        end = _EXTRA_HEAD + int.from_bytes(extra[2:_EXTRA_HEAD], "little")
        if len(extra) < end or kind not in _HARMLESS_EXTRAS:
            return f"has an extra field {kind:#06x}, which is not understood"
        extra = extra[end:]
    return None


def _content(archive: int, shown: str, member: Member) -> Iterator[bytes]:
    """Yield a member's content. Raises IntegrityError, after the last piece at the latest."""
    name, _, _, offset, end, _, method, crc, packed, size = member
    data = os.pread(archive, min(end - offset, _READ_SIZE), offset)
    start = _skip_header(data, shown, member)
    if offset + start + packed > end:
        refuse(shown, "overlaps another member", member=name)
    pieces = _packed_pieces(archive, data, offset, start, packed)
    found_crc = found_size = 0
    for piece in pieces if method == STORED else _inflated(pieces, shown, member):
        found_size += len(piece)
        if found_size > size:
            refuse(shown, "is longer than announced", member=name)
        found_crc = crc32(piece, found_crc)
        yield piece
    if found_size != size:
        refuse(shown, "is shorter than announced", member=name)
    if found_crc != crc:
        refuse(shown, "has a wrong CRC-32", member=name)
    _check_end(archive, shown, member, offset + start + packed)


def _check_end(archive: int, shown: str, member: Member, position: int) -> None:
    """Make sure that up to the next member nothing follows but the descriptor the flags announce."""
    name, _, _, _, end, flags, _, crc, packed, size = member
    rest = os.pread(archive, min(end - position, _DESCRIPTOR.size + len(_DESCRIPTOR_SIGNATURE) + 1), position)
    if flags & HAS_DESCRIPTOR:
        if rest.removeprefix(_DESCRIPTOR_SIGNATURE) != _DESCRIPTOR.pack(crc, packed, size):
            refuse(shown, "is followed by bytes that do not repeat its sizes", member=name)
    elif rest:
        refuse(shown, "is followed by bytes that belong to nothing", member=name)


def _skip_header(data: bytes, shown: str, member: Member) -> int:
    """Return where the content begins in `data`, which begins with the member's local header."""
    name, _, _, _, _, flags, method, crc, packed, size = member
    if len(data) < LOCAL_HEADER.size:
        refuse(shown, "has no header of its own", member=name)
    signature, _, own_flags, own_method, _, _, *sizes, length, extra_length = LOCAL_HEADER.unpack_from(data)
    name_end = LOCAL_HEADER.size + int(length)
    start = name_end + int(extra_length)
    if (
        signature != b"PK\x03\x04"
        or start > len(data)
        or data[LOCAL_HEADER.size : name_end] != name.encode()
        or (own_flags, own_method) != (flags, method)
        or (sizes != [crc, packed, size] and not (flags & HAS_DESCRIPTOR and not any(sizes)))
    ):
        refuse(shown, "has a header that differs from its entry in the directory", member=name)
    fault = extra_fault(data[name_end:start])
    if fault:
        refuse(shown, fault, member=name)
    return start


def _packed_pieces(archive: int, data: bytes, offset: int, start: int, packed: int) -> Iterator[bytes]:
    """Yield a member's packed bytes: first those that were read together with the header."""
    first = data[start : start + packed]
    yield first
    position, rest = offset + start + len(first), packed - len(first)
    while rest:
        piece = os.pread(archive, min(rest, _READ_SIZE), position)
        if not piece:
            return
        yield piece
        position += len(piece)
        rest -= len(piece)


def _inflated(pieces: Iterator[bytes], shown: str, member: Member) -> Iterator[bytes]:
    """Yield what `pieces` inflate to; the deflate stream must end with the last byte of them."""
    name, size = member[0], member[-1]
    stream = decompressobj(_RAW)
    room = min(size + 1, _MOST_AT_ONCE)  # one more than announced, to notice that there is more
    try:
        for piece in pieces:
            packed, data = piece, b""
            while packed or len(data) == room:
                data = stream.decompress(packed, room)
                yield data
                packed = stream.unconsumed_tail
            if stream.eof:
                break
    except InflateError:
        refuse(shown, "is damaged", member=name)
    if not stream.eof or stream.unused_data or next(pieces, b""):
        refuse(shown, "is not packed in as many bytes as announced", member=name)
