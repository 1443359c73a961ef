"""The shells of this machine. All must be there; a test of a missing one fails."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHIM = REPOSITORY / "shims" / "go"

# fish, whose language is another, has tests of its own.
SHELLS = ("bash", "zsh", "dash", "ksh", "mksh", "busybox", "yash")
# yash cannot read bytes that are no characters, and is no system's /bin/sh: the init text alone is for it.
SH_SHELLS = tuple(name for name in SHELLS if name != "yash")
# All others drop a file's NUL bytes.
KEEPS_NUL = ("zsh",)

HOSTILE = "a b'\"`touch x`$(touch x)\\*[é]\n{$PATH};&c"


def interpreter(shell: str) -> list[str]:
    """Return the command that runs a script with `shell` as itself."""
    path = shutil.which(shell)
    assert path is not None, f"{shell} has to be installed for these tests"
    return [path, "sh"] if shell == "busybox" else [path]


def as_sh(shell: str) -> list[str]:
    """Return the command that runs a script with `shell` standing in for /bin/sh."""
    return [*interpreter(shell), "--emulate", "sh"] if shell == "zsh" else interpreter(shell)
