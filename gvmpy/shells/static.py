"""The init texts as files below the root: sourcing one costs a shell no process at all.

`stub` runs whenever a shell starts and imports next to nothing; what writes imports what it needs itself.
"""

from __future__ import annotations

import os

from gvmpy.shells.init import render
from gvmpy.shells.quote import quote_fish, quote_posix

TYPE_CHECKING = False  # typing itself would cost 18 ms here
if TYPE_CHECKING:
    from gvmpy.home import Home

_MODE = 0o644
_PERMISSIONS = 0o7777
_NAMES = {"sh": "init.sh", "fish": "init.fish"}


def static_path(root: str, shell: str) -> str:
    """Return where the init text of `shell` stands below `root`, whether written or not."""
    return os.path.join(root, "shell", _NAMES.get(shell, _NAMES["sh"]))


def source_line(root: str, shell: str) -> str:
    """Return the line by which `shell` reads its static file, without the newline."""
    path = static_path(root, shell)
    return f"source {quote_fish(path)}" if shell == "fish" else f". {quote_posix(path)}"


def stub(root: str, program: str, shell: str) -> str | None:
    """Return the line that sources the static file, when that says what `render` would; else None.

    Raises ValueError as `render` does.
    """
    wanted = os.fsencode(render(root, program, shell))
    try:
        with open(static_path(root, shell), "rb") as stream:
            found = stream.read(len(wanted) + 1)
    except OSError:
        return None
    return f"{source_line(root, shell)}\n" if found == wanted else None


def write_init_files(home: Home, program: str) -> None:
    """Put init.sh and init.fish into a prepared home; what is right already is left alone.

    A root with a colon gets none: PATH could not hold its shims, and `gvmpy init` says so. Raises HostError
    when the directory cannot be written to.
    """
    from gvmpy.errors import HostError
    from gvmpy.files import write_atomic

    for shell, name in _NAMES.items():
        path = home.shell / name
        try:
            content = os.fsencode(render(os.fspath(home.root), program, shell))
        except ValueError:
            return
        try:
            if not _is_right(os.fspath(path), content):
                write_atomic(path, content, mode=_MODE)
        except OSError as error:
            raise HostError(f"cannot write `{path}`: {error.strerror}") from error


def _is_right(path: str, content: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # whatever it is, it is replaced, or the attempt says why not
    with open(descriptor, "rb") as stream:
        mode = os.fstat(descriptor).st_mode & _PERMISSIONS
        return mode == _MODE and stream.read(len(content) + 1) == content
