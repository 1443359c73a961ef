"""The module golang.org/toolchain through the user's GOPROXY, proven by the checksum database.

Every Go release exists as version v0.0.1-goX.OS-ARCH of that module (cmd/go/internal/toolchain). A version is
asked for by its `.info`: caching proxies list only what they already hold and serve more than they list.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from gvmpy.errors import GvmpyError, NetworkError, NoSuchVersionError
from gvmpy.goenv.goproxy import DIRECT, OFF, ProxyEntry, parse_goproxy
from gvmpy.net import redact
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.releases.pages import Pages
from gvmpy.trust.relay import choose_base, fetcher
from gvmpy.trust.sumdb import Database, parse_gosumdb
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Source

T = TypeVar("T")

MODULE = "golang.org/toolchain"
_DIRECT_HOME = "https://go.dev/dl/mod"
"""Where `direct` finds this module: the go-import meta tag of golang.org/toolchain."""

_LARGEST_ZIP = 500 << 20
"""Bytes: the go command's own limit for a module zip (x/mod/zip MaxZipFile)."""

_LARGEST_ANSWER = 4 << 20
_HTTP_OK = 200
_NOT_FOUND = frozenset({404, 410})
_UNAUTHORIZED, _FORBIDDEN = frozenset({401, 407}), 403
_LISTED = re.compile(r"v0\.0\.1-(go[0-9a-z.]+)\.([a-z0-9]+-[a-z0-9]+)")


class _NotFoundError(NoSuchVersionError):
    """A plain 404 or 410: the only failure that `,` passes on."""


def open_source(context: Context) -> Source:
    """Return the source as Go's settings, or ours in their place, describe it."""
    return GoProxy(context)


