"""What a release is by now: the newest stable one, the one before, the coming one, or out of support.

The Go project supports a release line until there are two newer ones (go.dev/doc/devel/release).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gvmpy.releases.model import Release
    from gvmpy.version import GoVersion

Line = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The releases that the channels mean, and the oldest release line that is supported; None where nothing
    is known. `unstable` only where a prerelease is newer than all releases.
    """

    stable: GoVersion | None
    oldstable: GoVersion | None
    unstable: GoVersion | None
    oldest_supported: Line | None

    @classmethod
    def of(cls, releases: Iterable[Release], known: Iterable[GoVersion] = ()) -> Lifecycle:
        """Read it off a list. The list may be incomplete: `known` versions tell of newer lines, too."""
        listed = list(releases)
        finished = [release.version for release in listed if release.stable]
        stable = max(finished, default=None)
        before = [version for version in finished if stable and version.minor < stable.minor]
        newest = max((release.version for release in listed), default=None)
        lines = {version.minor for version in (*finished, *known) if not version.is_prerelease}
        return cls(
            stable,
            max(before, default=None),
            newest if newest is not None and newest.is_prerelease else None,
            _oldest_supported(lines),
        )

    def channel(self, version: GoVersion) -> str:
        """Return the name under which `version` can be asked for today, "" for none."""
        names = {self.unstable: "unstable", self.oldstable: "oldstable", self.stable: "stable"}
        return names.get(version, "")

    def is_over(self, version: GoVersion) -> bool:
        """Whether the release line of `version` gets no more fixes."""
        return self.oldest_supported is not None and version.minor < self.oldest_supported


def _oldest_supported(lines: set[Line]) -> Line | None:
    """Return the line before the newest: by its number, as a list need not have it."""
    if not lines:
        return None
    major, minor = max(lines)
    if minor > 0:
        return (major, minor - 1)
    return max((line for line in lines if line[0] < major), default=(major, 0))
