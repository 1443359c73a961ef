"""Writing files below one directory, and nowhere else.

Every directory is opened relative to the one above it and never through a link, so a name cannot leave the
destination even where somebody changes the tree meanwhile.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress

from gvmpy.install.archives.names import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_EXECUTE = 0o111


def file_mode(mode: int) -> int:
    """Return the mode a member is written with, before the umask: executable by all, or by nobody."""
    return 0o755 if mode & _EXECUTE else 0o644


class TreeWriter:
    """Creates files and directories below `destination`, which must exist.

    Descriptors of the directory written last and of its parents stay open: archives list their members by
    directory. Names must have passed `Names`. Raises HostError, naming the path, where the machine refuses.
    """

    def __init__(self, destination: bytes) -> None:
        self._destination = destination
        self._parts: list[str] = []
        self._directory = ""
        try:
            self._stack = [os.open(destination, _OPEN_DIRECTORY)]
        except OSError as error:
            self._fail(error, "")

    def add_directory(self, name: str) -> None:
        """Create a directory and its parents, as far as they are missing."""
        try:
            self._enter(name)
        except OSError as error:
            self._fail(error, name)

    def add_file(self, name: str, mode: int, pieces: Iterable[memoryview | bytes]) -> str:
        """Create a file that does not exist yet, and return the SHA-256 of its content in hexadecimal."""
        digest = hashlib.sha256()
        directory, _, base = name.rpartition("/")
        try:
            parent = self._stack[-1] if directory == self._directory else self._enter(directory)
            descriptor = os.open(base.encode(), _CREATE, mode, dir_fd=parent)
        except OSError as error:
            self._fail(error, name)
        try:
            for piece in pieces:
                digest.update(piece)
                try:
                    written = os.write(descriptor, piece)
                    while written < len(piece):
                        written += os.write(descriptor, piece[written:])
                except OSError as error:
                    self._fail(error, name)
        finally:
            os.close(descriptor)
        return digest.hexdigest()

    def _enter(self, directory: str) -> int:
        """Make `directory` the current one and return its descriptor."""
        parts = directory.split("/") if directory else []
        shared = 0
        for ours, theirs in zip(self._parts, parts, strict=False):
            if ours != theirs:
                break
            shared += 1
        while len(self._stack) > shared + 1:
            os.close(self._stack.pop())
        del self._parts[shared:]
        self._directory = "/".join(self._parts)
        for part in parts[shared:]:
            self._stack.append(_make_directory(part.encode(), self._stack[-1]))
            self._parts.append(part)
        self._directory = directory
        return self._stack[-1]

    def _fail(self, error: OSError, name: str) -> NoReturn:
        from gvmpy.errors import HostError

        path = os.path.join(os.fsdecode(self._destination), name)
        raise HostError(f"cannot write `{shown(path)}`: {error.strerror}") from error


def _make_directory(name: bytes, parent: int) -> int:
    with suppress(FileExistsError):  # implied earlier, or made by the other worker
        os.mkdir(name, 0o755, dir_fd=parent)
    return os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
