"""Versions that look installed, as far as a switch looks, and hooks that say how they were called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "1.21.6", "1.22.3"


def put_versions(root: Path, *versions: str) -> None:
    """Have `versions` below `root`, of which not more is asked than a receipt and a `go`."""
    for directory in (root, root / "receipts", root / "versions"):
        directory.mkdir(mode=0o700, exist_ok=True)
    for version in versions:
        (root / "receipts" / f"go{version}.json").write_text("{}")
        binary = root / "versions" / f"go{version}" / "bin" / "go"
        binary.parent.mkdir(parents=True)
        binary.write_text(f"#!/bin/sh\necho go version go{version}\n")
        binary.chmod(0o755)


def put_hook(root: Path, stage: str, name: str, script: str, *, shell: str = "/bin/sh") -> Path:
    """Make the hook `name` of `stage`: a script that is started in the root."""
    path = root / "hooks" / f"{stage}.d" / name
    for directory in (path.parent.parent, path.parent):
        directory.mkdir(mode=0o755, exist_ok=True)
    path.write_text(f"#!{shell}\n{script}\n")
    path.chmod(0o755)
    return path


# Appends to the file `log` in the root which hook it is, when it runs, and for what.
LOG = 'echo "$GVMPY_HOOK $GVMPY_STAGE ${GVMPY_FROM:-none} ${GVMPY_TO:-none}" >>log'


def log_of(root: Path) -> list[str]:
    """Return what hooks said so far, and forget it."""
    path = root / "log"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines
