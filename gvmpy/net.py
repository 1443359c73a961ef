"""The one HTTP client: https or loopback only, the system's certificates, proxies as Go reads them."""

from __future__ import annotations

import contextlib
import random
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import unquote, urlsplit

import httpx

from gvmpy import __version__
from gvmpy.errors import NetworkError
from gvmpy.proxies import ProxyRules, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_REDIRECTS = 10
OFFLINE_HINT = "unset GVMPY_OFFLINE"
_NO_ADDRESS = "an address that is none"
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_ATTEMPTS = 4
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be another in a moment."""

_LASTING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
"""No such host, refused, filtered, untrusted certificate: asking again at once will not help."""

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds: for each read or write, and for making a connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole small answer. `url` is who gave it in the end, after all redirects; `headers` in lower case."""

    status: int
    body: bytes
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Authorizer(Protocol):
    """Who knows what credentials go with a request."""

    def authorization(self, url: str) -> str | None:
        """Return the value of the Authorization header for `url`, or None for none."""
        ...

    def advice(self) -> str | None:
        """Return what kept credentials from being found, as a hint, or None."""
        ...


class TransientError(NetworkError):
    """A failure that may pass: the same request is worth another try."""


class SilentError(TransientError):
    """Nothing came for as long as we were ready to wait."""


class Network:
    """A pool of connections; safe to share between threads, closed by leaving its `with` block."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        offline: bool = False,
        authorizer: Authorizer | None = None,
        timeout: float | None = None,
    ) -> None:
        """`timeout`: seconds for making a connection and for each read, in place of the usual patience."""
        self._offline = offline
        self._timeout = httpx.Timeout(timeout) if timeout is not None else _TIMEOUT
        self._environ = environ
        self._authorizer = authorizer
        self._client_or_none: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client_or_none is not None:
            self._client_or_none.close()

    def get(
        self, url: str, *, limit: int, accept: str = "*/*", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to GET `url`, whatever its status, after bounded retries of passing failures.

        A `file://` URL is read from disk, a missing file answering 404. Raises
        NetworkError when nothing could be had, or the body is longer than `limit` bytes.
        """
        if url.startswith("file:"):
            return _read_file(file_path(url), limit)
        for attempt in attempts():
            with attempt, self.stream(url, {"Accept": accept, **(headers or {})}) as response:
                if response.status_code in PASSING:
                    raise TransientError(f"{redact(url)} answered {response.status_code}")
                body = bytearray()
                with translated(url):
                    for chunk in response.iter_raw():
                        body += chunk
                        if len(body) > limit:
                            raise NetworkError(f"{redact(url)} answered more than {limit} bytes")
                told = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, bytes(body), str(response.url), told)
        raise AssertionError("attempts() ends by raising")  # pragma: no cover

    @contextlib.contextmanager
    def stream(
        self, url: str, headers: Mapping[str, str], *, patience: float | None = None
    ) -> Iterator[httpx.Response]:
        """Open GET `url` and follow its redirects; the body is read by the caller, raw, as it was sent.

        User and password in the URL, or else what the authorizer has, go to this host and no other.
        `patience` is how many seconds the other end may keep silent, in place of the usual ones. Raises
        NetworkError for an address that may not be asked, and TransientError for a passing failure.
        """
        if self._offline:
            raise NetworkError(f"offline: {redact(url)} was not asked", hint=OFFLINE_HINT)
        with translated(url):
            request = self._client.build_request(
                "GET",
                url,
                headers={"Accept-Encoding": "identity", **headers},
                timeout=self._timeout if patience is None else httpx.Timeout(patience),
            )
        if self._authorizer is not None and request.url.scheme == "https":
            authorization = self._authorizer.authorization(str(request.url))
            # User and password in the URL win over it; httpx takes either away where a redirect leads to
            # another origin.
            if authorization is not None:
                request.headers["Authorization"] = authorization
        for _ in range(_MOST_REDIRECTS):
            _refuse_plain(request.url)
            with translated(str(request.url)):
                response = self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    yield response
                    return
                if request.url.scheme == "https" and response.next_request.url.scheme != "https":
                    target = redact(str(response.next_request.url))
                    raise NetworkError(
                        f"{redact(str(request.url))} redirects to {target}, which is not https"
                    )
                request = response.next_request
            finally:
                response.close()
        raise NetworkError(f"{redact(url)} redirects more than {_MOST_REDIRECTS} times")

    def advice(self) -> str | None:
        """Return what kept credentials from being sent, as a hint, or None when nothing did."""
        return self._authorizer.advice() if self._authorizer else None

    @property
    def _client(self) -> httpx.Client:
        if self._client_or_none is None:
            self._client_or_none = httpx.Client(
                transport=_Transport(ProxyRules.from_environment(self._environ)),
                trust_env=False,
                timeout=self._timeout,
                headers={"User-Agent": f"gvmpy/{__version__}"},
            )
        return self._client_or_none


