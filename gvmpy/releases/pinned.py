"""Bytes from anywhere, digests from a lock file alone: sources that ask nobody what is right.

They stand in for the configured ones under `--locked` and `--sha256`. Addresses come from the settings:
mirrors of the official archives, module proxies; `file://` ones among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError, NoSuchVersionError, UsageError
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.releases.sources import wheel
from gvmpy.releases.sources.goproxy import (
    LARGEST_ZIP,
    MODULE,
    goproxy_setting,
    module_addresses,
    module_version,
)
from gvmpy.releases.sources.official import archive_bases, mirror_address
from gvmpy.trust.lockfile import LockedArtifact, LockFile, archive_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Layout, Source
    from gvmpy.trust.receipt import Receipt
    from gvmpy.version import GoVersion

LARGEST_ARCHIVE = 1 << 30
"""Bytes."""

GIVEN = "--sha256"
"""The origin of a lock that the command line makes."""

TRUST = "pinned"


def pinned_sources(context: Context, lock: LockFile) -> tuple[Source, ...]:
    """Return the configured sources, in their order, with `lock` in the place of what they say.

    Raises UsageError when none of them delivers what a lock can prove.
    """
    kinds: dict[str, Callable[[Context, LockFile], Source]] = {
        "official": _Archives,
        "goproxy": _Modules,
        "wheel": _Wheels,
    }
    chain = tuple(kinds[name](context, lock) for name in context.config.sources if name in kinds)
    if not chain:
        raise UsageError(
            "no source in `sources.order` has files that a lock file can prove",
            hint=f"known: {', '.join(sorted(kinds))}",
        )
    return chain


def given_lock(version: GoVersion, platform: Platform, sha256: str) -> LockFile:
    """Return the lock that `--sha256` stands for."""
    name = archive_name(version, platform)
    return LockFile(GIVEN, (LockedArtifact(version, platform, name, sha256, None, ""),))


def require_locked(lock: LockFile, version: GoVersion, platform: Platform) -> LockedArtifact:
    """Return what `lock` has for `version` on `platform`. Raises IntegrityError when it has not."""
    locked = lock.find(version, platform)
    if locked is None:
        raise IntegrityError(
            f"`{lock.origin}` does not lock {version.name} for {platform}; nothing was installed",
            hint=f"gvmpy lock {version} --platform {platform}",
        )
    return locked


def pinned_artifact(
    lock: LockFile,
    locked: LockedArtifact,
    layout: Layout,
    *,
    source: str,
    addresses: tuple[Address, ...],
) -> Artifact:
    """Return the artifact at `addresses` that is what `locked` says.

    Raises NoSuchVersionError when nothing is locked for that layout.
    """
    is_archive = layout == "archive"
    value = locked.sha256 if is_archive else locked.h1
    if not value:
        what = "SHA-256 of the archive" if is_archive else "h1 of the module zip"
        raise NoSuchVersionError(f"`{lock.origin}` has no {what} of {locked.name}")
    evidence = {"lock": lock.origin, "sha256" if is_archive else "h1": value}
    if not is_archive:
        evidence["module"] = f"{MODULE}@{module_version(locked.version, locked.platform)}"
    size = locked.size if is_archive else None
    return Artifact(
        version=locked.version,
        platform=locked.platform,
        source=source,
        addresses=addresses,
        layout=layout,
        digest=Digest("sha256" if is_archive else "h1", value),
        size=size,
        limit=size or (LARGEST_ARCHIVE if is_archive else LARGEST_ZIP),
        trust=TRUST,
        evidence=evidence,
    )


def agrees(locked: LockedArtifact, receipt: Receipt) -> bool | None:
    """Whether what `receipt` tells of is what is locked; None when they have no kind of digest in common."""
    known: Mapping[str, object] = receipt.evidence
    pairs = []
    if locked.h1 and "h1" in known:
        pairs.append((locked.h1, known["h1"]))
    if locked.sha256 and receipt.url.endswith(f"/{locked.filename}"):
        pairs.append((locked.sha256, receipt.archive_sha256))
    return all(want == have for want, have in pairs) if pairs else None


class _Locked:
    """What both kinds share: the list is the lock's."""

    name = ""

    def __init__(self, context: Context, lock: LockFile) -> None:
        self._context = context
        self._lock = lock

    def releases(self, platform: Platform) -> list[Release]:
        return [
            Release(version, stable=not version.is_prerelease) for version in self._lock.versions(platform)
        ]


class _Archives(_Locked):
    name = "official"

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        locked = require_locked(self._lock, version, platform)
        addresses = tuple(
            mirror_address(base, locked.filename) for base in archive_bases(self._context.config)
        )
        return pinned_artifact(self._lock, locked, "archive", source=self.name, addresses=addresses)


class _Modules(_Locked):
    name = "goproxy"

    def __init__(self, context: Context, lock: LockFile) -> None:
        super().__init__(context, lock)
        self._goproxy = goproxy_setting(context)

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        locked = require_locked(self._lock, version, platform)
        path = f"{module_version(version, platform)}.zip"
        addresses = module_addresses(self._goproxy, path) if locked.h1 else ()
        return pinned_artifact(self._lock, locked, "toolchain-module", source=self.name, addresses=addresses)


class _Wheels(_Locked):
    """Wheels, of which the lock proves the files once they are unpacked: see gvmpy.install.treeproof."""

    name = "wheel"

    def __init__(self, context: Context, lock: LockFile) -> None:
        super().__init__(context, lock)
        self._wheels = wheel.open_source(context)

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        locked = require_locked(self._lock, version, platform)
        if not locked.h1:
            raise NoSuchVersionError(f"`{self._lock.origin}` has no h1 to prove a wheel of {locked.name} by")
        return self._wheels.artifact(version, platform)
