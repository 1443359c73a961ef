"""The default: one symbolic link, replaced by rename, so that no reader ever misses it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy import locks
from gvmpy.errors import HostError, NoSuchVersionError
from gvmpy.files import replace_link, write_atomic
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from gvmpy.home import Home

SYSTEM = "system"
_LOCK = "default.lock"


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of the default: texts such as `1.22.3` or `system`; `before` is None the first time."""

    before: str | None
    after: str


def default_version(home: Home) -> str | None:
    """Return the default as `1.22.3`, as `system` when it is a Go outside our versions, or None."""
    if not home.default_link.is_symlink():
        return None
    # By where it leads, however that is spelled: the tree may be gone.
    target = Path(os.path.realpath(home.default_link))
    if target.parent != Path(os.path.realpath(home.versions)):
        return SYSTEM
    try:
        return GoVersion.parse(target.name).text
    except ValueError:
        return SYSTEM


def set_default(home: Home, version: GoVersion, *, lock_timeout: float) -> Switch:
    """Make the installed `version` the default.

    Raises NoSuchVersionError when it is not installed, HostError when the link cannot be written.
    """
    return _flip(home, f"../versions/{version.name}", version, lock_timeout)


def set_default_system(home: Home, goroot: Path, *, lock_timeout: float) -> Switch:
    """Make the Go outside gvmpy at `goroot` the default: `links/go` stays a GOROOT for IDEs to point at."""
    return _flip(home, os.fspath(goroot), None, lock_timeout)


def forget_default(home: Home, version: GoVersion, *, lock_timeout: float) -> bool:
    """Remove the default link if it still names `version`, which is gone; return whether it did."""
    with locks.hold(home.locks / _LOCK, timeout=lock_timeout):
        if default_version(home) != version.text:
            return False
        try:
            home.default_link.unlink()
        except OSError as error:
            raise HostError(f"cannot remove `{home.default_link}`: {error.strerror}") from error
    return True


def previous_default(home: Home) -> str | None:
    """Return what was the default before the last change, as default_version() spells it."""
    with contextlib.suppress(OSError, ValueError):
        word = _previous(home).read_text(encoding="ascii")[:32].strip()
        return word if word == SYSTEM else GoVersion.parse(word).text
    return None


def _flip(home: Home, target: str, version: GoVersion | None, lock_timeout: float) -> Switch:
    """Point the link to `target`; `version` is what must be installed there, None outside our versions."""
    home.prepare()
    after = version.text if version else SYSTEM
    with locks.hold(home.locks / _LOCK, timeout=lock_timeout):
        if version is not None and not home.is_installed(version):
            raise NoSuchVersionError(f"{version.name} is not installed", hint=f"gvmpy install {version}")
        before = default_version(home)
        try:
            replace_link(home.default_link, target)
            if before is not None and before != after:
                write_atomic(_previous(home), f"{before}\n".encode())
        except OSError as error:
            raise HostError(f"cannot replace `{home.default_link}`: {error.strerror}") from error
    return Switch(before, after)


def _previous(home: Home) -> Path:
    return home.state / "previous-default"
