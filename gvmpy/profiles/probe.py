"""Whether a build could fetch a module: every element of GOPROXY asked for one, and the checksum database.

What Go makes of the answers is in cmd/go/internal/modfetch: proxy.go, TryProxies, and sumdb.go, useSumDB and
initBase.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from gvmpy.errors import GvmpyError, IntegrityError, NetworkError
from gvmpy.goenv.goproxy import DIRECT, OFF, ProxyEntry, parse_goproxy
from gvmpy.net import Answer, redact
from gvmpy.proxies import is_loopback
from gvmpy.trust.note import open_note
from gvmpy.trust.sumdb import lookup_path, parse_gosumdb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gvmpy.net import Network
    from gvmpy.trust.sumdb import SumdbSettings

MODULE = "rsc.io/quote@v1.5.2"
"""What is asked for unless told otherwise: 3 KB, old, public, and held by every proxy that holds anything."""

_LIMIT = 1 << 20
_OK = 200
_NOT_FOUND = frozenset({404, 410})
_WANTS_CREDENTIALS = frozenset({401, 407})
_FORBIDDEN = 403
_NO_GIT = "Go needs `git` for it, which is not on PATH"


class Outcome(Enum):
    """How asking one address ended."""

    SERVED = "served"
    NOT_FOUND = "not-found"
    CREDENTIALS = "credentials"
    FORBIDDEN = "forbidden"
    TLS = "tls"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    NOT_A_PROXY = "not-a-proxy"
    OFF = "off"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class Asked:
    """One address, without user and password, and its answer; `milliseconds` is None where none was asked."""

    address: str
    outcome: Outcome
    reason: str
    status: int | None = None
    milliseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One element of GOPROXY: what it answered, whether Go comes to it, and whether Go goes on behind it.

    `relays` says whether it relays the checksum database: None where that cannot be told, or is not asked.
    """

    asked: Asked
    separator: str
    reached: bool
    goes_on: bool
    relays: bool | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All answers, and what Go would make of them.

    `works` is None where something that counts could not be asked. `database` is None where none is asked.
    """

    module: str
    goproxy: str
    gosumdb: str
    elements: tuple[Element, ...]
    database: Asked | None
    works: bool | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The settings that count here, as Go would have them, and the module to ask for: path and version."""

    goproxy: str
    gosumdb: str
    gonoproxy: str
    gonosumdb: str
    path: str
    version: str


def parse_module(text: str) -> tuple[str, str]:
    """Return path and version of `path@version`. Raises UsageError."""
    path, _, version = text.partition("@")
    lookup_path(path, version)
    return path, version


def probe(wanted: Wanted, network: Network, *, offline: bool) -> Report:
    """Ask everybody; `offline`: nobody but directories. Raises UsageError for what Go itself would refuse."""
    prober = _Prober(wanted, network, offline=offline)
    passed_over = _matches(wanted.gonoproxy, wanted.path)
    proxies = (ProxyEntry(DIRECT, any_failure=False),) if passed_over else parse_goproxy(wanted.goproxy)
    elements = tuple(_follow(proxies, [prober.ask(entry) for entry in proxies]))
    no_database = wanted.gosumdb.strip() == OFF or _matches(wanted.gonosumdb, wanted.path)
    nobody = proxies[0].base == OFF
    database = None if no_database or nobody else prober.ask_database(proxies)
    relays = prober.relays
    elements = tuple(
        replace(element, relays=relays.get(entry.base))
        for element, entry in zip(elements, proxies, strict=True)
    )
    works, verdict = _judge(elements, database)
    return Report(
        f"{wanted.path}@{wanted.version}", wanted.goproxy, wanted.gosumdb, elements, database, works, verdict
    )


