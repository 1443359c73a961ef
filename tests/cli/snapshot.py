"""What a directory tree is, to tell whether a command wrote anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def snapshot(*roots: Path) -> dict[str, tuple[int, ...]]:
    """Return inode, mode, size and times of change of everything below `roots`; reading changes none."""
    found: dict[str, tuple[int, ...]] = {}
    for root in roots:
        for directory, _, files in os.walk(root):
            for path in (directory, *(os.path.join(directory, name) for name in files)):
                status = os.lstat(path)
                found[path] = (
                    status.st_ino,
                    status.st_mode,
                    status.st_size,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                )
    return found
