"""Writing so that a reader, or a crash, finds the old state or the new one and never half of either."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
from typing import TYPE_CHECKING

from gvmpy.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_OWNER_ALL = 0o700
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})
"""What file systems and kernels without an exchange answer."""


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` at `path` with exactly `mode`, by a unique temporary file beside it and a rename."""
    with written_beside(path, data, mode=mode) as temporary:
        os.replace(temporary, path)
    sync_directory(path.parent)


@contextlib.contextmanager
def written_beside(path: Path, data: bytes, *, mode: int, group: int | None = None) -> Iterator[Path]:
    """Yield a unique file beside `path` that holds `data` durably, for the caller to rename; if it is still
    there at the end, it goes. With `group` it belongs to that one, or PermissionError says that it cannot.
    """
    temporary = _unique_beside(path)
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        with open(descriptor, "wb") as stream:
            if group is not None and os.fstat(descriptor).st_gid != group:
                os.fchown(descriptor, -1, group)
            os.fchmod(descriptor, mode)
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def replace_link(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`, replacing what was there without a moment of absence.

    The temporary name is unique: with a fixed one, two writers take each other's link away.
    """
    temporary = _unique_beside(link)
    os.symlink(target, temporary)
    try:
        os.replace(temporary, link)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_directory(link.parent)


def exchange(new: Path, present: Path, *, aside: Path) -> None:
    """Give what `new` and `present` name each other's name, in one step: each is there at every moment.

    renameat2(2) with RENAME_EXCHANGE, on macOS renamex_np(2) with RENAME_SWAP, which has the same value.
    Where the file system has neither, `present` is called `aside` between two renames, and missing for that
    moment. With nothing at `present`, `new` just gets its name. Raises OSError.
    """
    if not os.path.lexists(present):
        os.rename(new, present)
    elif not _exchanged(new, present):
        os.rename(present, aside)
        try:
            os.rename(new, present)
        except BaseException:
            os.rename(aside, present)
            raise
        os.rename(aside, new)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names by the system's own call; return False where it has none."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(first, second, _RENAME_EXCHANGE)
        else:
            failed = library.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE)
    except AttributeError:  # a C library that is older than the call
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def sync_directory(path: Path) -> None:
    """Ask the kernel to make names in `path` durable; file systems that cannot are left alone."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a directory tree, read-only directories included, without following a link out of it.

    Raises OSError when something cannot be removed even after its directory was made writable.
    """
    tried: set[str] = set()

    def retry_writable(function: Callable[..., object], name: str, error: BaseException) -> None:
        if not isinstance(error, PermissionError) or name in tried:
            raise error
        tried.add(name)
        for directory in (os.path.dirname(name), name):
            with contextlib.suppress(OSError):
                if stat.S_ISDIR(os.lstat(directory).st_mode):
                    os.chmod(directory, _OWNER_ALL)
        if function in (os.unlink, os.rmdir):
            function(name)
        else:
            remove_tree_at(name)

    def remove_tree_at(name: str) -> None:
        if sys.version_info >= (3, 12):
            shutil.rmtree(name, onexc=retry_writable)
        else:
            shutil.rmtree(
                name, onerror=lambda function, entry, info: retry_writable(function, entry, info[1])
            )

    with contextlib.suppress(FileNotFoundError):
        remove_tree_at(os.fspath(path))


def make_private(path: Path) -> None:
    """Make a directory, and what is missing above it, for its owner alone.

    mkdir(parents=True) gives the mode to the last one only; under a wide umask others could then rename what
    stands above, with all that is in it.
    """
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for directory in reversed(missing):
        directory.mkdir(mode=_OWNER_ALL, exist_ok=True)


def refuse_foreign(path: Path, hint: str) -> None:
    """As root, write only where root owns the nearest thing that exists: `sudo gvmpy` must not leave files in
    a user's home that the user cannot change. Raises HostError; for anybody else it is a matter of modes.
    """
    if os.geteuid() != 0:
        return
    nearest = path
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    owner = nearest.stat().st_uid
    if owner != 0:
        raise HostError(f"running as root, but `{nearest}` belongs to user {owner}", hint=hint)


def is_on_noexec(path: str | os.PathLike[str]) -> bool:
    """Whether `path` lies on a file system from which nothing may be executed.

    False where that cannot be told: only Linux has the flag in statvfs(3).
    """
    if sys.platform != "linux":
        return False
    try:
        return bool(os.statvfs(path).f_flag & os.ST_NOEXEC)
    except OSError:
        return False


def _unique_beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(6)}")