def _follow(proxies: Sequence[ProxyEntry], answers: Sequence[Asked]) -> Iterator[Element]:
    """Say how far Go comes: on after 404 or 410, and after any failure before `|`; never behind `off`."""
    reached = True
    for entry, asked in zip(proxies, answers, strict=True):
        last = entry is proxies[-1]
        failed = asked.outcome is not Outcome.SERVED
        # A page that answers 200 to everything is not passed over: Go takes the next one for a go.mod.
        any_failure = entry.any_failure and asked.outcome is not Outcome.NOT_A_PROXY
        goes_on = failed and not last and (asked.outcome is Outcome.NOT_FOUND or any_failure)
        yield Element(asked, "" if last else "|" if entry.any_failure else ",", reached, goes_on)
        reached = reached and goes_on


def _judge(elements: Sequence[Element], database: Asked | None) -> tuple[bool | None, str]:
    *_, final = [element for element in elements if element.reached]
    asked = final.asked
    if asked.outcome is Outcome.NOT_ASKED:
        return None, f"nobody can tell: {asked.address} was not asked: {asked.reason}"
    if asked.outcome is not Outcome.SERVED:
        return False, f"a build that needs a module fails: {asked.address}: {asked.reason}"
    if database is not None and database.outcome is Outcome.NOT_ASKED:
        return None, f"nobody can tell: {database.address} was not asked: {database.reason}"
    if database is not None and database.outcome is not Outcome.SERVED:
        return False, f"a build that needs a new module fails at the checksum database: {database.reason}"
    return True, f"a build works: {asked.address} serves the module"


