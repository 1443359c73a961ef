"""The module golang.org/toolchain through the user's GOPROXY, proven by the checksum database.

As with the go command, GOSUMDB=off, GONOSUMDB and GOPRIVATE do not spare toolchains the database (useSumDB of
cmd/go/internal/modfetch/sumdb.go); GONOPROXY and GOPRIVATE do keep the module from the proxies.

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
from gvmpy.goenv.patterns import matches_prefix
from gvmpy.net import redact
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.releases.pages import Pages
from gvmpy.trust.relay import choose_base, fetcher, open_database
from gvmpy.trust.sumdb import parse_gosumdb
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable

    from gvmpy.net import Network
    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Source
    from gvmpy.trust.note import Verifier
    from gvmpy.trust.sumdb import Evidence, Fetch, SumdbSettings

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


_IS_OFF = "GOSUMDB=off does not hold for toolchains"
_OFF_NOTE = f"{_IS_OFF}, with gvmpy as with the go command: asking {{}}"
_OFF_HINT = f"{_IS_OFF}; name where the database can be reached: export GOSUMDB='{{}} https://HOST/PATH'"
_LOGIN_HINT = "check the user and password in GOPROXY, or the entry of its host in netrc"


class _NotFoundError(NoSuchVersionError):
    """A plain 404 or 410: the only failure that `,` passes on."""


def open_source(context: Context) -> Source:
    """Return the source as Go's settings, or ours in their place, describe it."""
    return GoProxy(context)


def module_version(version: GoVersion, platform: Platform) -> str:
    """Return the version of the module that is the Go `version` for `platform`."""
    return f"v0.0.1-{version.name}.{platform}"


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