class _Transport(httpx.BaseTransport):
    """Chooses the proxy for each request by Go's rules, which httpx's own reading differs from."""

    def __init__(self, rules: ProxyRules) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._by_route: dict[tuple[str, str | None], httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        proxy = self._rules.proxy_for(request.url.scheme, request.url.host, request.url.port)
        return self._transport(request.url.scheme, proxy).handle_request(request)

    def close(self) -> None:
        for transport in self._by_route.values():
            transport.close()

    def _transport(self, scheme: str, proxy: str | None) -> httpx.HTTPTransport:
        """Return the pool of connections for a route.

        Reading the system's certificates takes 40 ms, which plain http on loopback need not pay: it gets a
        context that trusts nobody.
        """
        with self._lock:
            if (scheme, proxy) not in self._by_route:
                plain = scheme == "http" and not (proxy or "").startswith("https:")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else ssl.create_default_context()
                transport = httpx.HTTPTransport(verify=context, proxy=proxy, trust_env=False)
                self._by_route[scheme, proxy] = transport
            return self._by_route[scheme, proxy]


def attempts() -> Iterator[contextlib.AbstractContextManager[None]]:
    """Yield a context for each try; it swallows a TransientError, pauses with jitter, and lets the last out.

    `for attempt in attempts(): with attempt: return work()`
    """
    for number in range(1, _ATTEMPTS + 1):
        yield _attempt(last=number == _ATTEMPTS, pause=min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**number))


@contextlib.contextmanager
def _attempt(*, last: bool, pause: float) -> Iterator[None]:
    try:
        yield
    except TransientError:
        if last:
            raise
        time.sleep(random.uniform(pause / 4, pause))  # noqa: S311 - spreads retries, guards nothing


@contextlib.contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn httpx's exceptions into ours, telling failures that may pass from those that will not."""
    try:
        yield
    except httpx.TransportError as error:
        text = f"{redact(url)}: {_reason(error)}"
        if isinstance(error, _LASTING):
            raise NetworkError(text) from error
        if isinstance(error, httpx.TimeoutException):
            raise SilentError(text) from error
        raise TransientError(text) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise NetworkError(f"{redact(url)} cannot be used") from error
    except httpx.StreamError as error:
        raise NetworkError(f"{redact(url)}: {_reason(error)}") from error


def file_path(url: str) -> str:
    """Return the path that a `file://` URL names. Raises NetworkError for one that names none."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError as error:
        raise NetworkError(f"{redact(url)} is no address") from error
    if "\0" in path:
        raise NetworkError(f"{redact(url)} names no file")
    return path


def redact(url: str) -> str:
    """Return `url` as it may be shown and kept: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return _NO_ADDRESS
    if not parts.netloc and parts.scheme != "file":
        return _NO_ADDRESS
    host = parts.netloc.rpartition("@")[2]
    # Without its slashes an address is all path, user and password included.
    path = parts.path if host or parts.path.startswith("/") or "@" not in parts.path else "…"
    return f"{parts.scheme}://{host}{path}" + ("?…" if parts.query else "")


def _reason(error: Exception) -> str:
    text = str(error).partition("\n")[0]
    return _ERRNO.sub("", text) or type(error).__name__


def _refuse_plain(url: httpx.URL) -> None:
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host)):
        if url.scheme == "http" and url.userinfo:
            raise NetworkError(f"refusing to pass credentials to insecure address {redact(str(url))}")
        return
    raise NetworkError(f"{redact(str(url))} is not https")


def _read_file(path: str, limit: int) -> Answer:
    try:
        with open(path, "rb") as stream:
            body = stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Answer(404, b"")
    except OSError as error:
        raise NetworkError(f"cannot read `{path}`: {error.strerror}") from error
    if len(body) > limit:
        raise NetworkError(f"`{path}` has more than {limit} bytes")
    return Answer(200, body)
