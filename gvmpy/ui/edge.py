"""The one place where answers and errors become output and an exit code.

JSON envelope: {"schema": 1, "command", "status": "ok" | "no" | "error", "exit_code", "data", "errors"}.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, HostError
from gvmpy.ui.result import Result
from gvmpy.ui.style import paint, printable

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = 1
INTERRUPTED = 130
_READER_GONE = 141


def answer(command: str, work: Callable[[], Result], *, as_json: bool) -> int:
    """Do `work`, show what it gives or raises, and return the exit code. No traceback gets past here
    for anything that can be expected to happen.
    """
    if sys.stderr is None:  # closed by whoever started us: print() would turn to stdout instead
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of the process
    try:
        try:
            result = work()
        except GvmpyError as error:
            result = Result(exit_code=error.exit_code, errors=(error,))
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            result = Result(exit_code=HostError.exit_code, errors=(_from_os(error),))
        show(command, result, as_json=as_json)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return _READER_GONE
    except OSError as error:
        _abandon_stdout()
        show_error(_from_os(error))
        return HostError.exit_code
    return result.exit_code


def show(command: str, result: Result, *, as_json: bool) -> None:
    """Write `result` to stdout and stderr."""
    if as_json:
        _write(_envelope(command, result))
        return
    if result.text:
        _write(result.text)
        sys.stdout.flush()
    for note in result.notes:
        print(printable(note), file=sys.stderr)
    for error in result.errors:
        show_error(error)


def talk(line: str) -> None:
    """Write a line to stderr at once, while work goes on; who has closed it does not want to know."""
    with contextlib.suppress(OSError, ValueError):
        print(printable(line), file=sys.stderr, flush=True)


def show_error(error: GvmpyError) -> None:
    """Write one error to stderr: the sentence, its details, the hint."""
    lines = [f"{paint('error:', 'red', sys.stderr)} {printable(error.message)}"]
    lines += [f"  {printable(detail)}" for detail in error.details]
    if error.hint:
        lines.append(f"{paint('hint:', 'cyan', sys.stderr)} {printable(error.hint)}")
    print("\n".join(lines), file=sys.stderr)


def _write(text: str) -> None:
    """Write to stdout in bytes: a path comes out as it is on disk, whatever the locale can show."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    try:
        data = os.fsencode(text)
    except UnicodeEncodeError:
        data = text.encode(sys.getfilesystemencoding(), "backslashreplace")
    sys.stdout.flush()
    sys.stdout.buffer.write(data + b"\n")


def _abandon_stdout() -> None:
    """Whoever read our output has enough, or the disk has: the interpreter must not complain at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _envelope(command: str, result: Result) -> str:
    import json

    status = "error" if result.errors else "ok" if result.exit_code == 0 else "no"
    errors = [
        {"kind": error.kind, "message": error.message, "details": list(error.details), "hint": error.hint}
        for error in result.errors
    ]
    document = {
        "schema": SCHEMA,
        "command": command,
        "status": status,
        "exit_code": result.exit_code,
        "data": result.data,
        "errors": errors,
    }
    return json.dumps(document, indent=2)


def _from_os(error: OSError) -> HostError:
    where = f" `{error.filename}`" if error.filename else ""
    return HostError(f"the system refused{where}: {error.strerror or error}")
