"""What a kit is made of. Each of its files is also where some other program looks for it.

gvmpy.lock                              what is inside, and what it must hash to
index.json                              the same as a download index, of go.dev's shape
go1.22.3.linux-amd64.tar.gz             official archives: with the index, a mirror
golang.org/toolchain/@v/                list, .info, .mod, .zip: a GOPROXY
sumdb/sum.golang.org/                   supported, latest, lookup/, tile/: its checksum database
SHA256SUMS                              every file above, for `sha256sum -c`; written last
.incoming/                              downloads under way; gone when the kit is whole
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError, UsageError
from gvmpy.files import write_atomic
from gvmpy.releases.sources.goproxy import MODULE, module_version
from gvmpy.trust.dirhash import name_fault
from gvmpy.trust.lockfile import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gvmpy.platform import Platform
    from gvmpy.trust.lockfile import LockedArtifact
    from gvmpy.version import GoVersion

FILE_MODE = 0o644
"""A kit holds nothing secret, and is made to be handed on and served."""

SUMS = "SHA256SUMS"
INDEX = "index.json"
INCOMING = ".incoming"
_LINE = re.compile(r"([0-9a-f]{64})  ([^\0\\\n]{1,400})")
_LARGEST_SUMS = 8 << 20
_MOST_SHOWN = 20
_BIG = (".tar.gz", ".zip")


@dataclass(frozen=True, slots=True)
class Kit:
    """Every path of the kit at `path`, which is absolute."""

    path: Path

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.path / FILE

    @property
    def index(self) -> Path:
        """The download index."""
        return self.path / INDEX

    @property
    def sums(self) -> Path:
        """The list of all files: without it the kit is not whole."""
        return self.path / SUMS

    @property
    def incoming(self) -> Path:
        """Where downloads wait until they are proven."""
        return self.path / INCOMING

    @property
    def modules(self) -> Path:
        """Where a GOPROXY has the versions of golang.org/toolchain."""
        return self.path / MODULE / "@v"

    def archive(self, locked: LockedArtifact) -> Path:
        """Return where the official archive is, if it is."""
        return self.path / locked.filename

    def module(self, version: GoVersion, platform: Platform, suffix: str) -> Path:
        """Return where the module's `.info`, `.mod` or `.zip` is, if it is."""
        return self.modules / f"{module_version(version, platform)}{suffix}"

    def database(self, name: str) -> Path:
        """Return where the checksum database called `name` is copied to."""
        return self.path / "sumdb" / name

    def files(self) -> Iterator[str]:
        """Yield the name of every file, with `/`, but for the list itself and what is under way.

        Raises HostError for a directory that cannot be read.
        """

        def fail(error: OSError) -> None:
            raise HostError(f"cannot read `{error.filename}`: {error.strerror}") from error

        for place, directories, names in os.walk(self.path, onerror=fail):
            relative = Path(place).relative_to(self.path)
            if relative == Path():
                directories[:] = [name for name in directories if name != INCOMING]
            inside = [(relative / name).as_posix() for name in names]
            yield from (name for name in inside if name != SUMS)

    def read_sums(self) -> dict[str, str]:
        """Return the SHA-256 of each file by its name, as the list has them. Raises IntegrityError."""
        try:
            with self.sums.open("rb") as stream:
                text = stream.read(_LARGEST_SUMS).decode("utf-8")
        except FileNotFoundError:
            raise IntegrityError(
                f"`{self.path}` is not a whole kit: there is no {SUMS}",
                hint=f"gvmpy bundle create {self.path} VERSION..., which goes on where it was interrupted",
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError(f"cannot read `{self.sums}`: {error}") from error
        found: dict[str, str] = {}
        *lines, rest = text.split("\n")
        for number, line in enumerate(lines, 1):
            match = _LINE.fullmatch(line)
            if match is None or match[2] in found:
                raise IntegrityError(f"`{self.sums}` line {number} is no checksum of a file")
            found[match[2]] = match[1]
        if rest or not found:
            raise IntegrityError(f"`{self.sums}` is empty or was cut short")
        return found

    def require_whole(self) -> None:
        """Raise IntegrityError unless all but the archives themselves, which are proven one by one, is as it
        was written, and UsageError when there is no such directory.
        """
        if not self.path.is_dir():
            raise UsageError(f"there is no kit `{self.path}`")
        faults = self.faults(big=False)
        if faults:
            raise IntegrityError(
                f"`{self.path}` is not as it was made; nothing was installed",
                details=tuple(faults[:_MOST_SHOWN]),
                hint="copy the kit once more, or make it anew with `gvmpy bundle create`",
            )

    def write_sums(self) -> None:
        """Make the list of all files, and with it the kit whole. Raises HostError."""
        sums = {name: sha256_of(self.path / name) for name in sorted(self.files())}
        odd = next((name for name, digest in sums.items() if not digest or name_fault(name)), None)
        if odd is not None:
            raise HostError(f"`{self.path}` has a {odd!a} in it that does not belong into a kit")
        write_atomic(
            self.sums,
            "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode(),
            mode=FILE_MODE,
        )

    def faults(self, *, big: bool) -> list[str]:
        """Return what is not as the list says, a text for each file; archives are read only if `big`.

        Raises IntegrityError for a list that cannot be read.
        """
        sums, there = self.read_sums(), set(self.files())
        faults = [f"{name}: missing" for name in sorted(sums.keys() - there)]
        faults += [f"{name}: not in {SUMS}" for name in sorted(there - sums.keys())]
        for name in sorted(there & sums.keys()):
            path = self.path / name
            if name.endswith(_BIG) and not big:
                if path.is_symlink() or not path.is_file():
                    faults.append(f"{name}: not a regular file")
            elif sha256_of(path) != sums[name]:
                faults.append(f"{name}: changed")
        return faults


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a regular file in hex; "" for anything else. Raises HostError."""
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise HostError(f"cannot read `{path}`: {error.strerror}") from error


def index_of(entries: Iterable[LockedArtifact]) -> bytes:
    """Return the download index that offers the archives of `entries`, newest first, as go.dev has it."""
    releases: dict[GoVersion, list[dict[str, str | int]]] = {}
    for entry in entries:
        releases.setdefault(entry.version, []).append(
            {
                "filename": entry.filename,
                "os": entry.platform.os,
                "arch": entry.platform.archive_suffix.removeprefix(f"{entry.platform.os}-"),
                "version": entry.version.name,
                "sha256": entry.sha256,
                "size": entry.size or 0,
                "kind": "archive",
            }
        )
    document = [
        {"version": version.name, "stable": not version.is_prerelease, "files": files}
        for version, files in sorted(releases.items(), key=lambda item: item[0], reverse=True)
    ]
    return (json.dumps(document, indent=1) + "\n").encode()
