"""What a setting of a profile may hold, by the go command's own rules, and how it may be shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gvmpy.errors import UsageError
from gvmpy.goenv.goproxy import parse_goproxy
from gvmpy.profiletables import GO_SETTINGS, PROXY_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

_HIDDEN = "***"
_WORD = re.compile(r"[^\s,|;=]+")
_FLAG = re.compile(r"--?[^-=][^=]*(?:=.*)?", re.DOTALL)
_PROXY_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})


def check_value(name: str, value: str) -> None:
    """Raise UsageError for a value of the setting `name` that the go command would refuse or not read back.

    An empty one is refused as well: Go takes it for unset in the environment, and not in its file. The error
    shows no value that could hold a password.
    """
    if not value:
        raise UsageError(f"`{name}` may not be empty", hint="leave it out of the profile")
    if not value.isprintable():
        # cmd/go/internal/envcmd, checkEnvWrite: no newlines, no NUL, nothing but UTF-8.
        raise UsageError(f"`{name}` has a character in it that cannot be shown")
    if value.strip() != value:
        raise UsageError(f"`{name}` begins or ends with a blank, which would count")
    verdict = _VERDICTS.get(name)
    if verdict is not None:
        verdict(value)


def has_credentials(value: str) -> bool:
    """Whether a value names a user or a password: `https://user:password@host`."""
    return any("@" in word for word in _WORD.findall(value))


def redacted(value: str) -> str:
    """Return a value as it may be shown: each user and password is `***`."""
    return _WORD.sub(lambda match: _with_userinfo(match[0], f"{_HIDDEN}@"), value)


def without_credentials(value: str) -> str:
    """Return a value without any user and password, as it may be handed on."""
    return _WORD.sub(lambda match: _with_userinfo(match[0], ""), value)


def _with_userinfo(word: str, userinfo: str) -> str:
    """Return `word` with another user and password; up to the last `@`, for a password may hold one."""
    head, mark, host = word.rpartition("@")
    if not mark:
        return word
    scheme, slashes, _ = head.partition("://")
    # What has an `@` before the slashes is no scheme, and may be a password.
    return f"{scheme}{slashes}{userinfo}{host}" if slashes and "@" not in scheme else f"{userinfo}{host}"


def _check_goproxy(value: str) -> None:
    for entry in parse_goproxy(value):
        try:
            parts = urlsplit(entry.base)
        except ValueError:
            raise UsageError("GOPROXY has an element that is no URL") from None
        if parts.scheme == "http" and parts.username is not None:
            # cmd/go/internal/web refuses to send them.
            raise UsageError("GOPROXY has credentials in a plain http address", hint="use https://")


def _check_gosumdb(value: str) -> None:
    from gvmpy.trust.sumdb import parse_gosumdb

    parse_gosumdb(value)


def _check_gotoolchain(value: str) -> None:
    from gvmpy.selection.gotoolchain import predict
    from gvmpy.version import GoVersion

    # Any Go that knows the setting gives the same verdict on its form.
    answer = predict(GoVersion.parse("1.22.3"), value, None, None, on_path=lambda _: True)
    if answer.action == "invalid":
        forms = "local, auto, path, goX.Y.Z, goX.Y.Z+auto or goX.Y.Z+path"
        raise UsageError(f"GOTOOLCHAIN may not be {value!r}", hint=forms)


def _check_goflags(value: str) -> None:
    """GOFLAGS: words by cmd/internal/quoted, Split; each a flag (cmd/go/internal/base, InitGOFLAGS)."""
    for word in _split_quoted(value):
        if not _FLAG.fullmatch(word):
            raise UsageError("GOFLAGS has a word that is no flag", hint="write -flag or -flag=value")


def _split_quoted(value: str) -> list[str]:
    """Return the words: one may be wholly within ' or ", and neither has an escape."""
    words, rest = [], value.lstrip(" \t")
    while rest:
        if rest[0] in "'\"":
            word, quote, rest = rest[1:].partition(rest[0])
            if not quote:
                raise UsageError("GOFLAGS has a quote without its other end")
        else:
            [word] = re.findall(r"^[^ \t]+", rest)
            rest = rest[len(word) :]
        words.append(word)
        rest = rest.lstrip(" \t")
    return words


def _check_govcs(value: str) -> None:
    """GOVCS: pattern:vcs|vcs, comma-separated (cmd/go/internal/vcs, parseGOVCS)."""
    seen = set()
    for item in value.split(","):
        pattern, colon, systems = (part.strip() for part in item.partition(":"))
        if not colon or not pattern or not all(system.strip() for system in systems.split("|")):
            raise UsageError(f"GOVCS has an entry that is not pattern:vcs: {item.strip()!r}")
        if pattern in seen or pattern.startswith(("./", "../")) or pattern in {".", ".."}:
            raise UsageError(f"GOVCS has a pattern that is relative or stands twice: {pattern!r}")
        seen.add(pattern)


def _check_goauth(value: str) -> None:
    """GOAUTH: commands, `;` between them (cmd/go/internal/auth, runGoAuth)."""
    commands = [command.split() for command in value.split(";")]
    if not all(commands):
        raise UsageError("GOAUTH has an empty command")
    for words in commands:
        if words[0] == "off" and len(commands) > 1:
            raise UsageError("GOAUTH=off cannot be combined with other commands")
        if words[0] == "git" and (len(words) != 2 or not words[1].startswith("/")):  # noqa: PLR2004
            raise UsageError("GOAUTH=git needs one absolute path of a directory")


def _check_proxy(value: str) -> None:
    full = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(full)
        usable = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.path + parts.query + parts.fragment:
        raise UsageError("a proxy's address has to be an http, https or socks5 URL")


_VERDICTS: dict[str, Callable[[str], None]] = {
    "GOPROXY": _check_goproxy,
    "GOSUMDB": _check_gosumdb,
    "GOTOOLCHAIN": _check_gotoolchain,
    "GOFLAGS": _check_goflags,
    "GOVCS": _check_govcs,
    "GOAUTH": _check_goauth,
    "HTTP_PROXY": _check_proxy,
    "HTTPS_PROXY": _check_proxy,
}
"""Patterns (GOPRIVATE and its like, NO_PROXY) have no form that Go would refuse."""

assert set(_VERDICTS) <= {*GO_SETTINGS, *PROXY_SETTINGS}  # noqa: S101 - a name misspelled would check nothing
