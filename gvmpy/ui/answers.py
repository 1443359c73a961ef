"""The answers of calls that must be quick: they do without click."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, NotInstalledError
from gvmpy.home import Home
from gvmpy.selection.files import current_directory
from gvmpy.selection.resolve import Origin, select
from gvmpy.ui.result import Result
from gvmpy.ui.style import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.selection.resolve import Selection

TOOLS = ("go", "gofmt")


def current() -> Result:
    """Say which Go runs here, and what chose it."""
    selection = _selection(TOOLS[0])
    name = selection.version.text if selection.version else "system"
    data = {
        "version": selection.version.text if selection.version else None,
        "goroot": str(selection.goroot) if selection.goroot else None,
        "binary": str(selection.binary),
        "origin": selection.origin.value,
        "reason": selection.reason,
    }
    return Result(data=data, text=f"{name} (set by {printable(selection.reason)})")


def which(tools: Sequence[str]) -> Result:
    """Say which file `go`, or another of TOOLS, is here."""
    tool = tools[0] if tools else TOOLS[0]
    path = _selection(tool).binary
    if not os.access(path, os.X_OK):
        raise NotInstalledError(f"there is no `{path}`")
    return Result(data={"tool": tool, "path": str(path)}, text=str(path))


def root() -> Result:
    """Say where everything lives."""
    path = str(Home.from_environment(os.environ).root)
    return Result(data={"root": path}, text=path)


def prompt() -> Result:
    """Say in a few words which Go runs here, for a shell's prompt; without a word where none does."""
    try:
        selection = _selection(TOOLS[0])
    except GvmpyError as error:
        return Result(exit_code=error.exit_code)
    name = selection.version.text if selection.version else "system"
    return Result(data={"version": name, "origin": _short(selection)}, text=f"{name} ({_short(selection)})")


def _short(selection: Selection) -> str:
    match selection.origin:
        case Origin.PIN | Origin.MODULE:
            return printable(selection.reason.rpartition("` line ")[0].rpartition("/")[2])
        case Origin.SYSTEM:
            return "PATH"
        case Origin.SHELL:
            return "shell"
        case Origin.DEFAULT:
            return "default"


def _selection(tool: str) -> Selection:
    home = Home.from_environment(os.environ)
    return select(home, os.environ, current_directory(os.environ), tool=tool)
