"""Which shell is asking. `gvmpy init -` runs whenever a shell starts: nothing but `os` is imported here."""

from __future__ import annotations

import os

POSIX = "sh"
"""What every unknown shell is taken for."""
SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "yash", "ash", "busybox", "fish")
"""The shells there is an init text for. All but fish take the same one."""


def shell_name(text: str) -> str | None:
    """Return the known shell that `text` names, be it a path or a login's `-bash`; None for any other."""
    name = os.path.basename(text.strip()).removeprefix("-")
    return name if name in SHELLS else None


def parent_shell() -> str:
    """Return the shell this process was started by, POSIX where its parent is no shell that is known.

    Behind the sh front this process is still the shell's own child, as the front becomes it by exec.
    """
    parent = os.getppid()
    for look in (_comm, _exe, _ps):
        name = shell_name(look(parent))
        if name is not None:
            return name
        if look is _exe and os.path.isdir("/proc/self"):
            break  # ps reads the same files
    return POSIX


def _comm(process: int) -> str:
    """Return what the kernel calls `process`, at most 15 bytes (proc(5)); empty where there is no /proc."""
    try:
        with open(f"/proc/{process}/comm", "rb") as stream:
            return os.fsdecode(stream.read())
    except OSError:
        return ""


def _exe(process: int) -> str:
    """Return the path of the program `process` runs: a shell may have given itself another name."""
    try:
        return os.readlink(f"/proc/{process}/exe")
    except OSError:
        return ""


def _ps(process: int) -> str:
    """Ask ps, as POSIX has it: macOS and the BSDs have no /proc. A login shell is called `-bash` there."""
    reader, writer = os.pipe()
    try:
        arguments = ["ps", "-o", "comm=", "-p", str(process)]
        null = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1), null]
        child = os.posix_spawnp("ps", arguments, os.environ, file_actions=actions)
    except OSError:
        os.close(reader)
        return ""
    finally:
        os.close(writer)
    with open(reader, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return os.fsdecode(answer)
