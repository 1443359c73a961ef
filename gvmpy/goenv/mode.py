"""Module mode or GOPATH mode, and why: what the go command makes of GO111MODULE, go.work and go.mod."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gvmpy.goenv.asking import ask_named
from gvmpy.goenv.settings import GoSettings
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FIRST_ON = (1, 16)
"""From here on an unset GO111MODULE means `on`; before, it meant `auto`."""


class Mode(Enum):
    """How the go command looks for packages in a directory."""

    MODULE = "module"
    """In modules, and a go.mod or a go.work is there."""
    GOPATH = "gopath"
    NONE = "none"
    """In modules, and there is none: nothing can be built here but single files."""


@dataclass(frozen=True, slots=True)
class ModeHere:
    """The mode, and `reason` as a sentence without its period.

    `gomod` and `gowork` are what `go env` says: a path, `/dev/null` for no go.mod in module mode, `off`, or
    nothing. `go111module` is the setting's value, "" where nothing sets it, and `origin` where it is from.
    """

    mode: Mode
    reason: str
    gomod: str
    gowork: str
    go111module: str
    origin: str


def mode_in(directory: Path, environ: Mapping[str, str], binary: Path) -> ModeHere:
    """Ask the Go at `binary` what it finds in `directory`, with GOTOOLCHAIN=local.

    Raises HostError when it cannot be run, or refuses its settings.
    """
    return read_mode(
        ask_named(binary, environ, directory, "GOMOD", "GOWORK", "GO111MODULE", "GOROOT", "GOVERSION"),
        environ,
        directory,
    )


def read_mode(settings: Mapping[str, str], environ: Mapping[str, str], directory: Path) -> ModeHere:
    """Return what `settings`, an answer of `go env` in `directory`, means."""
    gomod, gowork = settings.get("GOMOD", ""), settings.get("GOWORK", "")
    goroots = [directory / settings["GOROOT"]] if settings.get("GOROOT") else []
    found = GoSettings(environ, goroots).get("GO111MODULE")
    value, origin = (found.value, found.origin) if found else ("", "")
    said = f"GO111MODULE={value} from {origin}" if found else "GO111MODULE is not set"
    auto = value == "auto" or (not value and not _is_on_unset(settings.get("GOVERSION", "")))
    if not gomod:
        missing = ", and no go.mod is here or above" if auto else ""
        return ModeHere(Mode.GOPATH, said + missing, gomod, gowork, value, origin)
    means = "" if found else f", which means {'auto' if auto else 'on'}"
    workspace = gowork not in {"", "off"}
    if gomod == os.devnull and not workspace:
        reason = f"{said}{means}, and no go.mod is here or above"
        return ModeHere(Mode.NONE, reason, gomod, gowork, value, origin)
    what = f"the workspace `{gowork}`" if workspace else f"`{gomod}`"
    if workspace and gomod != os.devnull:
        what += f" with `{gomod}`"
    return ModeHere(Mode.MODULE, f"{what} is used; {said}{means}", gomod, gowork, value, origin)


def _is_on_unset(goversion: str) -> bool:
    """GOVERSION came with 1.16; a development build has none that can be read, and is newer."""
    if not goversion:
        return False
    try:
        return GoVersion.parse(goversion.partition(" ")[0]).minor >= _FIRST_ON
    except ValueError:
        return True
