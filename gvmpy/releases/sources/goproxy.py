"""The module golang.org/toolchain through the user's GOPROXY, proven by the checksum database.

Every Go release exists as version v0.0.1-goX.OS-ARCH of that module (cmd/go/internal/toolchain). A version is
asked for by its `.info`: caching proxies list only what they already hold and serve more than they list.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeVar

from gvmpy.errors import GvmpyError, NetworkError, NoSuchVersionError
from gvmpy.goenv.goproxy import DIRECT, OFF, ProxyEntry, parse_goproxy
from gvmpy.net import redact
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.trust.relay import choose_base, fetcher
from gvmpy.trust.sumdb import Database, parse_gosumdb
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable

    from gvmpy.net import Network
    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Source
    from gvmpy.trust.note import Verifier
    from gvmpy.trust.sumdb import Evidence, Fetch

T = TypeVar("T")

MODULE = "golang.org/toolchain"
_DIRECT_HOME = "https://go.dev/dl/mod"
"""Where `direct` finds this module: the go-import meta tag of golang.org/toolchain."""

LARGEST_ZIP = 500 << 20
"""Bytes: the go command's own limit for a module zip (x/mod/zip MaxZipFile)."""

_DIRECTORY_HINT = (
    "a directory as GOPROXY has to be proven, too: take one with `sumdb/` in it, as `gvmpy bundle create`"
    " makes, or a lock file: gvmpy install --locked"
)
_LARGEST_ANSWER = 4 << 20
_HTTP_OK = 200
_NOT_FOUND = frozenset({404, 410})
_UNAUTHORIZED, _FORBIDDEN = frozenset({401, 407}), 403
_LISTED = re.compile(r"v0\.0\.1-(go[0-9a-z.]+)\.([a-z0-9]+-[a-z0-9]+)")


class _NotFoundError(NoSuchVersionError):
    """A plain 404 or 410: the only failure that `,` passes on."""


def open_source(context: Context) -> Source:
    """Return the source as Go's settings, or ours in their place, describe it."""
    return _GoProxy(context)


def module_addresses(goproxy: str, name: str) -> tuple[Address, ...]:
    """Return where each proxy of `goproxy` has the file `name` of this module, such as `VERSION.zip`.

    Raises NetworkError when there is none to ask, UsageError for a GOPROXY that cannot be read.
    """
    entries = [entry for entry in parse_goproxy(goproxy) if entry.base != OFF]
    if not entries:
        raise NetworkError("module downloads are disabled by GOPROXY=off")
    return tuple(
        Address(f"{_home_of(entry.base)}/{MODULE}/@v/{name}", entry.any_failure) for entry in entries
    )


def reach_database(network: Network, goproxy: str, gosumdb: str) -> tuple[Verifier, Fetch]:
    """Return the checksum database that `gosumdb` names, through a relay of `goproxy` where there is one.

    Raises NetworkError when nobody can tell where it is, UsageError for settings that cannot be read.
    """

    def get(url: str, limit: int) -> tuple[int, bytes]:
        answer = network.get(url, limit=limit)
        return answer.status, answer.body

    settings = parse_gosumdb(gosumdb)
    return settings.verifier, fetcher(choose_base(parse_goproxy(goproxy), settings, get), get)


class _GoProxy:
    name = "goproxy"

    def __init__(self, context: Context) -> None:
        self._network = context.network
        self._cache = context.config.cache
        self._state = context.home.state
        self._goproxy = goproxy_setting(context)
        self._gosumdb = gosumdb_setting(context)

    def releases(self, platform: Platform) -> list[Release]:
        def listed(base: str) -> list[Release]:
            text = self._read(base, f"/{MODULE}/@v/list").decode("utf-8", errors="replace")
            return [release for line in text.splitlines() if (release := _parse_listed(line, platform))]

        return self._through_proxies(listed)[1]

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        module_version = f"v0.0.1-{version.name}.{platform}"
        base, _ = self._through_proxies(lambda base: self._require_info(base, module_version))
        evidence = self._prove(module_version)
        return Artifact(
            version=version,
            platform=platform,
            source=self.name,
            addresses=self._addresses(base, f"/{MODULE}/@v/{module_version}.zip"),
            layout="toolchain-module",
            digest=Digest("h1", evidence.h1),
            size=None,
            limit=LARGEST_ZIP,
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

    def _require_info(self, base: str, module_version: str) -> None:
        body = self._read(base, f"/{MODULE}/@v/{module_version}.info")
        try:
            told = json.loads(body)["Version"]
        except (ValueError, TypeError, KeyError, RecursionError):
            told = None
        if told != module_version:
            raise NetworkError(f"{redact(base)} answered something else than the .info of {module_version}")

    def _prove(self, module_version: str) -> Evidence:
        try:
            return self._database().prove(MODULE, module_version)
        except NetworkError as error:
            if error.hint or not all(entry.base.startswith("file:") for entry in self._proxies()):
                raise
            raise NetworkError(error.message, details=error.details, hint=_DIRECTORY_HINT) from error

    def _database(self) -> Database:
        verifier, fetch = reach_database(self._network, self._goproxy, self._gosumdb)
        return Database(verifier, fetch, cache_dir=self._cache, state_dir=self._state)

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
        if answer.status == _HTTP_OK:
            return answer.body
        text = f"{redact(base)} answered {answer.status} for {path.rpartition('/')[2]}"
        if answer.status in _NOT_FOUND:
            raise _NotFoundError(text)
        if answer.status in _UNAUTHORIZED:
            raise NetworkError(text, hint="check the user and password in GOPROXY")
        # Proxies that hold back what they have not cached, or may not give, say 403: no version, but also
        # not the plain "not found" that `,` passes on.
        raise NoSuchVersionError(text) if answer.status == _FORBIDDEN else NetworkError(text)


def goproxy_setting(context: Context) -> str:
    """Return the GOPROXY that counts here, unparsed. Go's settings are for one thread to read."""
    return context.config.goproxy or _value(context, "GOPROXY") or DIRECT


def gosumdb_setting(context: Context) -> str:
    """Return the GOSUMDB that counts here, likewise; empty where nothing is set."""
    return context.config.sumdb or _value(context, "GOSUMDB")


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
