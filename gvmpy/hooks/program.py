"""Running a user's program: its output line by line, a limit in time, and an end to all that it started."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gvmpy.signals import Signals

_PIECE = 1 << 16
_LONGEST_LINE = 4096
"""Bytes; a longer one is shown in pieces."""
_MOST_SHOWN = 1 << 20
"""Bytes of output; the rest is read and dropped."""
_TAIL = 20
_GRACE = 2.0
"""Seconds between asking a group of processes to end and ending it."""
_LOOK_AGAIN = 0.05


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its code, negative for a signal, None when its time was up; its last lines."""

    code: int | None
    tail: tuple[str, ...]


def run_program(
    path: Path,
    *,
    environ: Mapping[str, str],
    directory: Path,
    timeout: float,
    signals: Signals,
    on_line: Callable[[str], None],
) -> Ended:
    """Run `path` without arguments or input, for at most `timeout` seconds; both its outputs go to `on_line`.

    It has a session of its own, so that no terminal can be asked and Ctrl-C reaches this process alone. When
    its time is up, or Interrupted is raised, its whole group ends: asked first, then made to. What it left
    running in the background goes on, without anybody to print to. Raises OSError when it cannot be executed.
    """
    process: subprocess.Popen[bytes] | None = None
    lines = _Lines(on_line)
    try:
        with signals.held():
            process = subprocess.Popen(
                [path],
                env=dict(environ),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        code = _follow(process, lines, time.monotonic() + timeout)
    finally:
        if process is not None:
            _end(process)
            lines.close()
    return Ended(code, tuple(lines.tail))


def _follow(process: subprocess.Popen[bytes], lines: _Lines, deadline: float) -> int | None:
    """Hand the output on until the program ends, whoever else holds the pipe; None when time is up first."""
    assert process.stdout is not None  # noqa: S101 - asked for with PIPE
    output = process.stdout.fileno()
    os.set_blocking(output, False)
    is_open = True
    while (left := deadline - time.monotonic()) > 0:
        # Looked at first: all that it printed is in the pipe by then.
        code = process.poll()
        if is_open and code is None:
            select.select([output], [], [], min(left, _LOOK_AGAIN))
        elif code is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(left)
        if is_open:
            is_open = _read(output, lines, at_once=_MOST_SHOWN if code is not None else _PIECE)
        if code is not None:
            return code
    return None


def _read(output: int, lines: _Lines, *, at_once: int) -> bool:
    """Read what is there, up to `at_once` bytes or a piece more; return whether there may come more."""
    done = 0
    with contextlib.suppress(BlockingIOError):
        while done < at_once:
            piece = os.read(output, _PIECE)
            if not piece:
                return False
            lines.feed(piece)
            done += len(piece)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the group of a program that has not ended by itself; let go of its pipe in any case."""
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is not None:
        return
    deadline = time.monotonic() + _GRACE
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline and (process.poll() is None or _is_alive(process.pid)):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):  # it may have become somebody else's
        process.wait(_GRACE)


def _is_alive(group: int) -> bool:
    """Whether a process of `group` is at work. One that ended counts as a member until somebody has asked for
    its status, and process 1 of many a container asks nobody: only /proc tells these apart.
    """
    try:
        names = [name for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        os.killpg(group, 0)
        return True
    for name in names:
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as stream:
            # proc(5): number, (name), state, parent, group; the name may hold anything.
            state, _, member_of = stream.read().rpartition(b")")[2].split()[:3]
            if int(member_of) == group and state not in {b"Z", b"X"}:
                return True
    return False


class _Lines:
    """Cuts bytes into lines and hands each on, up to a bound; keeps the last ones."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._on_line = on_line
        self._rest = b""
        self._shown = 0
        self._dropped = 0

    def feed(self, piece: bytes) -> None:
        """Take a piece of output."""
        if self._shown >= _MOST_SHOWN:
            self._dropped += len(piece)
            return
        self._shown += len(piece)
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            self._show(line)
        if len(self._rest) >= _LONGEST_LINE:
            self._show(self._rest)
            self._rest = b""

    def close(self) -> None:
        """Show what came last, without a newline."""
        if self._rest:
            self._show(self._rest)
        if self._dropped:
            self._hand_on(f"({self._dropped} more bytes of output are not shown)")

    def _show(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        for start in range(0, max(1, len(line)), _LONGEST_LINE):
            self._hand_on(line[start : start + _LONGEST_LINE].decode(errors="backslashreplace"))

    def _hand_on(self, text: str) -> None:
        text = text.expandtabs()
        self.tail.append(text)
        self._on_line(text)
