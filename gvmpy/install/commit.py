"""The last step of an install: one rename and one receipt."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.files import sync_directory, write_atomic
from gvmpy.install.staging import discard

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


def manifest_path(home: Home, version: GoVersion) -> Path:
    """Return the list of every installed file with its digest, beside the receipt that vouches for it."""
    return home.receipts / f"{version.name}.files"
