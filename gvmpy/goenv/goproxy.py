"""GOPROXY's list of proxies and when to go on to the next (cmd/go/internal/modfetch/proxy.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gvmpy.errors import UsageError

DIRECT = "direct"
OFF = "off"
_ELEMENT = re.compile(r"([^,|]*)([,|]?)")


@dataclass(frozen=True, slots=True)
class ProxyEntry:
    """One element: a base URL without a trailing slash, `direct` or `off`.

    After `|` any failure passes the turn on, after `,` only a plain "not found" (404 or 410).
    """

    base: str
    any_failure: bool


def parse_goproxy(text: str) -> tuple[ProxyEntry, ...]:
    """Read a GOPROXY value; what stands behind `direct` or `off` is never reached and is left out.

    Raises UsageError for an element that is neither a keyword nor a usable URL.
    """
    entries: list[ProxyEntry] = []
    for element, separator in _ELEMENT.findall(text):
        word = element.strip()
        if not word:
            continue
        if word in {DIRECT, OFF}:
            entries.append(ProxyEntry(word, any_failure=False))
            break
        entries.append(ProxyEntry(_complete(word), any_failure=separator == "|"))
    if not entries:
        raise UsageError("GOPROXY is set but names no proxy", hint="go env -u GOPROXY")
    return tuple(entries)


def _complete(word: str) -> str:
    """Single words are reserved; anything with `:/`, or an absolute path, must be a whole URL already."""
    if ":/" not in word:
        if word.startswith("/") or not any(mark in word for mark in "./:"):
            raise UsageError(f"GOPROXY element {word!r} is neither a URL, `direct` nor `off`")
        word = f"https://{word}"
    scheme = word.partition(":")[0].lower()
    if scheme not in {"https", "http", "file"}:
        raise UsageError(f"GOPROXY has an element with the unusable scheme {scheme!r}")
    if scheme != "file" and not _is_sound(word):
        raise UsageError(
            "GOPROXY has an element that is no URL", hint="percent-encode `/`, `?`, `#` and `@` in a password"
        )
    return word.rstrip("/")


def _is_sound(url: str) -> bool:
    """Whether `url` has a host and nothing odd behind it.

    A password with a bare `/`, `?` or `#` in it ends the host too early; what follows would pass for a path
    and be shown in messages.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and not parts.query and not parts.fragment and "@" not in parts.path
