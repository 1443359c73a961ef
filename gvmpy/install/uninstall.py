"""Taking a version away: out of sight by one rename, then off the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gvmpy import locks
from gvmpy.errors import HostError, NoSuchVersionError
from gvmpy.files import sync_directory
from gvmpy.install import staging
from gvmpy.install.commit import manifest_path

if TYPE_CHECKING:
    from gvmpy.home import Home
    from gvmpy.version import GoVersion


def uninstall(home: Home, version: GoVersion, *, lock_timeout: float) -> None:
    """Remove exactly `version`: the receipt first, so that no moment shows half of it.

    A tree with read-only files goes too. Raises NoSuchVersionError when it is not installed, HostError when
    the disk refuses; after either a plain retry is safe.
    """
    home.prepare()
    with locks.hold(staging.lock_path(home, version), timeout=lock_timeout):
        if not home.is_installed(version):
            raise NoSuchVersionError(f"{version.name} is not installed", hint="gvmpy list")
        try:
            os.unlink(home.receipt(version))
            sync_directory(home.receipts)
            manifest_path(home, version).unlink(missing_ok=True)
        except OSError as error:
            raise HostError(f"cannot remove `{home.receipt(version)}`: {error.strerror}") from error
        staging.discard(home, version)
