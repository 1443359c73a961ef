"""The download index of go.dev or golang.google.cn: digests from the index, bytes from any mirror.

The index is an array of {"version", "stable", "files": [{"filename", "sha256", "size", ...}]}. It holds odd
entries (empty digests, sizes of 0, names that are no versions): what does not parse is not on offer, and a
file is chosen by its exact name, never by the first match of os and arch.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gvmpy.errors import IntegrityError, NetworkError, NoSuchVersionError
from gvmpy.net import redact
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Source

_LARGEST_INDEX = 8 << 20
_LARGEST_ARCHIVE = 1 << 30
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HTTP_OK = 200


def open_source(context: Context) -> Source:
    """Return the source as the settings describe it."""
    return _Official(context)


class _Official:
    name = "official"

    def __init__(self, context: Context) -> None:
        self._network = context.network
        self._url = context.config.official_index
        self._mirrors = context.config.mirrors

    def releases(self, platform: Platform) -> list[Release]:
        return [
            Release(version, stable=stable)
            for version, (stable, files) in self._index.items()
            if _archive_name(version, platform) in files
        ]

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        name = _archive_name(version, platform)
        _, files = self._index.get(version, (False, {}))
        if name not in files:
            raise NoSuchVersionError(f"the index at {redact(self._url)} has no `{name}`")
        digest, size = files[name]
        if not digest:
            raise IntegrityError(f"the index at {redact(self._url)} has no digest for `{name}`")
        addresses = tuple(Address(f"{base.rstrip('/')}/{name}") for base in self._bases())
        return Artifact(
            version=version,
            platform=platform,
            source=self.name,
            addresses=addresses,
            signatures=tuple(Address(f"{address.url}.asc") for address in addresses),
            layout="archive",
            digest=Digest("sha256", digest),
            size=size or None,
            limit=size or _LARGEST_ARCHIVE,
            trust="origin-sha256",
            evidence={"index": redact(self._url)},
        )

    def _bases(self) -> tuple[str, ...]:
        """Return the mirrors, and last the index's own directory, which redirects to the bytes."""
        own = self._url.partition("?")[0]
        return (*self._mirrors, *(() if own in self._mirrors else (own,)))

    @cached_property
    def _index(self) -> dict[GoVersion, tuple[bool, dict[str, tuple[str, int]]]]:
        """Map each version to whether it is stable, and its file names to digest and size in bytes."""
        answer = self._network.get(self._url, limit=_LARGEST_INDEX, accept="application/json")
        if answer.status != _HTTP_OK:
            raise NetworkError(f"the index at {redact(self._url)} answered {answer.status}")
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise NetworkError(f"the index at {redact(self._url)} is not JSON") from error
        if not isinstance(document, list):
            raise NetworkError(f"the index at {redact(self._url)} is not a list of releases")
        return dict(entry for entry in map(_parse_release, document) if entry is not None)


def _archive_name(version: GoVersion, platform: Platform) -> str:
    return f"{version.name}.{platform.archive_suffix}.tar.gz"


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
    if not (type(size) is int and 0 < size <= _LARGEST_ARCHIVE):
        size = 0
    return entry["filename"], (digest, size)
