"""Profiles as values: the built-in ones, the user's, and which of them is meant."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gvmpy.errors import UsageError
from gvmpy.profiles.values import check_value, has_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gvmpy.config import Config

NONE = "default"
"""The profile that leaves everything to Go."""

SCOPES = ("go", "shell")
"""Where a profile can be applied: Go's own settings file, and exports in new shells."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VERSION = re.compile(r"system|(?:go)?[0-9]+(?:\.[0-9]+){0,2}(?:(?:rc|beta)[0-9]+)?", re.ASCII)
_BUILT_IN = {
    NONE: {},
    "cn": {"GOPROXY": "https://goproxy.cn,direct", "GOSUMDB": "sum.golang.google.cn"},
    "cn-nosumdb": {"GOPROXY": "https://goproxy.cn,direct", "GOSUMDB": "off"},
    # GOPROXY=off alone leaves what GOPRIVATE matches to version control; GONOPROXY=none takes that back.
    # GOFLAGS stays: -mod=mod or -mod=readonly would pass over a vendor directory.
    "offline": {"GOPROXY": "off", "GONOPROXY": "none", "GOTOOLCHAIN": "local"},
}


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of settings that the go command would take."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    built_in: bool = False

    @property
    def has_credentials(self) -> bool:
        """Whether any value names a user or a password."""
        return any(map(has_credentials, self.settings.values()))


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile that is meant somewhere, and for people, what says so."""

    profile: Profile
    reason: str


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles of one user, the bindings, and the one in use."""

    known: Mapping[str, Profile]
    in_use: str
    scopes: tuple[str, ...]
    versions: Mapping[str, str]
    directories: Mapping[str, str]
    """Absolute paths, `~` replaced."""

    @classmethod
    def of(cls, config: Config, environ: Mapping[str, str]) -> Profiles:
        """Return the profiles that `config` has. Raises UsageError for a name, value or binding amiss.

        The one in use is looked for when it is asked for, so that a wrong one can be put right.
        """
        tables = config.profile_tables
        known = {name: Profile(name, dict(values), built_in=True) for name, values in _BUILT_IN.items()}
        for name, settings in tables.profiles.items():
            check_name(name)
            for key, value in settings.items():
                with _named(f"profile `{name}`"):
                    check_value(key, value)
            known[name] = Profile(name, dict(settings))
        unknown = [scope for scope in config.profile_scope if scope not in SCOPES]
        if unknown:
            raise UsageError(
                f"unknown scope {unknown[0]!r} in `profile.scope`", hint=f"choose of {', '.join(SCOPES)}"
            )
        for key in tables.versions:
            with _named("`profile.versions`"):
                check_version(key)
        directories = {absolute(path, environ): name for path, name in tables.directories.items()}
        profiles = cls(known, config.profile, config.profile_scope, tables.versions, directories)
        for name in (*tables.versions.values(), *tables.directories.values()):
            profiles.find(name)
        return profiles

    def find(self, name: str) -> Profile:
        """Return the profile called `name`. Raises UsageError with the nearest name."""
        if name in self.known:
            return self.known[name]
        near = difflib.get_close_matches(name, self.known, n=1)
        raise UsageError(
            f"there is no profile {name!r}",
            hint=f"did you mean `{near[0]}`?" if near else "gvmpy profile list",
        )

    def for_version(self, version: str | None) -> Choice:
        """Return what holds while `version`, such as `1.22.3` or `system`, is the default.

        The longest binding that is the version, or its beginning up to a dot, goes before the one in use.
        """
        bound = [key for key in self.versions if version is not None and _begins(version, key)]
        if bound:
            key = max(bound, key=lambda text: len(text.removeprefix("go")))
            return Choice(self.find(self.versions[key]), f"bound to version {key}")
        return Choice(self.find(self.in_use), "in use" if self.in_use != NONE else "nothing else is in use")

    def for_directory(self, directory: str, version: str | None) -> Choice:
        """Return what holds in a shell started in `directory`: the nearest binding above it goes first."""
        for bound, name in self.by_depth():
            if f"{directory.rstrip('/')}/".startswith(f"{bound.rstrip('/')}/"):
                return Choice(self.find(name), f"bound to directory {bound}")
        return self.for_version(version)

    def by_depth(self) -> list[tuple[str, str]]:
        """Return the bound directories and their profiles, the deepest first; one that is reached through a
        link stands there by its real name as well, as shells spell it either way.
        """
        real = {os.path.realpath(place): name for place, name in self.directories.items()}
        return sorted({**real, **self.directories}.items(), key=lambda item: len(item[0]), reverse=True)

    def users_of(self, name: str) -> list[str]:
        """Return, for people, what says that `name` is to hold."""
        users = ["`profile.use`"] if self.in_use == name else []
        users += [f"version {key}" for key, value in self.versions.items() if value == name]
        return users + [f"directory {key}" for key, value in self.directories.items() if value == name]


def check_name(name: str) -> None:
    """Raise UsageError for what cannot be a profile of the user's own."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a profile's name", hint="letters, digits, `-`, `_` and `.`")
    if name in _BUILT_IN:
        raise UsageError(f"profile `{name}` is built in and cannot be changed", hint="choose another name")


def check_version(text: str) -> None:
    """Raise UsageError for what no version begins with."""
    if not _VERSION.fullmatch(text):
        raise UsageError(f"{text!r} begins no version", hint="name one such as 1.21, 1.21.6 or system")


def absolute(path: str, environ: Mapping[str, str]) -> str:
    """Return the path of a bound directory, `~` replaced. Raises UsageError for a relative one."""
    home = environ.get("HOME", "")
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    if not os.path.isabs(path) or "\0" in path:
        raise UsageError(f"`profile.directories` has {path!r}, which is neither absolute nor below `~`")
    return os.path.normpath(path)


@contextlib.contextmanager
def _named(what: str) -> Iterator[None]:
    """Say in front of an error what it is about."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{what}: {error.message}", hint=error.hint) from error


def _begins(version: str, key: str) -> bool:
    text = key.removeprefix("go")
    return version == text or version.startswith((f"{text}.", f"{text}rc", f"{text}beta"))
