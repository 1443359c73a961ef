"""Whether others can change what is about to be executed: the file, or anything on the way to it.

Each step of the way, links included, is opened from the one before and looked at by its descriptor, from the
root directory on. Nobody but its owner and root can then put another file in its place between this look and
the execution, as that would take a directory they may write to.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_LINKS = 40
"""As many as Linux follows (path_resolution(7))."""
_LOOK = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def why_unsafe(path: Path) -> str | None:
    """Return who else could change `path`, an absolute one, or what it leads to; None when nobody can.

    An access list shows as the group's bits, so it counts, too. A sticky directory on the way, such as /tmp,
    may be anybody's to write to, as what stands in it is its owner's (chmod(2)); not so the one with the file
    in it, where somebody could put a second link to another. Raises OSError when a part cannot be looked at.
    """
    names = _names(os.fspath(path))
    walked = ["/"]
    directory = os.open("/", _LOOK | os.O_DIRECTORY)
    links = 0
    try:
        while True:
            reason = _verdict(os.fstat(directory), _shown(walked), may_be_sticky=len(names) > 1)
            if reason is not None or not names:
                return reason
            name = names.pop()
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _MOST_LINKS:
                    return "it leads through too many links"
                if (reason := _owner_verdict(status, _shown([*walked, name]))) is not None:
                    return reason
                target = os.readlink(name, dir_fd=directory)
                names += _names(target)
                if not target.startswith("/"):
                    continue
                name, walked = "/", []
            directory = _step(directory, name)
            walked = walked[:-1] if name == ".." and len(walked) > 1 else [*walked, name]
    finally:
        os.close(directory)


def _step(directory: int, name: str) -> int:
    """Open `name` below `directory`, which is closed then."""
    entry = os.open(name, _LOOK, dir_fd=directory)
    os.close(directory)
    return entry


def _shown(walked: list[str]) -> str:
    return os.path.join(*walked)


def _names(path: str) -> list[str]:
    """Return the parts of `path`, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _verdict(status: os.stat_result, shown: str, *, may_be_sticky: bool) -> str | None:
    reason = _owner_verdict(status, shown)
    is_sticky = may_be_sticky and stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if reason is None and status.st_mode & _OTHERS_WRITE and not is_sticky:
        return f"others can write to `{shown}`"
    return reason


def _owner_verdict(status: os.stat_result, shown: str) -> str | None:
    if status.st_uid not in {0, os.geteuid()}:
        return f"`{shown}` belongs to user {status.st_uid}"
    return None
