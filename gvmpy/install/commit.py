"""The last step of an install: one rename and one receipt."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.files import exchange, sync_directory, write_atomic
from gvmpy.install.staging import discard, unique

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.home import Home
    from gvmpy.trust.manifest import Manifest
    from gvmpy.trust.receipt import Receipt
    from gvmpy.version import GoVersion

_OCCUPIED = (errno.EEXIST, errno.ENOTEMPTY)


def commit(home: Home, version: GoVersion, tree: Path, manifest: Manifest, receipt: Receipt) -> bool:
    """Make the staged `tree` the installation of `version`; return False when somebody else's stands there.

    The receipt is written last: a crash before it leaves a version that is not installed, and a tree that the
    next install replaces. Raises HostError when the disk refuses.
    """
    final = home.goroot(version)
    try:
        if home.is_installed(version):
            return False
        # A receipt without a working tree is none: it must not vouch for the tree that comes now.
        home.receipt(version).unlink(missing_ok=True)
        sync_directory(home.receipts)
        discard(home, version)
        write_atomic(manifest_path(home, version), manifest.dumps().encode())
        sync_directory(tree)
        try:
            os.rename(tree, final)
        except OSError as error:
            if error.errno in _OCCUPIED:
                return False
            raise
        sync_directory(home.versions)
        write_atomic(home.receipt(version), receipt.dumps())
    except OSError as error:
        raise HostError(f"cannot put {version.name} into `{home.versions}`: {error.strerror}") from error
    return True


def commit_over(home: Home, version: GoVersion, tree: Path, manifest: Manifest, receipt: Receipt) -> None:
    """Exchange the staged `tree` for whatever is the tree of `version`, which is staged from then on.

    Who starts a Go meanwhile gets the old tree or the new one. The records follow, the receipt last: a crash
    in between leaves the new tree under records that either fit it as well, or were damaged before. Raises
    HostError when the disk refuses.
    """
    final = home.goroot(version)
    try:
        sync_directory(tree)
        try:
            exchange(tree, final, aside=unique(home, version))
        except PermissionError:
            # Who gets another parent has to be writable: its `..` changes.
            if final.is_symlink():
                raise
            final.chmod(stat.S_IRWXU)
            exchange(tree, final, aside=unique(home, version))
        if tree.is_symlink() or tree.is_file():  # what stood in place of a tree
            tree.unlink()
        sync_directory(home.versions)
        write_atomic(manifest_path(home, version), manifest.dumps().encode())
        write_atomic(home.receipt(version), receipt.dumps())
    except OSError as error:
        raise HostError(f"cannot replace `{final}`: {error.strerror}") from error


def manifest_path(home: Home, version: GoVersion) -> Path:
    """Return the list of every installed file with its digest, beside the receipt that vouches for it."""
    return home.receipts / f"{version.name}.files"
