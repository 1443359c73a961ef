"""The Go that was on the machine before us."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy import process
from gvmpy.errors import HostError

if TYPE_CHECKING:
    from os import PathLike


def goroot_of(binary: PathLike[str]) -> Path | None:
    """Return the GOROOT that the `go` at `binary` belongs to, or None when it does not say.

    Most often `binary` leads to GOROOT/bin/go; a wrapper script (snap, other version managers) is asked.
    """
    goroot = Path(binary).resolve().parent.parent
    if (goroot / "pkg" / "tool").is_dir():
        return goroot
    try:
        answer = process.ask_go(Path(binary), "env", "GOROOT")
    except HostError:
        return None
    return Path(answer) if answer.startswith("/") else None
