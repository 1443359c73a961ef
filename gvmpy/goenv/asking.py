"""Asking a Go for its settings, so that the asking itself leaves no trace on disk."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from gvmpy import process
from gvmpy.errors import HostError
from gvmpy.goenv.envfile import env_file_path
from gvmpy.goenv.hide import hide_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NOWHERE = "/dev/null"
_LONGEST_MODE = 80


def ask_settings(binary: Path, environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return all that `go env` of the Go at `binary` knows in `directory`, by name.

    GOTOOLCHAIN is `local` in it, as that is how Go was asked, and what the environment says of GOROOT does
    not count. Raises HostError when the Go cannot be run, or does not start with these settings.
    """
    silent = _silenced(environ, directory)
    with tempfile.TemporaryDirectory(prefix="gvmpy-") as cache:
        # The C compiler is tried out for some of the answers, and what comes of it kept in GOCACHE.
        settings = _ask(binary, silent | {"GOCACHE": cache}, directory)
    settings |= _ask(binary, silent, directory, "GOCACHE")
    if environ.get("GOENV") == "off" or env_file_path(environ) is None:
        settings["GOENV"] = ""
    if "GOTELEMETRYDIR" in settings:
        settings |= _telemetry(environ)
    return settings


def ask_named(binary: Path, environ: Mapping[str, str], directory: Path, *names: str) -> dict[str, str]:
    """Return the settings `names`, none of which takes the C compiler; "" for one that this Go has not.

    Raises as `ask_settings` does.
    """
    return _ask(binary, _silenced(environ, directory), directory, *names)


def _ask(binary: Path, environ: Mapping[str, str], directory: Path, *names: str) -> dict[str, str]:
    try:
        answer = process.ask_go(binary, "env", "-json", *names, environ=environ, directory=directory)
        found: Any = json.loads(answer)
        return {name: value for name, value in found.items() if isinstance(value, str)}
    except HostError as error:
        # What Go complains of may be a setting's value.
        details = tuple(hide_credentials("GOFLAGS", detail) for detail in error.details)
        stale = any("GOROOT" in detail for detail in details)
        hint = error.hint or ("gvmpy doctor" if stale else None)
        raise HostError(error.message, details=details, hint=hint) from error
    except (ValueError, AttributeError) as error:
        raise HostError(f"`{binary} env -json` did not answer in JSON") from error


def _silenced(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return `environ` for a Go that neither hands on to another nor writes telemetry: its place for that is
    no directory. GOROOT is left out, as the shims do.

    The env file is named instead, as it would be looked for beside. macOS has no XDG_CONFIG_HOME, and there
    Go counts that it was called.
    """
    inner = {name: value for name, value in environ.items() if name != "GOROOT"}
    inner |= {"GOTOOLCHAIN": "local", "PWD": str(directory)}
    if sys.platform != "darwin":
        path = env_file_path(environ)
        inner |= {"XDG_CONFIG_HOME": _NOWHERE, "GOENV": str(directory / path) if path else "off"}
    return inner


def _telemetry(environ: Mapping[str, str]) -> dict[str, str]:
    """Return GOTELEMETRY and GOTELEMETRYDIR as Go has them when it is not silenced (x/telemetry, dir.go)."""
    path = env_file_path({**environ, "GOENV": ""})
    if path is None:
        return {}
    directory = path.with_name("telemetry")
    try:
        with open(os.open(directory / "mode", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            mode = stream.read(_LONGEST_MODE).decode("ascii", "replace").strip().partition(" ")[0]
    except OSError:
        mode = ""
    return {"GOTELEMETRY": mode or "local", "GOTELEMETRYDIR": str(directory)}
