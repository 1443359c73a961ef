"""Reading tar headers: POSIX ustar and pax, and as much of GNU's form as `tar -c` writes by default.

Format: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar
Format". What would change the meaning of a member and is not understood here is refused.
"""

from __future__ import annotations

from zlib import adler32

BLOCK = 512
FILE, DIRECTORY, PAX, PAX_GLOBAL, GNU_NAME = b"0", b"5", b"x", b"g", b"L"
MOST_EXTENSION = 1 << 16  # bytes of names and attributes beside one member
_MOST_DIGITS = 19  # of the largest signed 64-bit number

_MAGIC_POSIX, _MAGIC_GNU = b"ustar\x0000", b"ustar  \x00"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a fifo",
    b"K": "a link with a long name",
    b"S": "a sparse file",
}
# When, by whom and why: nothing of it is written. A size must repeat what the header itself says.
_HARMLESS = frozenset({b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"comment"})


class HeaderError(ValueError):
    """A header that cannot be accepted; `reason` continues "member ...", `name` is the member, if known."""

    def __init__(self, reason: str, name: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name


def parse_header(block: bytes) -> tuple[bytes, bytes, int, int]:
    """Return (type, name, size in bytes, mode) of a header block of 512 bytes that is not all zeros.

    The type is one of the constants above. Raises HeaderError.
    """
    name = block[:100].partition(b"\0")[0]
    stored = _octal(block[148:156], "checksum", name)
    if _sum(block) - sum(block[148:156]) + 8 * ord(" ") != stored:
        raise HeaderError("has a header whose checksum is wrong", name)
    magic = block[257:265]
    if magic == _MAGIC_POSIX:
        if block[345]:
            name = block[345:500].partition(b"\0")[0] + b"/" + name
    elif magic != _MAGIC_GNU:
        raise HeaderError("has a header of no known tar format", name)
    kind = block[156:157]
    if kind == b"\0":
        kind = FILE
    elif kind not in {FILE, DIRECTORY, PAX, PAX_GLOBAL, GNU_NAME}:
        what = _KINDS.get(kind, f"of unknown type {kind!a}")
        raise HeaderError(f"is {what}, and only files and directories are accepted", name)
    size = _octal(block[124:136], "size", name)
    if size and kind == DIRECTORY:
        raise HeaderError("is a directory with content", name)
    if size > MOST_EXTENSION and kind not in {FILE, DIRECTORY}:
        raise HeaderError("has an oversized extended header", name)
    return kind, name, size, _octal(block[100:108], "mode", name)


def parse_pax(data: bytes) -> dict[bytes, bytes]:
    """Return the pax records that matter: at most `path` and `size`. Raises HeaderError."""
    records: dict[bytes, bytes] = {}
    while data:
        digits, blank, _ = data.partition(b" ")
        if not blank or not digits.isdigit() or digits.startswith(b"0") or len(digits) > _MOST_DIGITS:
            raise HeaderError("has a malformed pax record")
        length = int(digits)
        record, data = data[len(digits) + 1 : length], data[length:]
        key, equals, value = record[:-1].partition(b"=")
        if (
            not equals
            or len(digits) + 1 + len(record) != length
            or not record.endswith(b"\n")
            or key in records
        ):
            raise HeaderError("has a malformed pax record")
        if key not in _HARMLESS and key not in {b"path", b"size"}:
            raise HeaderError(f"has a pax record {key[:40]!a}, which is not understood")
        records[key] = value
    return {key: value for key, value in records.items() if key not in _HARMLESS}


def parse_size(text: bytes) -> int:
    """Return the number a pax `size` record gives. Raises HeaderError."""
    if not text.isdigit() or len(text) > _MOST_DIGITS:
        raise HeaderError("has a malformed pax record")
    return int(text)


def _sum(block: bytes) -> int:
    """Add up the bytes of a block, four times as fast as `sum`.

    The lower half of Adler-32 is one more than the sum modulo 65521, which 256 bytes cannot reach.
    """
    half = BLOCK // 2
    return (adler32(block[:half]) & 0xFFFF) + (adler32(block[half:]) & 0xFFFF) - 2


def _octal(field: bytes, what: str, name: bytes) -> int:
    """Read a number as ustar writes it; GNU's binary form only holds numbers too large for us."""
    digits = field.strip(b" \0")
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:
        pass
    raise HeaderError(f"has a malformed {what} in its header", name)
