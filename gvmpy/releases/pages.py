"""What sources list, kept between runs: asked for again only if it changed, answered from disk when offline.

CACHE/indexes/KEY holds one answer: a line of JSON (who gave it, when it was last confirmed, its validators)
and then the body as it came. KEY is made from the address, which may hold a password and is kept nowhere. An
index holds digests, so a file that anybody else could have written is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gvmpy.errors import HostError
from gvmpy.files import make_private, refuse_foreign, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.net import Network

_DIRECTORY = "indexes"
_LARGEST_HEAD = 4096
_OK, _NOT_MODIFIED = 200, 304
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OTHERS_MAY_WRITE = 0o022
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,200}"')
_DATE = re.compile(r"[A-Za-z0-9 ,:+-]{1,40}")
_LATEST = 1 << 33
"""Seconds since 1970: what is later is no time anybody could have asked at."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: its status, its body, the host that gave it, with a port that is not the usual one, and
    when, in seconds since 1970, it was last said to be the present one.
    """

    status: int
    body: bytes
    host: str
    confirmed: int
    etag: str = ""
    last_modified: str = ""

    @property
    def when(self) -> datetime:
        """The time of the last confirmation."""
        return datetime.fromtimestamp(self.confirmed, UTC)


class Pages:
    """Answers over one Network, kept below one cache. `max_age`: for how many seconds a kept one is the
    answer without anybody being asked; infinity where nobody can be.
    """

    def __init__(self, network: Network, cache: Path, max_age: float) -> None:
        self._network = network
        self._cache = cache
        self._max_age = max_age

    def get(self, url: str, *, limit: int, accept: str = "*/*") -> Page:
        """Return the answer to GET `url`, whatever its status; only a 200 is kept.

        Raises NetworkError when nobody answers, or with more than `limit` bytes.
        """
        lasting = self._cache.is_absolute() and not url.startswith("file:")
        kept = self._load(url, limit) if lasting else None
        now = int(time.time())
        if kept is not None and 0 <= now - kept.confirmed < self._max_age:
            return kept
        page = self._ask(url, limit, accept, kept, now)
        if page is None:  # a "not modified" of something else than what is kept
            page = self._ask(url, limit, accept, None, now)
        assert page is not None  # noqa: S101 - nothing conditional was asked
        if page.status == _OK and lasting:
            self._keep(url, page)
        return page

    def _ask(self, url: str, limit: int, accept: str, kept: Page | None, now: int) -> Page | None:
        headers = {}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        if kept is not None and kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified
        answer = self._network.get(url, limit=limit, accept=accept, headers=headers)
        host = host_of(answer.url or url)
        if answer.status == _NOT_MODIFIED and kept is not None and headers:
            return replace(kept, confirmed=now) if host == kept.host else None
        etag, date = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        return Page(
            answer.status,
            answer.body,
            host,
            now,
            etag if _ETAG.fullmatch(etag) else "",
            date if _DATE.fullmatch(date) else "",
        )

    def _place(self, url: str) -> Path:
        return (
            self._cache / _DIRECTORY / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        )

    def _keep(self, url: str, page: Page) -> None:
        """Keep an answer; a cache that cannot be written, or is not ours, is left alone."""
        head = {"host": page.host, "confirmed": page.confirmed}
        head |= {"etag": page.etag, "last_modified": page.last_modified}
        place = self._place(url)
        with contextlib.suppress(OSError, HostError):
            refuse_foreign(self._cache, "")
            make_private(place.parent)
            write_atomic(place, json.dumps(head).encode() + b"\n" + page.body)

    def _load(self, url: str, limit: int) -> Page | None:
        """Return what is kept of `url`; None for what is malformed, or could be somebody else's."""
        data = _read_own(self._place(url), limit + _LARGEST_HEAD)
        head, newline, body = data.partition(b"\n")
        if not newline or len(head) > _LARGEST_HEAD or len(body) > limit:
            return None
        try:
            told = json.loads(head)
            host, confirmed = told["host"], told["confirmed"]
            etag, date = told["etag"], told["last_modified"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        if not all(isinstance(text, str) for text in (host, etag, date)):
            return None
        if type(confirmed) is not int or not 0 <= confirmed < _LATEST:
            return None
        if (etag and not _ETAG.fullmatch(etag)) or (date and not _DATE.fullmatch(date)):
            return None
        return Page(_OK, body, host, confirmed, etag, date)


def host_of(url: str) -> str:
    """Return the host that an address names, with a port that is not the scheme's own; "" for none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return host if port is None or port == usual else f"{host}:{port}"


def _read_own(path: Path, limit: int) -> bytes:
    """Return what a file of ours holds, or b"" when it, or its directory, could be another user's work."""
    try:
        directory = os.stat(path.parent)
        with open(os.open(path, _OPEN), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or not (_is_ours(status) and _is_ours(directory)):
                return b""
            data = stream.read(limit + 1)
    except OSError:
        return b""
    return data if len(data) <= limit else b""


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE
