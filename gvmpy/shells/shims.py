"""Writing the shims: fixed names, one and the same file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gvmpy import assets
from gvmpy.errors import HostError
from gvmpy.files import write_atomic
from gvmpy.root import program_path
from gvmpy.shells.static import write_init_files

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.home import Home

NAMES = ("go", "gofmt")
_MODE = 0o755
_PERMISSIONS = 0o777


def write_shims(home: Home) -> None:
    """Put `go`, `gofmt` and the init texts into a prepared home; those that are right already are left alone.

    Shells remember where a command was found, so the names never change with what is installed. Raises
    HostError when the directory cannot be written to.
    """
    content = assets.read("shims/go")
    for name in NAMES:
        path = home.shims / name
        try:
            if not _is_right(path, content):
                write_atomic(path, content, mode=_MODE)
        except OSError as error:
            raise HostError(f"cannot write `{path}`: {error.strerror}") from error
    write_init_files(home, program_path())


def _is_right(path: Path, content: bytes) -> bool:
    try:
        with open(path, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & _PERMISSIONS
            return not path.is_symlink() and mode == _MODE and stream.read() == content
    except FileNotFoundError:
        return False
