"""The names of what a source lists, kept for shells to complete: they read this file and ask nobody.

CACHE/remote-versions holds one version a line, without the leading `go`, newest first, prereleases too.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.files import make_private, refuse_foreign, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Artifact, Release, Source
    from gvmpy.version import GoVersion

FILE = "remote-versions"


class Remembered:
    """A source whose lists are noted down as they pass."""

    def __init__(self, source: Source, cache: Path) -> None:
        self._source = source
        self._cache = cache
        self.name = source.name

    def releases(self, platform: Platform) -> list[Release]:
        """Return what the source lists, once its names are noted down."""
        found = self._source.releases(platform)
        if offered := [release for release in found if not release.last_listed]:
            remember(self._cache, offered)
        return found

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        """Return what the source says."""
        return self._source.artifact(version, platform)


def remember(cache: Path, releases: list[Release]) -> None:
    """Keep the names of `releases` in `cache`; one that cannot be written, or is not ours, is left alone."""
    versions = sorted({release.version for release in releases}, reverse=True)
    data = "".join(f"{version}\n" for version in versions).encode()
    with contextlib.suppress(OSError, HostError):
        refuse_foreign(cache, "")
        make_private(cache)
        write_atomic(cache / FILE, data)