class GoProxy:
    """The source; `evidence` may be asked for by itself."""

    name = "goproxy"

    def __init__(self, context: Context) -> None:
        self._network = context.network
        self._cache = context.config.cache
        self._pages = Pages(context.network, context.config.cache, context.list_age)
        self._journal = context.journal
        self._state = context.home.state
        self._offline = context.config.offline
        self._goproxy = goproxy_setting(context)
        self._gosumdb = gosumdb_setting(context)
        private = (
            "" if context.config.goproxy else _value(context, "GONOPROXY") or _value(context, "GOPRIVATE")
        )
        self._is_private = matches_prefix(private, MODULE)
        gopath = context.settings.gopath()
        self._go_state = gopath / "pkg" / "sumdb" if gopath else None

    def releases(self, platform: Platform) -> list[Release]:
        """Return what the first proxy that answers lists: often less than it serves."""

        def listed(base: str) -> list[Release]:
            path = f"/{MODULE}/@v/list"
            page = self._pages.get(base + path, limit=_LARGEST_ANSWER)
            text = self._require_ok(base, path, page.status, page.body).decode("utf-8", errors="replace")
            self._journal.as_of[self.name] = page.when
            return [release for line in text.splitlines() if (release := _parse_listed(line, platform))]

        return self._through_proxies(listed)[1]

    def released(self, version: GoVersion, platform: Platform) -> date:
        """Return the day on which `version` came out, by the word of the proxy.

        Raises NoSuchVersionError when it does not know, NetworkError when it cannot be asked.
        """
        wanted = module_version(version, platform)
        day = self._through_proxies(lambda base: self._require_info(base, wanted))[1]
        if day is None:
            raise NoSuchVersionError(f"nobody tells when {version.name} came out")
        return day

    def artifact(self, version: GoVersion, platform: Platform, *, keep_head: bool = True) -> Artifact:
        """Return where the zip is, and the `h1:` that the checksum database has for it."""
        wanted = module_version(version, platform)
        base, _ = self._through_proxies(lambda base: self._require_info(base, wanted))
        evidence = self.evidence(version, platform, keep_head=keep_head)
        return Artifact(
            version=version,
            platform=platform,
            source=self.name,
            addresses=self._addresses(base, f"/{MODULE}/@v/{wanted}.zip"),
            layout="toolchain-module",
            digest=Digest("h1", evidence.h1),
            size=None,
            limit=LARGEST_ZIP,
            trust="transparency-log",
            evidence=evidence_of(evidence, version, platform),
            notes=(_OFF_NOTE.format(evidence.database),) if self._gosumdb == OFF else (),
        )

    def evidence(self, version: GoVersion, platform: Platform, *, keep_head: bool = True) -> Evidence:
        """Return what the checksum database has on record; nothing is asked of a proxy but its relay.

        Raises as gvmpy.trust.sumdb.Database.prove does, which also tells of `keep_head`.
        """

        def get(url: str, limit: int) -> tuple[int, bytes]:
            answer = self._network.get(url, limit=limit)
            return answer.status, answer.body

        settings = parse_gosumdb(self._gosumdb)
        database = open_database(
            settings,
            parse_goproxy(self._goproxy),
            get,
            cache_dir=self._cache,
            state_dir=self._state,
            go_state=self._go_state,
            offline=self._offline,
        )
        try:
            return database.prove(MODULE, module_version(version, platform), keep_head=keep_head)
        except NetworkError as error:
            raise type(error)(
                error.message, hint=self._proof_hint(settings, error), details=error.details
            ) from error

    def _proof_hint(self, settings: SumdbSettings, error: NetworkError) -> str | None:
        """Return what helps where the database could not be asked for a proof."""
        if self._gosumdb == OFF:
            return _OFF_HINT.format(settings.verifier.name)
        if not error.hint and all(entry.base.startswith("file:") for entry in parse_goproxy(self._goproxy)):
            return _DIRECTORY_HINT
        return error.hint

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

    def _proxies(self) -> tuple[ProxyEntry, ...]:
        """Return who is asked for the module; its database is asked through the proxies all the same."""
        return (ProxyEntry(DIRECT, any_failure=False),) if self._is_private else parse_goproxy(self._goproxy)

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
        if self._is_private:
            hint = f"GONOPROXY or GOPRIVATE keeps {MODULE} from GOPROXY; to ask it: export GONOPROXY=none"
        if all(isinstance(failure, NoSuchVersionError) for failure in failures):
            raise NoSuchVersionError(reasons, hint=hint)
        raise NetworkError(reasons, hint=hint)

    def _read(self, base: str, path: str) -> bytes:
        answer = self._network.get(base + path, limit=_LARGEST_ANSWER)
        return self._require_ok(base, path, answer.status, answer.body)

    def _require_ok(self, base: str, path: str, status: int, body: bytes) -> bytes:
        if status == _HTTP_OK:
            return body
        raise self._refusal(status, f"{redact(base)} answered {status} for {_last_of(path)}")

    def _refusal(self, status: int, text: str) -> GvmpyError:
        advice = self._network.advice()
        if status in _UNAUTHORIZED:
            return NetworkError(text, hint=advice or _LOGIN_HINT)
        # Some proxies hide what they have from strangers; of a version that nobody has, the reasons are told
        # and no hint is.
        text = f"{text} ({advice})" if advice else text
        if status in _NOT_FOUND:
            return _NotFoundError(text)
        # Proxies that hold back what they have not cached, or may not give, say 403: no version, but also
        # not the plain "not found" that `,` passes on.
        return NoSuchVersionError(text) if status == _FORBIDDEN else NetworkError(text)


def evidence_of(evidence: Evidence, version: GoVersion, platform: Platform) -> dict[str, str | int]:
    """Return what a receipt keeps of `evidence`."""
    return {
        "database": evidence.database,
        "record": evidence.record,
        "tree_size": evidence.tree_size,
        "root": evidence.root,
        "module": f"{MODULE}@{module_version(version, platform)}",
        "h1": evidence.h1,
    }


def _last_of(path: str) -> str:
    return path.rpartition("/")[2]


def goproxy_setting(context: Context) -> str:
    """Return the GOPROXY that counts here, unparsed. Go's settings are for one thread to read."""
    return context.config.goproxy or _value(context, "GOPROXY") or DIRECT


def gosumdb_setting(context: Context) -> str:
    """Return the GOSUMDB that counts here, likewise; empty where nothing is set."""
    return (context.config.sumdb or _value(context, "GOSUMDB")).strip()


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
