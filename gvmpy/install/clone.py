"""A second tree of the files of a first: where all are there and only others must go, nothing is fetched."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError
from gvmpy.trust.manifest import compare
from gvmpy.trust.tree import hash_tree

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.trust.manifest import Manifest


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
            mode = 0o755 if record.is_executable else 0o644
            if source.lstat().st_mode & 0o7777 == mode:
                os.link(source, target, follow_symlinks=False)
            else:
                _copy(source, target, mode)
    except OSError as error:
        raise HostError(f"cannot copy `{goroot}`: {error.strerror}") from error
    if compare(manifest, hash_tree(tree)):
        raise IntegrityError(f"`{goroot}` changes while it is being repaired")


def _copy(source: Path, target: Path, mode: int) -> None:
    """Copy a regular file; a link that has come into its place is not followed."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(reading, "rb") as old:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(writing, "wb") as new:
            shutil.copyfileobj(old, new)
            os.fchmod(new.fileno(), mode)
