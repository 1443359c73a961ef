"""Which credentials go with a request: GOAUTH and netrc, by the go command's rules.

Rules: `go help goauth`, and AddCredentials of cmd/go/internal/auth/auth.go. Only https requests get any. Of
GOAUTH's methods `netrc`, the default, and `off` are done; `git DIR` and commands are not, and nothing of them
is ever run. User and password in a URL win, as they do with Go.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gvmpy.errors import UsageError
from gvmpy.goenv.netrc import netrc_path, read_netrc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.goenv.settings import GoSettings

_SCHEME = "https://"
_NO_AUTH = "go env -u GOAUTH"


@dataclass(frozen=True, slots=True)
class GoAuth:
    """What GOAUTH asks for: netrc or not, and which kinds of method stand in it that are not supported."""

    netrc: bool
    unsupported: tuple[str, ...] = ()


def parse_goauth(text: str) -> GoAuth:
    """Read a GOAUTH value; empty means `netrc`. Raises UsageError for what the go command refuses, too."""
    methods = [method.split() for method in (text or "netrc").split(";")]
    if not all(methods):
        raise UsageError("GOAUTH holds an empty method", hint=_NO_AUTH)
    names = [words[0] for words in methods]
    if "off" in names and len(names) > 1:
        raise UsageError("GOAUTH=off cannot be combined with other methods", hint=_NO_AUTH)
    # What stands behind a command may be a secret: it is told by its kind alone.
    others = ["git" if name == "git" else "command" for name in names if name not in {"off", "netrc"}]
    return GoAuth("netrc" in names, tuple(dict.fromkeys(others)))


class Credentials:
    """The credentials of one user; files are read when the first request could use them."""

    def __init__(self, settings: GoSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    def authorization(self, url: str) -> str | None:
        """Return the value of the Authorization header for a request to `url`, or None for none.

        The longest prefix of the URL that is a machine in netrc counts, the first entry of several for one.
        Raises UsageError when GOAUTH is malformed.
        """
        if not url.startswith(_SCHEME) or not self._by_machine:
            return None
        prefix = url.removeprefix(_SCHEME).removesuffix("/")
        while prefix not in self._by_machine:
            prefix, slash, _ = prefix.rpartition("/")
            if not slash:
                return None
        return self._by_machine[prefix] if self._goauth.netrc else None

    def advice(self) -> str | None:
        """Return what kept credentials from being found, for when a server wants to know who asks."""
        if self._fault:
            return f"cannot read `{netrc_path(self._environ)}`: {self._fault}"
        if self._goauth.unsupported:
            kinds = " and ".join(f"`{kind}`" for kind in self._goauth.unsupported)
            return f"GOAUTH has {kinds}, which gvmpy does not run: put user and password into netrc"
        return None

    @cached_property
    def _goauth(self) -> GoAuth:
        setting = self._settings.get("GOAUTH")
        return parse_goauth(setting.value if setting else "")

    @cached_property
    def _read(self) -> tuple[dict[str, str], str]:
        """Headers by machine, and why the file could not be read; go passes over such a file, too."""
        try:
            logins = read_netrc(self._environ)
        except OSError as error:
            return {}, error.strerror or type(error).__name__
        headers = {}
        for entry in reversed(logins):
            pair = f"{entry.login}:{entry.password}".encode("utf-8", "surrogateescape")
            machine = entry.machine.removeprefix(_SCHEME).removesuffix("/")
            headers[machine] = f"Basic {base64.b64encode(pair).decode('ascii')}"
        return headers, ""

    @property
    def _by_machine(self) -> dict[str, str]:
        return self._read[0]

    @property
    def _fault(self) -> str:
        return self._read[1]
