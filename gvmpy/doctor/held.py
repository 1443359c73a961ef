"""Locks: who holds them, and whether this file system has any."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.doctor.finding import Finding, Fix, Severity, command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.patient import Patient

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
_LONGEST_MARKER = 1024


def check_locks(patient: Patient) -> Iterator[Finding]:
    """Each lock file is free, or held by somebody who works."""
    try:
        names = sorted(os.listdir(patient.home.locks))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        path = patient.home.locks / name
        if not path.is_file():
            continue
        try:
            held = is_held(path)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            yield from _without_locks(path)
            continue
        if held:
            yield _held(path)
        else:
            yield from _marker(path)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock file; a file that is not there nobody does.

    It is tried with a shared lock that is given back at once, by a descriptor that only reads. Raises OSError
    where it cannot be tried.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _held(path: Path) -> Finding:
    holder = _holder(path)
    stopped = holder is not None and _state(holder) == "T"
    who = "another process" if holder is None else f"process {holder}"
    return Finding(
        "lock-held",
        Severity.WARNING if stopped else Severity.NOTE,
        f"{who} holds the lock `{path.name}`" + (", and is stopped" if stopped else ""),
        f"`{path}`",
        "commands that need it wait, until it ends",
        Fix(command("kill", "-CONT", str(holder)) if stopped else command("ps", "-fp", str(holder or "PID"))),
    )


def _without_locks(path: Path) -> Iterator[Finding]:
    yield Finding(
        "locks-missing",
        Severity.WARNING,
        "this file system has no locks",
        f"`{path.parent}`",
        "two installations at once do the same work twice; neither harms the other",
        Fix("export GVMPY_ROOT=/path/to/a/directory/on/a/local/file/system"),
    )
    yield from _marker(path)


def _marker(path: Path) -> Iterator[Finding]:
    """Where there are no locks, filelock writes into the file: the process, and on a second line the host."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            content = stream.read(_LONGEST_MARKER)
    except FileNotFoundError:
        return
    lines = content.decode("ascii", "replace").split("\n")
    if len(lines) < len(("process", "host")) or not lines[0].isascii() or not lines[0].isdecimal():
        return
    process, host = int(lines[0]), lines[1]
    if host != socket.gethostname() or _is_alive(process):
        return
    yield Finding(
        "lock-of-the-dead",
        Severity.WARNING,
        f"the lock `{path.name}` is that of process {process}, which is gone",
        f"`{path}`",
        "commands that need it may wait for nobody",
        Fix(command("rm", "--", path), f"remove `{path}`", partial(_remove, path, content)),
    )


def _remove(path: Path, content: bytes) -> None:
    """Remove the file if nobody took it over meanwhile."""
    if path.read_bytes() == content:
        path.unlink()


def _holder(path: Path) -> int | None:
    """Return the process that holds a lock on `path`, None where the kernel does not say (proc_locks(5))."""
    status = path.stat()
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError), open("/proc/locks", encoding="ascii", errors="replace") as stream:
        for line in stream:
            words = line.split()
            if len(words) > 5 and words[1] == "FLOCK" and words[5] == wanted and words[4].isdecimal():  # noqa: PLR2004
                return int(words[4]) or None
    return None


def _state(process: int) -> str:
    """Return the letter for the state of `process`, "" where it cannot be told (proc_pid_stat(5))."""
    with contextlib.suppress(OSError, IndexError):
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].split()[0]
    return ""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


CHECKS = (check_locks,)
