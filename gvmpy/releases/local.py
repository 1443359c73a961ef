"""Archives that somebody already has: files named on the command line, or the directories they lie in.

A file says by its name what it is, and by nothing what it is worth: its digest comes from a lock file, from
`--sha256`, or from a signature. The files are the user's own, and are only ever read.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError, NoSuchVersionError, UsageError
from gvmpy.platform import Platform
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.releases.pinned import LARGEST_ARCHIVE, pinned_artifact, require_locked
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gvmpy.releases.model import Layout
    from gvmpy.trust.lockfile import LockFile

SOURCE = "archive"
_ARCHIVE = re.compile(r"(go[0-9a-z.]{1,20})\.([a-z0-9]+-[a-z0-9]+)\.tar\.gz")
_MODULE = re.compile(r"v0\.0\.1-(go[0-9a-z.]{1,20})\.([a-z0-9]+-[a-z0-9]+)\.zip")
_SUFFIXES = (".tar.gz", ".tgz", ".zip")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that by its name is a toolchain; `layout` is which of the two kinds."""

    path: Path
    version: GoVersion
    platform: Platform
    layout: Layout


@dataclass(frozen=True, slots=True)
class Proof:
    """What vouches for a file: the SHA-256 in hex it must have, how much that is worth, and why."""

    sha256: str
    trust: str
    evidence: Mapping[str, str | int]


Prover = Callable[[LocalFile], Proof | None]
"""Finds a proof of a local archive other than a lock file, such as a signature beside it; None for none.

The digest it returns must be of the bytes that it checked: they are hashed again as they are unpacked.
"""


def is_path(word: str) -> bool:
    """Whether a word where a version may stand is a file or a directory: no version has a `/` in it."""
    return "/" in word or word.endswith(_SUFFIXES)


def find_files(paths: Sequence[Path], platform: Platform) -> list[LocalFile]:
    """Return the toolchains for `platform` among `paths`: files, or directories to look into, one level deep.

    A file is what its name says: an archive, `go1.22.3.linux-amd64.tar.gz`, or the zip of a module,
    `v0.0.1-go1.22.3.linux-amd64.zip`. Raises UsageError for a file of another name or platform, and for a
    directory without any.
    """
    found: list[LocalFile] = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in _inside(path) if file.platform == platform]
            if not inside:
                raise UsageError(f"there is no Go archive for {platform} in `{path}`")
            found += inside
        else:
            found.append(_named(path, platform))
    return found


class LocalArchives:
    """The source made of `files`, proven by `lock` or else by the first of `provers` that can.

    With `provers_first` it is the other way round, and a lock that has the file must agree.
    """

    name = SOURCE

    def __init__(
        self,
        files: Sequence[LocalFile],
        lock: LockFile | None,
        provers: Sequence[Prover] = (),
        *,
        provers_first: bool = False,
    ) -> None:
        self._files = files
        self._lock = lock
        self._provers = provers
        self._provers_first = provers_first

    def releases(self, platform: Platform) -> list[Release]:
        """Return the versions there are files of."""
        versions = {file.version for file in self._files if file.platform == platform}
        return [Release(version, stable=not version.is_prerelease) for version in versions]

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        """Return the first file of `version` that can be proven.

        Raises NoSuchVersionError without a file, IntegrityError without a proof.
        """
        files = [file for file in self._files if (file.version, file.platform) == (version, platform)]
        if not files:
            raise NoSuchVersionError(f"no file given is {version.name} for {platform}")
        for file in files:
            _require_regular(file.path)
            artifact = self._proven(file)
            if artifact is not None:
                return artifact
        if self._lock is not None:
            require_locked(self._lock, version, platform)
        raise _unproven(files[0], self._lock)

    def _proven(self, file: LocalFile) -> Artifact | None:
        locked = self._by_lock(file)
        if locked is not None and not self._provers_first:
            return locked
        proven = self._by_prover(file)
        if locked is not None and proven is not None and locked.digest != proven.digest:
            raise IntegrityError(
                f"`{file.path.name}` is signed, and is not what {locked.evidence['lock']} pins",
                details=(f"expected {locked.digest.value}", f"received {proven.digest.value}"),
            )
        return proven or locked

    def _by_lock(self, file: LocalFile) -> Artifact | None:
        locked = self._lock.find(file.version, file.platform) if self._lock is not None else None
        if self._lock is None or locked is None:
            return None
        try:
            return pinned_artifact(
                self._lock, locked, file.layout, source=self.name, addresses=(_address(file.path),)
            )
        except NoSuchVersionError:  # it locks the other kind of file
            return None

    def _by_prover(self, file: LocalFile) -> Artifact | None:
        if file.layout != "archive":
            return None
        proof = next((proof for prover in self._provers if (proof := prover(file)) is not None), None)
        if proof is None:
            return None
        return Artifact(
            version=file.version,
            platform=file.platform,
            source=self.name,
            addresses=(_address(file.path),),
            layout=file.layout,
            digest=Digest("sha256", proof.sha256),
            size=None,
            limit=LARGEST_ARCHIVE,
            trust=proof.trust,
            evidence=proof.evidence,
        )


def _inside(directory: Path) -> Iterator[LocalFile]:
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise HostError(f"cannot read `{directory}`: {error.strerror}") from error
    for name in names:
        file = _parse(directory / name)
        if file is not None and file.path.is_file():
            yield file


def _named(path: Path, platform: Platform) -> LocalFile:
    file = _parse(path)
    if not os.path.lexists(path):
        raise UsageError(f"there is no file `{path}`")
    if file is None:
        raise UsageError(
            f"the name of `{path}` does not say which Go it is",
            hint=f"name it as it was published, such as go1.22.3.{platform.archive_suffix}.tar.gz",
        )
    if file.platform != platform:
        raise UsageError(f"`{path}` is for {file.platform}, and this machine is {platform}")
    return file


def _parse(path: Path) -> LocalFile | None:
    layout: Layout = "archive"
    match = _ARCHIVE.fullmatch(path.name)
    if match is None:
        layout, match = "toolchain-module", _MODULE.fullmatch(path.name)
    if match is None:
        return None
    try:
        version, platform = GoVersion.parse(match[1]), Platform.parse(match[2])
    except ValueError:
        return None
    spelled = platform.archive_suffix if layout == "archive" else str(platform)
    if version.name != match[1] or not version.is_release or spelled != match[2]:
        return None
    return LocalFile(path.absolute(), version, platform, layout)


def _require_regular(path: Path) -> None:
    """A pipe or a device would be read for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"`{path}` is not a regular file")
    except OSError as error:
        raise HostError(f"cannot read `{path}`: {error.strerror}") from error


def _address(path: Path) -> Address:
    return Address(path.as_uri())


def _unproven(file: LocalFile, lock: LockFile | None) -> IntegrityError:
    shown = shlex.quote(_relative(file.path))
    details = []
    if lock is not None:
        details.append(f"`{lock.origin}` knows {file.version.name} only as the other kind of file")
    if file.layout == "toolchain-module":
        hint = f"gvmpy install {shown} --lock FILE, a lock file with the h1 of {file.version.name}"
    else:
        hint = (
            f"gvmpy install {shown} --sha256 HEX, with the digest at https://go.dev/dl/, or --lock FILE,"
            f" or put its signature `{file.path.name}.asc` beside it"
        )
    return IntegrityError(
        f"nothing proves `{file.path.name}`; nothing was installed", details=tuple(details), hint=hint
    )


def _relative(path: Path) -> str:
    """Return how somebody here would write `path`."""
    here = Path.cwd()
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)
