"""The environment that a GoLand project gives to the go command: `.idea/workspace.xml`, component VgoProject.

Its entries go before the process's environment (JetBrains help, "Go modules", Environment). The file belongs
to a project and is hostile input: it is only read, within bounds, and without entities.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 16 << 20
_COMPONENT = "VgoProject"


@dataclass(frozen=True, slots=True)
class ProjectSetting:
    """One entry, and the line of the file it stands in."""

    name: str
    value: str
    file: Path
    line: int


def project_settings(directory: Path) -> tuple[ProjectSetting, ...]:
    """Return the entries of the nearest project from `directory` upward; none for a file that is no XML."""
    for place in (directory, *directory.parents):
        file = place / ".idea" / "workspace.xml"
        try:
            with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
                regular = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
                data = stream.read(_LARGEST + 1) if regular else b""
        except OSError:
            continue
        return _read(file, data) if len(data) <= _LARGEST else ()
    return ()


def _read(file: Path, data: bytes) -> tuple[ProjectSetting, ...]:
    found: list[ProjectSetting] = []
    path: list[str] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        path.append(attributes.get("name", tag) if tag == "component" else tag)
        if path[1:] == [_COMPONENT, "environment", "map", "entry"] and attributes.get("key"):
            line = parser.CurrentLineNumber
            found.append(ProjectSetting(attributes["key"], attributes.get("value", ""), file, line))

    def end(tag: str) -> None:
        del tag
        path.pop()

    def refuse(*_: object) -> None:
        raise ValueError("a document type")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError):
        return ()
    return tuple(found)
