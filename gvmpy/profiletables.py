"""The tables of config.toml whose keys are the user's own words: settings profiles and their bindings.

[profiles.work]           a profile: names of Go settings and their values
GOPROXY = "https://goproxy.example.com"

[profile.versions]        a version, or the beginning of one, and the profile that goes with it
"1.21" = "work"

[profile.directories]     a directory, and the profile for shells that start there or below
"~/work" = "work"

Here is only the shape; what a value may be is gvmpy.profiles' to say.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gvmpy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GO_SETTINGS = (
    *("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE"),
    *("GOFLAGS", "GOTOOLCHAIN", "GOAUTH", "GOVCS"),
)
"""What a profile may set and Go reads from its own settings file as well."""

PROXY_SETTINGS = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""What a profile may set and Go takes from the environment only."""

SETTINGS = GO_SETTINGS + PROXY_SETTINGS

_PROFILES, _GROUP = "profiles", "profile"
_BINDINGS = ("versions", "directories")


@dataclass(frozen=True, slots=True)
class ProfileTables:
    """The tables of one file, the profiles in its order."""

    profiles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    directories: Mapping[str, str] = field(default_factory=dict)


def take(document: dict[str, Any], place: Callable[[str, str], str]) -> ProfileTables:
    """Take the tables out of a parsed file and return them; `place` says for people where a table has a key.

    Raises UsageError for another shape, and for an unknown setting, with the nearest name.
    """
    profiles = _table(document.pop(_PROFILES, {}), "", _PROFILES, place)
    for name, settings in profiles.items():
        for key in _words(settings, _PROFILES, name, place):
            _check_setting(name, key, place)
    group = document.get(_GROUP)
    bindings = {}
    for binding in _BINDINGS:
        words = group.pop(binding, {}) if isinstance(group, dict) else {}
        bindings[binding] = _words(words, _GROUP, binding, place)
    return ProfileTables(profiles, **bindings)


def _check_setting(profile: str, key: str, place: Callable[[str, str], str]) -> None:
    if key not in SETTINGS:
        near = difflib.get_close_matches(key.upper(), SETTINGS, n=1)
        raise UsageError(
            f"unknown setting `{key}` of profile `{profile}` in {place(f'{_PROFILES}.{profile}', key)}",
            hint=f"did you mean `{near[0]}`?" if near else f"known settings: {', '.join(SETTINGS)}",
        )


def _words(value: object, above: str, name: str, place: Callable[[str, str], str]) -> dict[str, str]:
    table = _table(value, above, name, place)
    for key, word in table.items():
        if not isinstance(word, str):
            raise UsageError(f"`{above}.{name}.{key}` in {place(f'{above}.{name}', key)} must be a string")
    return table


def _table(value: object, above: str, name: str, place: Callable[[str, str], str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        full = f"{above}.{name}" if above else name
        raise UsageError(f"`{full}` in {place(above, name)} must be a table")
    return value
