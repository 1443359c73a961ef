"""Go's own files, `go.work` and `go.mod`: which one the go command would read here, and what it asks for.

The rules are those of cmd/go/internal/modload (FindGoWork, FindGoMod) and of GoModLookup in
cmd/go/internal/gover. Only the environment is asked for GOWORK and GO111MODULE, as the shim can ask no more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.selection.files import BLANKS
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

# Go's own commands put both lines before everything long.
_LIMIT = 32768


@dataclass(frozen=True, slots=True)
class GoFile:
    """A go.work or go.mod, and the values of its first `go` and first `toolchain` line, unparsed.

    Lines count from 1, and are 0 where there is no such line.
    """

    path: Path
    go: str = ""
    go_line: int = 0
    toolchain: str = ""
    toolchain_line: int = 0

    @property
    def minimum(self) -> GoVersion | None:
        """What the go line asks for at least; None where that is no version: Go complains."""
        return bare_version(self.go)

    @property
    def preferred(self) -> GoVersion | None:
        """The release that the toolchain line names; None for `default`, private builds and languages."""
        if not self.toolchain.startswith("go"):
            return None
        version = bare_version(self.toolchain.removeprefix("go"))
        return version if version is not None and version.is_release else None


def find_go_file(directory: Path | None, environ: Mapping[str, str]) -> GoFile | None:
    """Return the file that the go command would read in `directory`; None where it would read none."""
    if directory is None or environ.get("GO111MODULE") == "off":
        return None
    workspace = environ.get("GOWORK", "")
    path = None
    if workspace in {"", "auto"}:
        path = _upward(directory, "go.work")
    elif workspace.startswith("/") and os.path.isfile(workspace):
        path = Path(workspace)
    if path is None:
        path = _upward(directory, "go.mod")
        if path is None or _same(path.parent, environ.get("TMPDIR") or "/tmp"):  # noqa: S108 - as Go has it
            return None
    return _read(path)


def _upward(directory: Path, name: str) -> Path | None:
    for place in (directory, *directory.parents):
        if os.path.isfile(place / name):
            return place / name
    return None


def _read(path: Path) -> GoFile:
    go = toolchain = ""
    go_line = toolchain_line = seen = 0
    for number, raw in enumerate(_lines(path), start=1):
        if seen >= _LIMIT or (go_line and toolchain_line):
            break
        seen += len(raw) + 1
        line = raw.lstrip(BLANKS)
        if line.startswith((b"go ", b"go\t")) and not go_line:
            go, go_line = _value(line[2:]), number
        elif line.startswith((b"toolchain ", b"toolchain\t")) and not toolchain_line:
            toolchain, toolchain_line = _value(line[9:]), number
        elif go_line and _begins_block(line):
            break
    return GoFile(path, go, go_line, toolchain, toolchain_line)


def _lines(path: Path) -> list[bytes]:
    try:
        with open(path, "rb") as stream:
            # A line that begins within the bound is read to its end.
            data = stream.read(_LIMIT)
            data += stream.readline(_LIMIT) if not data.endswith(b"\n") else b""
    except OSError:
        return []
    # Shells drop NUL bytes as they read.
    return data.replace(b"\0", b"").split(b"\n")


def _begins_block(line: bytes) -> bool:
    return any(
        line.startswith(word) and (line[len(word) : len(word) + 1] in {b"(", *(b"%c" % c for c in BLANKS)})
        for word in (b"require", b"use")
    )


def _value(rest: bytes) -> str:
    return rest.partition(b"//")[0].strip(BLANKS).decode("utf-8", "surrogateescape")


def bare_version(text: str) -> GoVersion | None:
    """Return the version that `text` is, without `go` before it, as in Go's files; else None."""
    if text.startswith("go"):
        return None
    try:
        return GoVersion.parse(text)
    except ValueError:
        return None


def _same(one: Path, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
