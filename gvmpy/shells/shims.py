"""Writing the shims: one and the same file under several names."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from gvmpy import __version__, assets
from gvmpy.config import load
from gvmpy.errors import HostError
from gvmpy.files import write_atomic
from gvmpy.root import program_path
from gvmpy.shells.quote import quote_posix
from gvmpy.shells.static import write_init_files
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gvmpy.home import Home

NAMES = ("go", "gofmt", "gvmpy")
"""What is always there; besides, one shim for each installed version, called as the version is."""
_MODE = 0o755
_PERMISSIONS = 0o777


def write_shims(home: Home) -> None:
    """Put the shims and the init texts into a prepared home; those that are right already are left alone.

    Each installed version has one of its own, `go1.22.3`, which the go command's own toolchain switch finds
    on PATH before it downloads anything. Raises HostError when the directory cannot be written to.
    """
    content = render_shim(program_path(), _wish_for_the_missing())
    versions = {version.name for version in home.installed() if version.is_release}
    for name in (*NAMES, *sorted(versions)):
        write_shim(home.shims / name, content)
    _remove_others(home, versions)
    write_init_files(home, program_path())
    _keep_fresh([*home.shims.iterdir(), *home.shell.iterdir()], program_path())


def render_shim(program: str, missing: str) -> bytes:
    """Return the text of every shim, for the program at the absolute path `program`; `missing` is
    `switch.missing`.
    """
    text = assets.read("shims/go").decode()
    values = {"__GVMPY_PROGRAM__": program, "__GVMPY_RELEASE__": __version__, "__GVMPY_MISSING__": missing}
    # One pass, as a value may look like a mark.
    pieces = re.split(f"({'|'.join(values)})", text)
    return os.fsencode("".join(quote_posix(values[piece]) if piece in values else piece for piece in pieces))


def write_shim(path: Path, content: bytes) -> None:
    """Put a shim at `path` unless it is right already. Raises HostError."""
    try:
        if not _is_right(path, content):
            write_atomic(path, content, mode=_MODE)
    except OSError as error:
        raise HostError(f"cannot write `{path}`: {error.strerror}") from error


def write_front(path: Path, program: str) -> None:
    """Put the shim at `path`, called `gvmpy`, as the command on PATH before the program at `program`.

    It is written even where it is right already, as one older than its program leaves every answer to that.
    `switch.missing` concerns `go` alone, so this one does without. Raises HostError.
    """
    try:
        write_atomic(path, render_shim(program, "error"), mode=_MODE)
    except OSError as error:
        raise HostError(f"cannot write `{path}`: {error.strerror}") from error


def _keep_fresh(paths: Iterable[Path], program: str) -> None:
    """Make files that are right as new as the program: the shim takes what is older than it for outdated."""
    with contextlib.suppress(OSError):
        built = os.stat(program).st_mtime_ns
        for path in paths:
            if os.lstat(path).st_mtime_ns < built:
                os.utime(path, follow_symlinks=False)


def _remove_others(home: Home, versions: set[str]) -> None:
    """Remove the shims of versions that are gone; what is called otherwise is not ours to remove."""
    for name in os.listdir(home.shims):
        try:
            ours = GoVersion.parse(name).name == name and name.startswith("go")
        except ValueError:
            continue
        if ours and name not in versions:
            with contextlib.suppress(OSError):
                os.unlink(home.shims / name)


def _wish_for_the_missing() -> str:
    """Return `switch.missing` as the file has it: a variable of this one run must not outlive it."""
    lasting = {name: value for name, value in os.environ.items() if name != "GVMPY_MISSING"}
    return load(lasting).missing


def _is_right(path: Path, content: bytes) -> bool:
    try:
        with open(path, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & _PERMISSIONS
            return not path.is_symlink() and mode == _MODE and stream.read() == content
    except FileNotFoundError:
        return False
