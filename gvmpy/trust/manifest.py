"""What a tree consists of: every file's name, content digest and mode, and how two such lists differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError
from gvmpy.trust.dirhash import h1, name_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE = re.compile(r"(?P<digest>[0-9a-f]{64}) (?P<mode>0[0-7]{3}) (?P<name>.+)")
_EXECUTE = 0o111


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One regular file: its path below the root with `/`, its SHA-256 in hexadecimal, its permission bits."""

    name: str
    digest: str
    mode: int

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute the file; the other bits are the umask's affair."""
        return bool(self.mode & _EXECUTE)


@dataclass(frozen=True, slots=True)
class Difference:
    """Names, sorted, in which a tree departs from what it should be; `mode`: only in who may execute it."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    mode: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.added or self.mode)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The regular files of a tree, sorted by name; directories count only through the files in them.

    `others` names what a tree read from disk holds besides, with its kind ("symbolic link", "fifo"): nothing
    that came out of an archive has any.
    """

    records: tuple[FileRecord, ...]
    others: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, records: Iterable[FileRecord], *, others: tuple[tuple[str, str], ...] = ()) -> Manifest:
        """Return the manifest of these records, in whatever order they come."""
        return cls(tuple(sorted(records, key=lambda record: record.name)), others)

    @property
    def h1(self) -> str:
        """The directory hash with every name below `go/`: x/mod's dirhash.HashDir(goroot, "go", Hash1)."""
        return h1((f"go/{record.name}", record.digest) for record in self.records)

    @property
    def count(self) -> int:
        """The number of regular files."""
        return len(self.records)

    def dumps(self) -> str:
        """Return the list as text: a line `sha256 mode name` for each file, the mode in four octal digits."""
        return "".join(f"{record.digest} {record.mode:04o} {record.name}\n" for record in self.records)

    @classmethod
    def loads(cls, text: str) -> Manifest:
        """Read what `dumps` wrote. Raises IntegrityError for anything it would not have written."""
        *lines, rest = text.split("\n")
        if rest or not lines:
            raise IntegrityError("the file list is empty or was cut short")
        records: list[FileRecord] = []
        previous = ""
        for number, line in enumerate(lines, 1):
            match = _LINE.fullmatch(line)
            if match is None or name_fault(match["name"]) or match["name"] <= previous:
                raise IntegrityError(f"line {number} of the file list is malformed")
            previous = match["name"]
            records.append(FileRecord(previous, match["digest"], int(match["mode"], 8)))
        return cls(tuple(records))


def compare(expected: Manifest, actual: Manifest) -> Difference:
    """Return how `actual` departs from `expected`; something irregular in a file's place is a change."""
    before = {record.name: record for record in expected.records}
    after = {record.name: record for record in actual.records}
    strange = {name for name, _ in actual.others}
    both = before.keys() & after.keys()
    changed = {name for name in both if before[name].digest != after[name].digest}
    mode = {name for name in both if before[name].is_executable != after[name].is_executable}
    return Difference(
        changed=tuple(sorted(changed | (before.keys() & strange))),
        missing=tuple(sorted(before.keys() - after.keys() - strange)),
        added=tuple(sorted((after.keys() | strange) - before.keys())),
        mode=tuple(sorted(mode)),
    )
