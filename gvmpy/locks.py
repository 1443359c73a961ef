"""Locks between processes: they save work, they do not carry correctness.

Where a file system has no locks (some NFS mounts) work goes on without; every commit is a rename that only
one process can win.
"""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from gvmpy.errors import HostError

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
"""What file systems without locks answer."""

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def hold(path: Path, *, timeout: float, on_wait: Callable[[], None] | None = None) -> Iterator[bool]:
    """Hold the lock file `path`, waiting up to `timeout` seconds; yield whether it is truly held.

    `on_wait` is called once when there is somebody to wait for. False means that this file system has no
    locks. Raises HostError when somebody else holds it for longer, or the file cannot be opened.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=0o600)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if on_wait is not None:
                on_wait()
            lock.acquire(timeout=timeout)
    except Timeout:
        raise HostError(
            f"another gvmpy has held `{path}` for {timeout:g} s",
            hint="wait for it to end, or set GVMPY_LOCK_TIMEOUT to more seconds",
        ) from None
    except PermissionError as error:
        raise HostError(f"cannot lock `{path}`: {error.strerror}") from error
    except NotImplementedError:  # how filelock puts ENOSYS
        yield False
        return
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise HostError(f"cannot lock `{path}`: {error.strerror}") from error
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextlib.contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """Hold `path` if nobody does now; yield whether it is held. Never waits, never raises for a busy lock."""
    try:
        with contextlib.ExitStack() as stack:
            held = stack.enter_context(hold(path, timeout=0))
            release = stack.pop_all()
    except HostError:
        yield False
        return
    with release:
        yield held
