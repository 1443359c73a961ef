"""A profile as exports: the two files that the init texts source, shell/profile.sh and shell/profile.fish.

They are files of their own, for a value may hold a password, and the init texts are readable by all. Each
first takes back what an older profile exported, as far as it still stands, then exports the present one's
settings where nothing else has set them: what the user exports wins. What is exported is remembered in
_GVMPY_PROFILE_NAME, which is how the next shell below this one knows whose it is. No process is started.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.files import write_atomic
from gvmpy.profiletables import PROXY_SETTINGS, SETTINGS
from gvmpy.shells.quote import quote_fish, quote_posix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gvmpy.home import Home

OWN = "_GVMPY_PROFILE_"
"""In front of a setting's name: the variable that holds what a profile exported for it."""

_PRIVATE = 0o600
_HEAD = "# Written by `gvmpy profile use`: settings for new shells. Changes made here are lost."


def write_exports(
    home: Home, settings: Mapping[str, str], directories: list[tuple[str, Mapping[str, str]]]
) -> list[Path]:
    """Make new shells export `settings`, those that start in one of `directories` its own instead, the first
    that fits; return the files that changed.

    Without anything to export, and none before, nothing is written. Raises HostError.
    """
    if not settings and not any(values for _, values in directories) and not _are_there(home):
        return []
    texts = {
        home.shell / "profile.sh": "\n".join(_posix(settings, directories)),
        home.shell / "profile.fish": "\n".join(_fish(settings, directories)),
    }
    changed = []
    for path, text in texts.items():
        data = os.fsencode(f"{text}\n")
        try:
            if not _holds(path, data):
                write_atomic(path, data, mode=_PRIVATE)
                changed.append(path)
        except OSError as error:
            raise HostError(f"cannot write `{path}`: {error.strerror}") from error
    return changed


def _are_there(home: Home) -> bool:
    return any(os.path.lexists(home.shell / name) for name in ("profile.sh", "profile.fish"))


def _holds(path: Path, data: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # whatever it is, it is replaced, or the attempt says why not
    with open(descriptor, "rb") as stream:
        private = os.fstat(descriptor).st_mode & 0o7777 == _PRIVATE
        return private and stream.read(len(data) + 1) == data


def _posix(settings: Mapping[str, str], directories: list[tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    yield _HEAD
    for name in SETTINGS:
        own = f"{OWN}{name}"
        yield f'if [ -n "${{{own}-}}" ]; then'
        yield f'  [ "${{{name}-}}" != "${own}" ] || \\unset {name}'
        yield f"  \\unset {own}"
        yield "fi"
    yield "case ${PWD-}/ in"
    for directory, values in directories:
        yield f"{quote_posix(directory.rstrip('/') + '/')}*)"
        yield from _posix_exports(values)
        yield "  ;;"
    yield "*)"
    yield from _posix_exports(settings)
    yield "  ;;"
    yield "esac"


def _posix_exports(values: Mapping[str, str]) -> Iterator[str]:
    yield "  :"
    for name, value in values.items():
        spellings = "".join(f"${{{spelling}-}}" for spelling in _spellings(name))
        yield f'  if [ -z "{spellings}" ]; then'
        yield f"    {name}={quote_posix(value)} {OWN}{name}={quote_posix(value)}"
        yield f"    \\export {name} {OWN}{name}"
        yield "  fi"


def _fish(settings: Mapping[str, str], directories: list[tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    yield _HEAD
    for name in SETTINGS:
        own = f"{OWN}{name}"
        yield f'if test -n "${own}"'
        yield f'    test "${name}" = "${own}"; and set -eg {name}'
        yield f"    set -eg {own}"
        yield "end"
    for number, (directory, values) in enumerate(directories):
        pattern = f"^{re.escape(directory.rstrip('/') + '/')}"
        yield f'{"else " if number else ""}if string match -qr -- {quote_fish(pattern)} "$PWD/"'
        yield from _fish_exports(values)
    yield "else" if directories else "begin"
    yield from _fish_exports(settings)
    yield "end"
    yield "true"


def _fish_exports(values: Mapping[str, str]) -> Iterator[str]:
    yield "    true"
    for name, value in values.items():
        spellings = "".join(f"${spelling}" for spelling in _spellings(name))
        yield f'    if test -z "{spellings}"'
        yield f"        set -gx {name} {quote_fish(value)}"
        yield f"        set -gx {OWN}{name} {quote_fish(value)}"
        yield "    end"


def _spellings(name: str) -> tuple[str, ...]:
    """A proxy is the user's own in lower case as well, and Go would take the upper case first."""
    return (name, name.lower()) if name in PROXY_SETTINGS else (name,)
