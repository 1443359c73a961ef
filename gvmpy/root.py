"""Where everything lives; apart from home.py because the hot calls may import nothing but `os`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def root_path(environ: Mapping[str, str]) -> str:
    """Return the absolute path of gvmpy's root: $GVMPY_ROOT, else `.gvmpy` in the home directory."""
    chosen = environ.get("GVMPY_ROOT") or os.path.join(os.path.expanduser("~"), ".gvmpy")
    return os.path.abspath(chosen)
