"""Aliases: links/NAME, a name of the user's own for an installed version."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy import locks
from gvmpy.errors import HostError, NoSuchVersionError, UsageError
from gvmpy.files import replace_link
from gvmpy.selection.request import is_alias_name, printable
from gvmpy.selection.resolve import resolve_alias, version_of

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.home import Home
    from gvmpy.version import GoVersion

_LOCK = "aliases.lock"


@dataclass(frozen=True, slots=True)
class Named:
    """An alias. `goroot` is where it leads, None when no toolchain is there; `version` is None where that
    tree is not one of ours.
    """

    name: str
    goroot: Path | None
    version: GoVersion | None


def aliases(home: Home) -> list[Named]:
    """Return every alias by name. Raises HostError when the links cannot be listed."""
    try:
        names = sorted(os.listdir(home.links))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise HostError(f"cannot read `{home.links}`: {error.strerror}") from error
    found = []
    for name in names:
        if is_alias_name(name):
            goroot = resolve_alias(name, home)
            found.append(Named(name, goroot, version_of(goroot, home) if goroot else None))
    return found


def set_alias(home: Home, name: str, version: GoVersion, *, lock_timeout: float) -> None:
    """Make `name` mean the installed `version`, whatever it meant before.

    Raises UsageError for a name that no alias can have, NoSuchVersionError when the version is not installed,
    HostError when the link cannot be written, or something that is no link is in its place.
    """
    link = _link(home, name)
    home.prepare()
    with locks.hold(home.locks / _LOCK, timeout=lock_timeout):
        if not home.is_installed(version):
            raise NoSuchVersionError(f"{version.name} is not installed", hint=f"gvmpy install {version}")
        _refuse_other(link)
        try:
            replace_link(link, f"../versions/{version.name}")
        except OSError as error:
            raise HostError(f"cannot replace `{link}`: {error.strerror}") from error


def remove_alias(home: Home, name: str, *, lock_timeout: float) -> None:
    """Take the alias `name` away. Raises UsageError for a name that no alias can have, NoSuchVersionError
    where there is no such alias, HostError when it cannot be removed.
    """
    link = _link(home, name)
    if not os.path.lexists(link):
        raise NoSuchVersionError(f"there is no alias `{name}`", hint="gvmpy alias")
    with locks.hold(home.locks / _LOCK, timeout=lock_timeout):
        _refuse_other(link)
        try:
            link.unlink(missing_ok=True)
        except OSError as error:
            raise HostError(f"cannot remove `{link}`: {error.strerror}") from error


def _link(home: Home, name: str) -> Path:
    if not is_alias_name(name):
        raise UsageError(
            f"`{printable(name)}` cannot be the name of an alias",
            hint="a letter, then letters, digits, `_` or `-`; versions, channels and `system` are taken",
        )
    return home.links / name


def _refuse_other(link: Path) -> None:
    if os.path.lexists(link) and not link.is_symlink():
        raise HostError(f"`{link}` is not a link, so it is not touched", hint="move it away by hand")
