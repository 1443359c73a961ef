"""Hooks that outlived the gvmpy that ran them: they must not go on working for a switch that is put back."""

from __future__ import annotations

import contextlib
import os
import signal
import time

SWITCH_VARIABLE = "GVMPY_SWITCH"
"""Set for a hook, and so for all that it starts: which switch it works for."""

_GRACE = 2.0
"""Seconds between asking a process to end and ending it."""


def end_orphans(switch: str) -> None:
    """End the processes that work for `switch`, a crashed one. They are found by their environment in /proc;
    where there is no /proc, none is.
    """
    deadline = time.monotonic() + _GRACE
    _send(_working_for(switch), signal.SIGTERM)
    while (left := _working_for(switch)) and time.monotonic() < deadline:
        time.sleep(0.02)
    _send(left, signal.SIGKILL)


def _send(processes: list[int], number: int) -> None:
    for process in processes:
        with contextlib.suppress(OSError):
            os.kill(process, number)


def _working_for(switch: str) -> list[int]:
    mark = f"{SWITCH_VARIABLE}={switch}".encode()
    found = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdecimal() and int(name) != os.getpid():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as stream:
                if mark in stream.read().split(b"\0"):
                    found.append(int(name))
    return found
