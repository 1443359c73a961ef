"""Where everything lives; apart from home.py because the hot calls may import nothing but `os` and `sys`."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing itself would cost 18 ms here
if TYPE_CHECKING:
    from collections.abc import Mapping


def root_path(environ: Mapping[str, str]) -> str:
    """Return the absolute path of gvmpy's root: $GVMPY_ROOT, else `.gvmpy` in the home directory.

    Raises ValueError where there is no home directory, as in a container under a number of no user.
    """
    chosen = environ.get("GVMPY_ROOT")
    if chosen:
        return os.path.abspath(chosen)
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise ValueError("there is no home directory to put gvmpy's root into: set GVMPY_ROOT")
    # As Path spells it, too: what is rendered in one run is compared in the next.
    return os.path.normpath(os.path.join(home, ".gvmpy"))


def program_path() -> str:
    """Return the absolute path by which this program was started, for shells to call it again."""
    started = sys.argv[0]
    if os.path.basename(started) == "__main__.py":
        return os.path.join(os.path.dirname(sys.executable), "gvmpy")
    return os.path.abspath(started)
