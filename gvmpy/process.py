"""Running a Go binary for an answer, shielded from the user's own Go settings."""

from __future__ import annotations

import errno
import subprocess
from typing import TYPE_CHECKING

from gvmpy.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SHIELD = {"GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "", "GO111MODULE": "", "LC_ALL": "C"}
_SECONDS = 30


def ask_go(
    binary: Path, *arguments: str, environ: Mapping[str, str] | None = None, directory: Path | None = None
) -> str:
    """Return what `binary ARGUMENTS` prints, started outside any module and without a home directory.

    GOTOOLCHAIN=local keeps the command from switching to, or downloading, another toolchain; without HOME it
    writes no telemetry. With `environ` and `directory` it gets these, and it is the caller's to shield it.
    Raises HostError when it cannot be run or fails.
    """
    try:
        answer = subprocess.run(
            [str(binary), *arguments],
            env=_SHIELD if environ is None else environ,
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
