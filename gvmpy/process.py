"""Running other programs: a Go binary for an answer, gpg and pip within bounds of time and output."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from gvmpy.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_SHIELD = {"GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "", "GO111MODULE": "", "LC_ALL": "C"}
_SECONDS = 30
_PIECE = 1 << 16
_TICK = 0.2
"""Seconds between two looks at what a running program has done so far."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program left behind. `overlong`: it was stopped for writing more than it was allowed to."""

    status: int
    stdout: bytes
    stderr: bytes
    overlong: bool


def ask_go(
    binary: Path,
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> str:
    """Return what `binary ARGUMENTS` prints, started outside any module and without a home directory.

    It has none of the user's settings, only `settings`.
    GOTOOLCHAIN=local keeps the command from switching to, or downloading, another toolchain; without HOME it
    writes no telemetry. With `environ` and `directory` it gets these, and it is the caller's to shield it.
    Raises HostError when it cannot be run or fails.
    """
    try:
        answer = subprocess.run(
            [str(binary), *arguments],
            env={**(_SHIELD if environ is None else environ), **(settings or {})},
            cwd=directory or "/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        hint = None
        if error.errno == errno.EACCES:
            hint = "is the file system mounted noexec? set GVMPY_ROOT to a directory on another one"
        raise HostError(f"cannot run `{binary}`: {error.strerror}", hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"`{binary}` did not answer within {_SECONDS} s") from error
    if answer.returncode != 0:
        first = answer.stderr.decode(errors="replace").strip().splitlines()[:1]
        raise HostError(f"`{binary} {' '.join(arguments)}` failed", details=tuple(first))
    return answer.stdout.decode(errors="replace").strip()


def run_bounded(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    seconds: float,
    most_output: int,
    most_file: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Finished:
    """Run `command` without a terminal or any input, and return what it wrote, at most `most_output` bytes.

    No file it writes grows beyond `most_file` bytes, where the system can see to that (Linux). `tick` is
    called several times a second; whatever it raises ends the program. The program and what it started have
    a session of their own, which is killed on every way out of here. Raises HostError when it cannot be
    started or takes longer than `seconds`.
    """
    name = os.path.basename(command[0])
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise HostError(f"cannot run `{command[0]}`: {error.strerror}") from error
    with process:
        try:
            if most_file is not None:
                _limit_files(process.pid, most_file)
            assert process.stdout is not None  # noqa: S101 - asked for with PIPE
            assert process.stderr is not None  # noqa: S101
            end = time.monotonic() + seconds
            streams: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
            overlong = not _collect(streams, end, most_output, tick, name)
            if overlong:
                _kill(process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
            if process.returncode is None:
                raise _too_slow(name)
        finally:
            _kill(process)
        out, err = (bytes(data) for data in streams.values())
        return Finished(process.returncode, out, err, overlong)


def _collect(
    streams: dict[IO[bytes], bytearray], end: float, most: int, tick: Callable[[], None], name: str
) -> bool:
    """Read until all `streams` are closed; False when they hold more than `most` bytes."""
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            tick()
            if time.monotonic() > end:
                raise _too_slow(name)
            for key, _ in selector.select(_TICK):
                stream = next(one for one in streams if one is key.fileobj)
                piece = os.read(key.fd, _PIECE)
                if not piece:
                    selector.unregister(stream)
                streams[stream] += piece
                if sum(map(len, streams.values())) > most:
                    return False
    return True


def _limit_files(pid: int, most: int) -> None:
    import resource

    with contextlib.suppress(AttributeError, OSError):  # no prlimit(2) but on Linux
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started. Once it was waited for, its number may be somebody else's."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _too_slow(name: str) -> HostError:
    return HostError(f"`{name}` took too long and was ended")