class _Prober:
    def __init__(self, wanted: Wanted, network: Network, *, offline: bool) -> None:
        self._wanted = wanted
        self._network = network
        self._offline = offline
        self.relays: dict[str, bool] = {}
        escaped = lookup_path(wanted.path, wanted.version).removeprefix("/lookup/")
        self._path, _, self._version = escaped.partition("@")

    def ask(self, entry: ProxyEntry) -> Asked:
        """Return what one element answers to the question for the module's `.info`."""
        if entry.base == OFF:
            return Asked(OFF, Outcome.OFF, "GOPROXY=off forbids downloads: only what is cached can be built")
        if entry.base == DIRECT:
            url = f"https://{self._wanted.path}?go-get=1"
            asked = self._get(url, lambda answer: b"go-import" in answer.body)
            if asked.outcome is Outcome.SERVED and shutil.which("git") is None:
                return replace(asked, address=DIRECT, outcome=Outcome.FAILED, reason=_NO_GIT)
            return replace(asked, address=DIRECT)
        url = f"{entry.base}/{self._path}/@v/{self._version}.info"
        asked = self._get(url, self._is_info)
        return replace(asked, address=redact(entry.base))

    def ask_database(self, proxies: Sequence[ProxyEntry]) -> Asked:
        """Return what the checksum database answers, on the way that Go would take to it."""
        settings = parse_gosumdb(self._wanted.gosumdb)
        if settings.url is not None:
            return self._lookup(settings, settings.url)
        way: str | None = None
        stopped: Asked | None = None
        for entry in proxies:
            if entry.base in {DIRECT, OFF}:
                break
            base = f"{entry.base}/sumdb/{settings.verifier.name}"
            asked = self._get(f"{base}/supported", lambda answer: answer.status == _OK)
            if asked.outcome in {Outcome.SERVED, Outcome.NOT_FOUND}:
                self.relays[entry.base] = asked.outcome is Outcome.SERVED
            if way is not None or stopped is not None:
                continue
            if asked.outcome is Outcome.SERVED:
                way = base
            elif asked.outcome is not Outcome.NOT_FOUND and not entry.any_failure:
                stopped = replace(asked, address=redact(base))
        return stopped or self._lookup(settings, way or f"https://{settings.verifier.name}")

    def _lookup(self, settings: SumdbSettings, base: str) -> Asked:
        def is_signed(answer: Answer) -> bool:
            _, blank, note = answer.body.partition(b"\n\n")
            return bool(blank and open_note(note, settings.verifier))

        asked = self._get(base + lookup_path(self._wanted.path, self._wanted.version), is_signed)
        return replace(asked, address=redact(base))

    def _is_info(self, answer: Answer) -> bool:
        document = json.loads(answer.body)
        return isinstance(document, dict) and document.get("Version") == self._wanted.version

    def _get(self, url: str, is_right: Callable[[Answer], bool]) -> Asked:
        """Ask once and time it, whole body included; a wrong answer with 200 is none of a proxy's."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return Asked(redact(url), Outcome.FAILED, "it is no address")
        if self._offline and parts.scheme != "file":
            return Asked(redact(url), Outcome.NOT_ASKED, "GVMPY_OFFLINE is set")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            return Asked(
                redact(url), Outcome.NOT_ASKED, "gvmpy speaks plain http on loopback only; Go would ask"
            )
        start = time.monotonic()
        try:
            answer = self._answer(url)
        except GvmpyError as error:
            reason = error.message.removeprefix(f"{redact(url)}: ")
            return Asked(redact(url), _kind(error), reason, None, _since(start))
        outcome, reason = _outcome(answer.status, has_password=bool(parts.username))
        spent = _since(start)
        if outcome is Outcome.SERVED:
            right = False
            with suppress(ValueError, IntegrityError):
                right = is_right(answer)
            if not right:
                outcome, reason = Outcome.NOT_A_PROXY, "it answers with something else: a login page?"
        return Asked(redact(url), outcome, reason, answer.status, spent)

    def _answer(self, url: str) -> Answer:
        if url.startswith("file:"):
            return self._network.get(url, limit=_LIMIT)
        with self._network.stream(url, {}) as response:
            body = bytearray()
            try:
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > _LIMIT:
                        raise NetworkError(f"{redact(url)} answered more than {_LIMIT} bytes")
            except httpx.TransportError as error:
                raise NetworkError(f"{redact(url)}: {error or type(error).__name__}") from error
            return Answer(response.status_code, bytes(body))


def _outcome(status: int, *, has_password: bool) -> tuple[Outcome, str]:
    if status == _OK:
        return Outcome.SERVED, "served"
    if status in _NOT_FOUND:
        return Outcome.NOT_FOUND, f"it answered {status}: it does not have it"
    if status in _WANTS_CREDENTIALS:
        told = "user and password are not accepted" if has_password else "it wants a user and a password"
        return Outcome.CREDENTIALS, f"it answered {status}: {told}"
    if status == _FORBIDDEN:
        return Outcome.FORBIDDEN, f"it answered {status}: it does not hold this, or may not give it to you"
    return Outcome.FAILED, f"it answered {status}"


def _kind(error: GvmpyError) -> Outcome:
    """Tell failures apart by what is behind them; a proxy's own 407 comes as a failure to connect."""
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Outcome.TLS
    if any(isinstance(cause, httpx.TimeoutException) for cause in causes):
        return Outcome.TIMEOUT
    if any(isinstance(cause, httpx.ProxyError) and "407" in str(cause) for cause in causes):
        return Outcome.CREDENTIALS
    if any(isinstance(cause, httpx.TransportError | OSError) for cause in causes):
        return Outcome.UNREACHABLE
    return Outcome.FAILED


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _since(start: float) -> int:
    return round((time.monotonic() - start) * 1000)


def _matches(patterns: str, path: str) -> bool:
    """Whether one of the comma-separated patterns matches `path` or its beginning (x/mod's
    MatchPrefixPatterns): element by element, `*` not across a slash.
    """
    parts = path.split("/")
    for pattern in (part.strip().rstrip("/") for part in patterns.split(",")):
        globs = pattern.replace("[^", "[!").split("/")
        if pattern and len(globs) <= len(parts) and all(map(fnmatch.fnmatchcase, parts, globs)):
            return True
    return False
