"""Running a function in a fresh Python process, for work that must be parallel in fact.

Threads share one interpreter lock and a fork copies whatever locks other threads hold, so neither serves. A
worker is a new interpreter that imports one module and calls one function: it takes some 12 MB and 20 ms.
Modules that workers import therefore keep clear of `typing`, `dataclasses` and `pathlib`.

Payload and result are whatever `marshal` can carry (None, bool, int, str, bytes, tuple, list, dict): it needs
no import, and both ends are this very program. Give paths as bytes: a worker may read its locale differently.

A worker has a session of its own, so a terminal's Ctrl-C reaches only the parent, whose `with` block then
kills it. A worker whose parent is gone sees its stdin close, and ends at once.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import Popen
    from types import TracebackType
    from typing import Any, NoReturn, Self

_BOOTSTRAP = "import sys; sys.path[:] = sys.argv[2:]; from gvmpy.workers import serve; serve(sys.argv[1])"
_LENGTH = 8  # bytes before each message, little-endian
_PATIENCE = 5.0  # seconds
_DONE, _REFUSED, _CRASHED = 0, 1, 2
_MOST_WORKERS = 2  # more would not pay for their memory: the parent is busy as well


class Worker:
    """One call in a process of its own: `with Worker.start(task) as worker: worker.send(x); worker.result()`.

    Leaving the block ends the process, finished or not. Start early and send late: the two overlap.
    """

    def __init__(self, task: str, process: Popen[bytes]) -> None:
        self._task = task
        self._process = process
        self._has_answered = False

    @classmethod
    def start(cls, task: str, *, pass_fds: Sequence[int] = ()) -> Worker:
        """Start an interpreter that will call `task` ("package.module:function") with one payload.

        `pass_fds` are open in the worker under the same numbers. Raises HostError when no process can be
        started.
        """
        import subprocess

        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        path = [entry for entry in sys.path if os.path.isabs(entry)]
        command = [sys.executable, "-I", "-c", _BOOTSTRAP, task, *path, *([] if here in path else [here])]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                pass_fds=pass_fds,
                bufsize=0,
            )
        except OSError as error:
            _raise_host_error(f"cannot start `{sys.executable}`: {error.strerror}", error)
        return cls(task, process)

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def send(self, payload: Any) -> None:
        """Hand over the payload and let the call begin."""
        import contextlib
        import marshal

        assert self._process.stdin is not None  # noqa: S101 - asked for with PIPE
        # A worker that died already says so in `result`.
        with contextlib.suppress(BrokenPipeError):
            _write_message(self._process.stdin.fileno(), marshal.dumps(payload))

    def result(self) -> Any:
        """Wait for the function's return value.

        Raises what the function raised: a GvmpyError as itself, an OSError as HostError. A worker that was
        killed, by the kernel for want of memory or by anyone, is a HostError.
        """
        import marshal

        assert self._process.stdout is not None  # noqa: S101 - asked for with PIPE
        message = _read_message(self._process.stdout.fileno())
        if message is None:
            self._raise_death()
        self._has_answered = True
        kind, *answer = marshal.loads(message)  # noqa: S302 - written by `serve`
        if kind == _DONE:
            return answer[0]
        if kind == _REFUSED:
            _raise_again(*answer)
        raise RuntimeError(f"worker `{self._task}` failed\n{answer[0]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import contextlib
        import subprocess

        if self._has_answered:  # it is about to end by itself
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()

    def _raise_death(self) -> NoReturn:
        import signal

        status = self._process.wait()
        if status >= 0:
            _raise_host_error(f"a worker process ended early with status {status}")
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        _raise_host_error(f"a worker process was ended by {name}; the machine may be short of memory")


def count() -> int:
    """Return into how many workers a job is best split on this machine: one, or two."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        usable = os.cpu_count() or 1
    return min(usable, _MOST_WORKERS)


def serve(task: str) -> None:
    """Be the worker: read the payload from stdin, call `task`, write the answer, never outlive the parent."""
    import _thread
    import importlib
    import marshal

    answer_fd = os.dup(1)
    os.dup2(2, 1)  # a stray print must not end up inside the answer
    module, _, function = task.partition(":")
    call = getattr(importlib.import_module(module), function)
    request = _read_message(0)
    if request is None:
        os._exit(1)
    _thread.start_new_thread(_end_with_parent, ())
    answer: tuple[Any, ...]
    try:
        answer = (_DONE, call(marshal.loads(request)))  # noqa: S302 - written by `send`
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it
        answer = _failure(error)
    try:
        _write_message(answer_fd, marshal.dumps(answer))
    finally:
        os._exit(0)  # nothing is left to tidy, and tidying takes milliseconds


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


def _failure(error: Exception) -> tuple[Any, ...]:
    """Put an exception into words that cross a pipe."""
    from gvmpy.errors import GvmpyError

    if isinstance(error, GvmpyError):
        return (_REFUSED, type(error).__name__, error.message, error.hint, error.details)
    if isinstance(error, OSError) and error.strerror is not None:
        name = error.filename if error.filename is not None else "file"
        text = os.fsdecode(name) if isinstance(name, str | bytes) else str(name)
        shown = text if text.isprintable() else ascii(text)[1:-1]
        return (_REFUSED, "HostError", f"cannot use `{shown}`: {error.strerror}", None, ())
    import traceback

    return (_CRASHED, "".join(traceback.format_exception(error)))


def _raise_again(name: str, message: str, hint: str | None, details: tuple[str, ...]) -> NoReturn:
    from gvmpy import errors

    kind: type[errors.GvmpyError] = getattr(errors, name)
    raise kind(message, hint=hint, details=details)


def _raise_host_error(message: str, cause: OSError | None = None) -> NoReturn:
    from gvmpy.errors import HostError

    raise HostError(message) from cause


def _write_message(descriptor: int, data: bytes) -> None:
    view = memoryview(len(data).to_bytes(_LENGTH, "little") + data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_message(descriptor: int) -> bytes | None:
    """Read one message; None when the other end closed before it was whole."""
    head = _read_exactly(descriptor, _LENGTH)
    return None if head is None else _read_exactly(descriptor, int.from_bytes(head, "little"))


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = os.read(descriptor, min(size - len(data), 1 << 20))
        if not piece:
            return None
        data += piece
    return bytes(data)
