"""The download index of go.dev or golang.google.cn: digests from the index, bytes from any mirror.

An index at any other host proves no more than that its own files are whole, however good its certificate: it
counts as an origin only where the settings name that host in `official.trusted`, and the receipt says so.

The index is an array of {"version", "stable", "files": [{"filename", "sha256", "size", ...}]}. It holds odd
entries (empty digests, sizes of 0, names that are no versions): what does not parse is not on offer, and a
file is chosen by its exact name, never by the first match of os and arch.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gvmpy.errors import IntegrityError, NetworkError, NoSuchVersionError
from gvmpy.net import redact
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.releases.pages import Pages, host_of
from gvmpy.releases.seen import Seen
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from datetime import datetime

    from gvmpy.config import Config
    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Source

ORIGINS = frozenset({"go.dev", "golang.google.cn"})
"""The hosts of the Go project's own index; both are one server's work."""

_LARGEST_INDEX = 8 << 20
LARGEST_ARCHIVE = 1 << 30
"""Bytes: ten times what an archive has; for one of which no size is known."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HTTP_OK = 200


def open_source(context: Context) -> Source:
    """Return the source as the settings describe it."""
    return _Official(context)


@dataclass(frozen=True, slots=True)
class _Index:
    """Each version: whether it is stable, its files' digests and sizes in bytes; who says so, and when."""

    releases: dict[GoVersion, tuple[bool, dict[str, tuple[str, int]]]]
    host: str
    when: datetime


def archive_bases(config: Config) -> tuple[str, ...]:
    """Return where official archives are: the mirrors, and last the index's own directory, which redirects
    to the bytes.
    """
    return tuple(dict.fromkeys((*config.mirrors, config.official_index.partition("?")[0])))


class _Official:
    name = "official"

    def __init__(self, context: Context) -> None:
        self._config = context.config
        self._home = context.home
        self._journal = context.journal
        self._url = context.config.official_index
        self._pages = Pages(context.network, context.config.cache, context.list_age)

    def releases(self, platform: Platform) -> list[Release]:
        found = self._listed(platform)
        return [*found, *self._gone(found, platform)]

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        name = archive_name(version, platform)
        self._gone(self._listed(platform), platform)
        _, files = self._index.releases.get(version, (False, {}))
        if name not in files:
            raise NoSuchVersionError(f"the index at {redact(self._url)} has no `{name}`")
        digest, size = files[name]
        if not digest:
            raise IntegrityError(f"the index at {redact(self._url)} has no digest for `{name}`")
        addresses = tuple(mirror_address(base, name) for base in archive_bases(self._config))
        trust, vouched = self._trust()
        return Artifact(
            version=version,
            platform=platform,
            source=self.name,
            addresses=addresses,
            signatures=tuple(Address(f"{address.url}.asc") for address in addresses),
            layout="archive",
            digest=Digest("sha256", digest),
            size=size or None,
            limit=size or LARGEST_ARCHIVE,
            trust=trust,
            evidence={"index": redact(self._url), "index_host": self._index.host, **vouched},
        )

    def _listed(self, platform: Platform) -> list[Release]:
        return [
            Release(version, stable=stable)
            for version, (stable, files) in self._index.releases.items()
            if archive_name(version, platform) in files
        ]

    def _gone(self, listed: list[Release], platform: Platform) -> list[Release]:
        """Return what an earlier index had and this one has not, and tell of it."""
        asked = host_of(self._url)
        # The two origins are one: who turns from one to the other must not find an older list there.
        seen = Seen(self._home, "go.dev" if asked in ORIGINS else asked, platform)
        gone, standstill = seen.compare(listed, self._index.when.date())
        where = f"the index at {redact(self._url)}"
        for release in gone:
            name, day = release.version.name, release.last_listed
            self._journal.warn(
                f"{where} is older than one seen before: it lists no {name}, as it did on {day}"
            )
        if standstill:
            self._journal.warn(f"{where} {standstill}; Go is released about monthly, so it may be frozen")
        return gone

    def _trust(self) -> tuple[str, dict[str, str]]:
        """Return what a digest from this index is worth, and who vouches for it if not the Go project.

        Both the host that was asked and the one that answered count: a redirect may lead away from an origin.
        """
        hosts = {host_of(self._url), self._index.host}
        if hosts <= ORIGINS and self._url.startswith("https:"):
            return "origin-sha256", {}
        named = self._config.trusted_indexes
        if all(host in {*ORIGINS, *named} or host.partition(":")[0] in named for host in hosts):
            return "origin-sha256", {"vouched": "official.trusted"}
        return "third-party", {}

    @cached_property
    def _index(self) -> _Index:
        page = self._pages.get(self._url, limit=_LARGEST_INDEX, accept="application/json")
        if page.status != _HTTP_OK:
            raise NetworkError(f"the index at {redact(self._url)} answered {page.status}")
        try:
            document = json.loads(page.body)
        except (ValueError, RecursionError) as error:
            raise NetworkError(f"the index at {redact(self._url)} is not JSON") from error
        if not isinstance(document, list):
            raise NetworkError(f"the index at {redact(self._url)} is not a list of releases")
        self._journal.as_of[self.name] = page.when
        parsed = dict(entry for entry in map(_parse_release, document) if entry is not None)
        return _Index(parsed, page.host, page.when)


def archive_name(version: GoVersion, platform: Platform) -> str:
    """Return the name of the official archive of a version."""
    return f"{version.name}.{platform.archive_suffix}.tar.gz"


def mirror_address(base: str, name: str) -> Address:
    """Return where a mirror, named by its directory, has the file `name`."""
    base = base.rstrip("/")
    return Address(f"{base}/{name}", mirror=f"{base}/")


def _parse_release(entry: Any) -> tuple[GoVersion, tuple[bool, dict[str, tuple[str, int]]]] | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("files"), list):
        return None
    name = entry.get("version")
    try:
        version = GoVersion.parse(name) if isinstance(name, str) else None
    except ValueError:
        return None
    if version is None or version.name != name:
        return None
    files = dict(item for item in map(_parse_file, entry["files"]) if item is not None)
    return version, (entry.get("stable") is True and not version.is_prerelease, files)


def _parse_file(entry: Any) -> tuple[str, tuple[str, int]] | None:
    """Return name, digest (empty when there is none to trust) and size (0 when not told)."""
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        return None
    digest, size = entry.get("sha256"), entry.get("size")
    if not (isinstance(digest, str) and _SHA256.fullmatch(digest)):
        digest = ""
    if not (type(size) is int and 0 < size <= LARGEST_ARCHIVE):
        size = 0
    return entry["filename"], (digest, size)
