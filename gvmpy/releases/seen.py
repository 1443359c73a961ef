"""The newest release of each line that an index has ever listed: an index that is older is not news.

STATE/index/HOST has, in JSON, for each platform and each release line, the newest stable version, the day it
was first listed and the day it was last. An old index is how somebody keeps you on a release with known holes
(a rollback), and so is one that stands still (a freeze).
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from gvmpy import locks
from gvmpy.errors import HostError
from gvmpy.files import make_private, refuse_foreign, write_atomic
from gvmpy.releases.model import Release
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gvmpy.home import Home
    from gvmpy.platform import Platform

_LARGEST = 1 << 18
_LOCK_TIMEOUT = 5.0
"""Seconds: what is not written down now will be next time."""

_SUPPORTED_LINES = 2
_STANDSTILL = timedelta(days=120)
"""A patch release comes about every month (go.dev/doc/devel/release); four without one do not happen."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A version and the days on which it was first and last listed as the newest of its line."""

    version: GoVersion
    first: date
    last: date


Lines = dict[tuple[int, int], Sighting]
Newest = dict[tuple[int, int], GoVersion]


class Seen:
    """What was seen of one index, under its host's name, for one platform."""

    def __init__(self, home: Home, host: str, platform: Platform) -> None:
        name = re.sub(r"[^A-Za-z0-9.-]", "_", host)[:200].lstrip(".") or "file"
        self._home = home
        self._platform = str(platform)
        self.path = home.state / "index" / name

    def compare(self, releases: Iterable[Release], today: date) -> tuple[list[Release], str]:
        """Return the releases that were listed before and are no longer, and half a sentence when the index
        has stood still for too long, else "". Remembers what is new; never forgets what was newer.

        Only the two newest lines count: an index may drop what is out of support.
        """
        known = self._lines(self._read())
        listed = _newest_of_lines(releases)
        merged = _merge(known, listed, today)
        if merged != known:
            self._write(listed, today)
        supported = sorted(known)[-_SUPPORTED_LINES:]
        gone = [
            Release(known[line].version, stable=True, last_listed=known[line].last.isoformat())
            for line in supported
            if line not in listed or listed[line] < known[line].version
        ]
        newest = merged[max(merged)] if merged else None
        if gone or newest is None or today - newest.first < _STANDSTILL:
            return gone, ""
        return gone, f"has listed nothing newer than {newest.version.name} since {newest.first.isoformat()}"

    def newest(self) -> GoVersion | None:
        """Return the newest stable release ever listed, None when nothing was."""
        return max((sighting.version for sighting in self._lines(self._read()).values()), default=None)

    def _read(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as stream:
                document = json.loads(stream.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def _lines(self, document: dict[str, Any]) -> Lines:
        """Read the lines of this platform; what does not parse was never seen."""
        entries = document.get(self._platform)
        lines: Lines = {}
        for entry in entries if isinstance(entries, list) else []:
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                days = [date.fromisoformat(entry[key]) for key in ("first", "last")]
                version = GoVersion.parse(entry["version"])
                if version.is_release and not version.is_prerelease:
                    lines[version.minor] = Sighting(version, *days)
        return lines

    def _write(self, listed: Newest, today: date) -> None:
        """Add to what is on disk now, under a lock. A home that is not there, or read-only, stays so."""
        if not self._home.locks.is_dir():
            return
        lock = self._home.locks / "index.lock"
        with contextlib.suppress(OSError, HostError):
            refuse_foreign(self._home.root, "")
            with locks.hold(lock, timeout=_LOCK_TIMEOUT):
                self._add(listed, today)

    def _add(self, listed: Newest, today: date) -> None:
        document = self._read()
        merged = _merge(self._lines(document), listed, today)
        document[self._platform] = [
            {
                "version": merged[line].version.text,
                "first": merged[line].first.isoformat(),
                "last": merged[line].last.isoformat(),
            }
            for line in sorted(merged)
        ]
        make_private(self.path.parent)
        write_atomic(self.path, (json.dumps(document, indent=1) + "\n").encode())


def _newest_of_lines(releases: Iterable[Release]) -> Newest:
    newest: Newest = {}
    for release in releases:
        line = release.version.minor
        if release.stable and (line not in newest or release.version > newest[line]):
            newest[line] = release.version
    return newest


def _merge(known: Lines, listed: Newest, today: date) -> Lines:
    merged = dict(known)
    for line, version in listed.items():
        before = known.get(line)
        if before is None or version > before.version:
            merged[line] = Sighting(version, today, today)
        elif version == before.version and today > before.last:
            merged[line] = Sighting(version, before.first, today)
    return merged
