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

_SCRIPT = """
mount -t tmpfs -o mode=0755 tmpfs "$1" && eval "$2" && mount -o remount,noexec "$1" || exit 99
shift 2
exec "$@"
"""


def run_with_noexec(
    place: Path, put: str, command: Sequence[str], env: Mapping[str, str], *, cwd: str = "/"
) -> subprocess.CompletedProcess[bytes]:
    """Run `command` where `place` is a file system mounted noexec that the shell text `put` has filled.

    Who is not root becomes root of a user namespace first. Where neither is allowed, the test fails.
    """
    place.mkdir(exist_ok=True)
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.fail("unshare (util-linux) has to be installed for the tests of noexec mounts")
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    shell = ["/bin/sh", "-c", _SCRIPT, "sh", str(place), put]
    finished = subprocess.run(
        [
            unshare,
            *namespaces,
            *shell,
            "env",
            "-i",
            *[f"{name}={value}" for name, value in env.items()],
            *command,
        ],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        cwd=cwd,
        capture_output=True,
        check=False,
        timeout=120,
    )
    if finished.returncode == 99 or finished.stderr.startswith(b"unshare:"):
        pytest.fail(f"no file system can be mounted here, so noexec is untested: {finished.stderr.decode()}")
    return finished
