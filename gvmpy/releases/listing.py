"""The directory pages of mirrors, as nginx (autoindex and fancyindex) and Apache write them.

They tell which archives a mirror has, and nothing else: no name on such a page, and no file beside it, is
ever the source of a digest. A page may be anything at all; it is read piece by piece within bounds of size
and time.
"""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote

from gvmpy.errors import NetworkError, NoSuchVersionError
from gvmpy.net import redact
from gvmpy.releases.model import Release
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from gvmpy.net import Network
    from gvmpy.platform import Platform

_LARGEST_PAGE = 8 << 20
_PIECE = 8 << 10
_LONGEST_TAG = 16 << 10
_LONGEST_NAME = 300
_PATIENCE = 20.0
"""Seconds of reading: the page of a whole mirror, 30,000 names, takes a quarter of one."""

_OK = 200
_ARCHIVE = re.compile(r"(go[0-9a-z.]{1,40})\.([a-z0-9]{1,20}-[a-z0-9]{1,20})\.tar\.gz")


def mirror_releases(network: Network, base: str, platform: Platform) -> list[Release]:
    """Return the releases whose archives for `platform` the mirror at the directory `base` shows.

    Raises NetworkError when there is no such page, NoSuchVersionError when it shows none.
    """
    url = f"{base.rstrip('/')}/"
    answer = network.get(url, limit=_LARGEST_PAGE, accept="text/html")
    if answer.status != _OK:
        raise NetworkError(f"{redact(url)} answered {answer.status}")
    if not answer.headers.get("content-type", "").startswith("text/html"):
        raise NetworkError(f"{redact(url)} is no directory page")
    try:
        names = read_names(answer.body)
    except ValueError as error:
        raise NetworkError(f"{redact(url)} is no directory page: {error}") from error
    versions = {version for name in names if (version := _offered(name, platform)) is not None}
    if not versions:
        raise NoSuchVersionError(f"{redact(url)} lists no Go for {platform}")
    return [Release(version, stable=not version.is_prerelease) for version in versions]


def read_names(page: bytes) -> set[str]:
    """Return the names of Go archives that links on `page` lead to, in its own directory.

    The text of a link does not count: servers cut long names off. Raises ValueError for what takes too long
    to read, or has a tag without an end.
    """
    reader = _Links()
    text = page.decode("utf-8", errors="replace")
    end = time.monotonic() + _PATIENCE
    for start in range(0, len(text), _PIECE):
        reader.feed(text[start : start + _PIECE])
        # What the parser keeps is what it has not understood yet, and looks at again with every piece.
        if len(reader.rawdata) > _LONGEST_TAG:
            raise ValueError("a tag has no end")
        if time.monotonic() > end:
            raise ValueError("it takes too long to read")
    return reader.names


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            return
        for name, value in attrs:
            if name == "href" and value and len(value) <= _LONGEST_NAME:
                target = unquote(value).removeprefix("./")
                if _ARCHIVE.fullmatch(target):
                    self.names.add(target)


def _offered(name: str, platform: Platform) -> GoVersion | None:
    match = _ARCHIVE.fullmatch(name)
    if match is None or match[2] != platform.archive_suffix:
        return None
    try:
        version = GoVersion.parse(match[1])
    except ValueError:
        return None
    return version if version.name == match[1] and version.is_release else None
