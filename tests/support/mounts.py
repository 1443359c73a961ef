"""File systems mounted for one command alone, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NOBODY = 65534
_NO_MOUNT = 99
_SCRIPT = """
mount -t tmpfs -o mode=0755 tmpfs "$1" && eval "$2" && mount -o remount,bind,noexec "$1" || exit 99
shift 2
exec "$@"
"""


def run_with_noexec(
    place: Path, put: str, command: Sequence[str], env: Mapping[str, str], *, as_root: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run `command` where `place` is a file system mounted noexec that the shell text `put` has filled.

    Who is not root becomes root of a user namespace first. Where neither is allowed, the test fails. Without
    `as_root`, root becomes nobody for `command`, and others become themselves again.
    """
    place.mkdir(exist_ok=True)
    inner = ["env", "-i", *[f"{name}={value}" for name, value in env.items()], *command]
    if os.geteuid() == 0:
        outer = ["unshare", "--mount"]
        back = as_nobody()
    else:
        outer = ["unshare", "--user", "--map-root-user", "--mount"]
        back = ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
    if not as_root:
        inner = back + inner
    finished = subprocess.run(
        [_found(outer[0]), *outer[1:], "/bin/sh", "-c", _SCRIPT, "sh", str(place), put, *inner],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        cwd="/",
        capture_output=True,
        check=False,
        timeout=120,
    )
    if finished.returncode == _NO_MOUNT or finished.stderr.startswith(b"unshare:"):
        pytest.fail(f"no file system can be mounted here, so noexec is untested: {finished.stderr.decode()}")
    return finished


def as_nobody() -> list[str]:
    """Return what root puts before a command so that it runs as nobody."""
    return [_found("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def _found(program: str) -> str:
    path = shutil.which(program)
    assert path is not None, f"{program} (util-linux) has to be installed for these tests"
    return path
