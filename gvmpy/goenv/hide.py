"""Go's settings as they may be shown: whatever could let somebody in is left out, the rest stays readable."""

from __future__ import annotations

import re

HIDDEN = "…"

_COMMANDS = frozenset({"GOAUTH", "GOCACHEPROG", "GOPACKAGESDRIVER"})
"""Command lines, whose arguments are nobody's business."""
_LISTS = frozenset({"GOPROXY", "GOSUMDB", "GOFLAGS", "GOVCS", "GOPRIVATE", "GOINSECURE"})

# Greedy: a password with a bare `@` or `/` in it must not end the search early.
_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s,|'\"]*@")
# In a GOPROXY without a scheme, which Go completes.
_BARE_USER = re.compile(r"(^|(?<=[\s,|'\"]))[^\s,|'\":/]+:(?!//)[^\s,|'\"]*@")
_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s,|'\"?#]*)[?#][^\s,|'\"]*")
# `-ldflags=-X main.key=value`: a value that goes into a program.
_LINKED = re.compile(r"(-X[=\s]+[^\s='\"]+=)(?:'[^']*'|\"[^\"]*\"|[^\s'\"]*)")
_NAMED = re.compile(
    r"(?i)((?:token|passw(?:or)?d|secret|credential|api[_-]?key|private[_-]?key)[\w.-]*=)"
    r"(?:'[^']*'|\"[^\"]*\"|[^\s,|'\"]+)"
)


def hide_credentials(name: str, value: str) -> str:
    """Return the value of the setting `name` without users, passwords and queries in addresses, arguments of
    commands, and values that go by a name such as `token`; each is an ellipsis instead.
    """
    if name in _COMMANDS:
        return ";".join(_hide_arguments(command) for command in value.split(";"))
    for pattern in (_USER, _LINKED, _NAMED):
        value = pattern.sub(rf"\1{HIDDEN}" + ("@" if pattern is _USER else ""), value)
    if name in _LISTS:
        value = _BARE_USER.sub(f"{HIDDEN}@", value)
    return _QUERY.sub(rf"\1?{HIDDEN}", value)


def _hide_arguments(command: str) -> str:
    words = command.split()
    return f"{words[0]} {HIDDEN}" if len(words) > 1 else command