class GoProxy:
    """The module proxies of GOPROXY, as a source."""

    name = "goproxy"

    def __init__(self, context: Context) -> None:
        self._network = context.network
        self._cache = context.config.cache
        self._pages = Pages(context.network, context.config.cache, context.list_age)
        self._journal = context.journal
        self._state = context.home.state
        self._goproxy = context.config.goproxy or _value(context, "GOPROXY") or DIRECT
        self._gosumdb = context.config.sumdb or _value(context, "GOSUMDB")

    def releases(self, platform: Platform) -> list[Release]:
        """Return what the first proxy that answers lists, in no particular order."""

        def listed(base: str) -> list[Release]:
            path = f"/{MODULE}/@v/list"
            page = self._pages.get(base + path, limit=_LARGEST_ANSWER)
            text = _require_ok(base, path, page.status, page.body).decode("utf-8", errors="replace")
            self._journal.as_of[self.name] = page.when
            return [release for line in text.splitlines() if (release := _parse_listed(line, platform))]

        return self._through_proxies(listed)[1]

    def released(self, version: GoVersion, platform: Platform) -> date:
        """Return the day on which `version` came out, by the word of the proxy.

        Raises NoSuchVersionError when it does not know, NetworkError when it cannot be asked.
        """
        module_version = f"v0.0.1-{version.name}.{platform}"
        day = self._through_proxies(lambda base: self._require_info(base, module_version))[1]
        if day is None:
            raise NoSuchVersionError(f"nobody tells when {version.name} came out")
        return day

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        """Return where the zip is, and the hash that the checksum database has for it."""
        module_version = f"v0.0.1-{version.name}.{platform}"
        base, _ = self._through_proxies(lambda base: self._require_info(base, module_version))
        evidence = self._database().prove(MODULE, module_version)
        return Artifact(
            version=version,
            platform=platform,
            source=self.name,
            addresses=self._addresses(base, f"/{MODULE}/@v/{module_version}.zip"),
            layout="toolchain-module",
            digest=Digest("h1", evidence.h1),
            size=None,
            limit=_LARGEST_ZIP,
            trust="transparency-log",
            evidence={
                "database": evidence.database,
                "record": evidence.record,
                "tree_size": evidence.tree_size,
                "root": evidence.root,
                "module": f"{MODULE}@{module_version}",
                "h1": evidence.h1,
            },
        )

    def _addresses(self, first: str, path: str) -> tuple[Address, ...]:
        """Return where to ask for a file: the proxy that knew the version, then those behind it.

        GOPROXY's rules hold for each file by itself: one that has the `.info` need not have the zip.
        """
        bases = [entry for entry in self._proxies() if entry.base != OFF]
        start = next(index for index, entry in enumerate(bases) if _home_of(entry.base) == first)
        return tuple(Address(_home_of(entry.base) + path, entry.any_failure) for entry in bases[start:])

    def _require_info(self, base: str, module_version: str) -> date | None:
        """Ask for the `.info`; return the day that it tells, None when it tells none."""
        body = self._read(base, f"/{MODULE}/@v/{module_version}.info")
        try:
            document = json.loads(body)
            told = document["Version"]
        except (ValueError, TypeError, KeyError, RecursionError):
            document, told = {}, None
        if told != module_version:
            raise NetworkError(f"{redact(base)} answered something else than the .info of {module_version}")
        try:
            return date.fromisoformat(document["Time"][:10])
        except (ValueError, TypeError, KeyError):
            return None

    def _database(self) -> Database:
        """Return the checksum database GOSUMDB names, through the proxies' relay where there is one."""

        def get(url: str, limit: int) -> tuple[int, bytes]:
            answer = self._network.get(url, limit=limit)
            return answer.status, answer.body

        settings = parse_gosumdb(self._gosumdb)
        base = choose_base(self._proxies(), settings, get)
        return Database(settings.verifier, fetcher(base, get), cache_dir=self._cache, state_dir=self._state)

    def _proxies(self) -> tuple[ProxyEntry, ...]:
        return parse_goproxy(self._goproxy)

    def _through_proxies(self, attempt: Callable[[str], T]) -> tuple[str, T]:
        """Try each proxy by GOPROXY's own fall-back rules; return the base that served with its answer."""
        failures: list[GvmpyError] = []
        for entry in self._proxies():
            if entry.base == OFF:
                failures.append(NetworkError("module downloads are disabled by GOPROXY=off"))
                break
            base = _home_of(entry.base)
            try:
                return base, attempt(base)
            except (NetworkError, NoSuchVersionError) as error:
                failures.append(error)
                if not entry.any_failure and not isinstance(error, _NotFoundError):
                    break
        reasons = "; ".join(failure.message for failure in failures)
        hint = next((failure.hint for failure in failures if failure.hint), None)
        if all(isinstance(failure, NoSuchVersionError) for failure in failures):
            raise NoSuchVersionError(reasons, hint=hint)
        raise NetworkError(reasons, hint=hint)

    def _read(self, base: str, path: str) -> bytes:
        answer = self._network.get(base + path, limit=_LARGEST_ANSWER)
        return _require_ok(base, path, answer.status, answer.body)


def _require_ok(base: str, path: str, status: int, body: bytes) -> bytes:
    if status == _HTTP_OK:
        return body
    text = f"{redact(base)} answered {status} for {path.rpartition('/')[2]}"
    if status in _NOT_FOUND:
        raise _NotFoundError(text)
    if status in _UNAUTHORIZED:
        raise NetworkError(text, hint="check the user and password in GOPROXY")
    # Proxies that hold back what they have not cached, or may not give, say 403: no version, but also not the
    # plain "not found" that `,` passes on.
    raise NoSuchVersionError(text) if status == _FORBIDDEN else NetworkError(text)


def _value(context: Context, name: str) -> str:
    setting = context.settings.get(name)
    return setting.value if setting else ""


def _home_of(base: str) -> str:
    return _DIRECT_HOME if base == DIRECT else base


def _parse_listed(line: str, platform: Platform) -> Release | None:
    match = _LISTED.fullmatch(line.strip())
    if match is None or match[2] != str(platform):
        return None
    try:
        version = GoVersion.parse(match[1])
    except ValueError:
        return None
    if version.name != match[1] or not version.is_release:
        return None
    return Release(version, stable=not version.is_prerelease)
