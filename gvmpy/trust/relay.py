"""Where a checksum database is reached: through a module proxy that relays it, or directly.

The rules: https://golang.org/design/25530-sumdb#proxying-a-checksum-database, and
cmd/go/internal/modfetch/sumdb.go, initBase.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from gvmpy.errors import NetworkError
from gvmpy.goenv.goproxy import DIRECT, OFF
from gvmpy.net import redact
from gvmpy.trust.sumdb import Database, MissingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gvmpy.goenv.goproxy import ProxyEntry
    from gvmpy.trust.sumdb import Fetch, SumdbSettings

Get = Callable[[str, int], tuple[int, bytes]]
"""Gets a whole http(s) or file URL of at most so many bytes: status and body.

Raises NetworkError for no answer.
"""

_HTTP_OK = 200
_NOT_FOUND = frozenset({404, 410})
_REFUSED = _NOT_FOUND | {403}
"""Caching proxies say 403, too, for what they do not hold."""

_SUPPORTED_LIMIT = 64 << 10
"""Bytes; the status says all, the body nothing."""


def choose_base(proxies: Sequence[ProxyEntry], settings: SumdbSettings, get: Get) -> str:
    """Return the URL below which the database answers, without a trailing slash.

    An explicit URL wins. Else the first proxy that says it relays the database is the only way to it, never
    passed over afterwards; one that answers 404 or 410, or any failure before `|`, hands on to the next.
    `direct`, `off` and the end of the list mean the database itself. Raises NetworkError for other answers.
    """
    if settings.url is not None:
        return settings.url
    name = settings.verifier.name
    for proxy in proxies:
        if proxy.base in {DIRECT, OFF}:
            break
        base = f"{proxy.base.rstrip('/')}/sumdb/{name}"
        try:
            if _is_supported(base, get):
                return base
        except NetworkError:
            if not proxy.any_failure:
                raise
    return f"https://{name}"


def open_database(
    settings: SumdbSettings,
    proxies: Sequence[ProxyEntry],
    get: Get,
    *,
    cache_dir: Path | None,
    state_dir: Path,
    go_state: Path | None = None,
    offline: bool = False,
) -> Database:
    """Return the database that `settings` name, reached as `choose_base` says.

    That is looked into once something has to be asked, and not at all when the cache holds the whole proof.
    """

    def is_isolated() -> bool:
        return offline or (bool(known) and known[0].startswith("file:"))

    lock, known = threading.Lock(), list[str]()

    def fetch(path: str, limit: int) -> bytes:
        with lock:
            if not known:
                known.append(choose_base(proxies, settings, get))
        return fetcher(known[0], get)(path, limit)

    return Database(
        settings.verifier,
        fetch,
        cache_dir=cache_dir,
        state_dir=state_dir,
        go_state=go_state,
        is_isolated=is_isolated,
    )


def fetcher(base: str, get: Get) -> Fetch:
    """Return how Database reads what stands below `base`."""

    def fetch(path: str, limit: int) -> bytes:
        url = base + path
        status, body = get(url, limit)
        if status in _REFUSED:
            raise MissingError(f"{redact(url)} answered {status}")
        if status != _HTTP_OK:
            raise NetworkError(f"{redact(url)} answered {status}")
        if len(body) > limit:
            raise NetworkError(f"{redact(url)} answered more than {limit} bytes")
        return body

    return fetch


def _is_supported(base: str, get: Get) -> bool:
    url = f"{base}/supported"
    status, _ = get(url, _SUPPORTED_LIMIT)
    if status == _HTTP_OK or status in _NOT_FOUND:
        return status == _HTTP_OK
    raise NetworkError(
        f"{redact(url)} answered {status}: nobody can tell whether this proxy relays the checksum database",
        hint="name the database's own address behind its name in GOSUMDB, or another GOPROXY",
    )
