"""A second tree of the files of a first: where all are there and only others must go, nothing is fetched."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError
from gvmpy.install.archives.write import file_mode
from gvmpy.trust.manifest import compare
from gvmpy.trust.tree import hash_tree

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.trust.manifest import Manifest

_EXECUTE = 0o111


def clone(goroot: Path, manifest: Manifest, tree: Path) -> None:
    """Make `tree` of the files in `goroot` that `manifest` names, and of no others, with their right modes.

    The files are second links where the mode is right, else copies. What came of it is hashed, so that it is
    the tree that was installed, whatever happens to `goroot` meanwhile. Raises IntegrityError when it is not,
    HostError when the disk refuses.
    """
    try:
        tree.mkdir(mode=0o755)
        for record in manifest.records:
            source, target = goroot / record.name, tree / record.name
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            mode, present = file_mode(record.mode), stat.S_IMODE(source.lstat().st_mode)
            # Any umask may have been at work; more than it leaves is wrong.
            right = present & ~mode == 0 and bool(present & _EXECUTE) == record.is_executable
            if not (right and _linked(source, target)):
                _copy(source, target, mode)
    except OSError as error:
        raise HostError(f"cannot copy `{goroot}`: {error.strerror}") from error
    if compare(manifest, hash_tree(tree)):
        raise IntegrityError(f"`{goroot}` changes while it is being repaired")


def _linked(source: Path, target: Path) -> bool:
    """Make a second link; return False where the file system has none."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        return False
    return True


def _copy(source: Path, target: Path, mode: int) -> None:
    """Copy a regular file; a link that has come into its place is not followed."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(reading, "rb") as old:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(writing, "wb") as new:
            shutil.copyfileobj(old, new)
