"""What a profile cannot do, what it breaks, and what stands before it, each with the place it comes from."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.config import config_path
from gvmpy.errors import HostError
from gvmpy.goenv.envfile import env_file_path, read_env_file
from gvmpy.goenv.ideproject import project_settings
from gvmpy.profiles.exports import OWN
from gvmpy.profiles.values import has_credentials, redacted
from gvmpy.profiletables import PROXY_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gvmpy.profiles.model import Profile

_STRANGERS = {
    "GOROOT": "makes every Go use that tree, and Go 1.21 to 1.26 die when it is gone",
    "GOTOOLCHAIN": "decides whether Go hands on to another toolchain",
    "GOBIN": "moves what `go install` writes",
}
"""Lines in Go's settings file that no profile put there and that change what a switch means."""

_READS_AGAIN = "_GVMPY_READS_AGAIN"
"""Set by the shell's function, which reads the exports again as soon as this program has ended."""

_SUMDB_OFF = (
    "GOSUMDB=off breaks Go's toolchain switching: where go.mod asks for a newer Go, the go command ends with"
    " `checksum database disabled by GOSUMDB=off`, also when that toolchain is downloaded already; only what"
    " gvmpy installed is still found, on PATH. New modules go into go.sum unverified."
    " Where the database is merely out of reach, GOSUMDB=sum.golang.google.cn is the cure"
)


def cautions(profile: Profile, scopes: Sequence[str]) -> tuple[str, ...]:
    """Return what a profile's own values break, wherever it is used."""
    return tuple(_cautions(profile.settings, scopes))


def conflicts(profile: Profile, environ: Mapping[str, str], scopes: Sequence[str]) -> tuple[str, ...]:
    """Return what stands before the profile's values here, or beside them."""
    found = [*_in_config(profile, environ), *_in_environment(profile, environ), *_in_project(profile)]
    return (*found, *_in_file(profile, environ, scopes))


def _cautions(settings: Mapping[str, str], scopes: Sequence[str]) -> Iterator[str]:
    if settings.get("GOSUMDB") == "off" and not _is_one_directory(settings.get("GOPROXY", "")):
        yield _SUMDB_OFF
    if settings.get("GOPRIVATE", "") == "*" or settings.get("GONOPROXY", "") == "*":
        yield "a pattern `*` sends every module past the proxy, and Go finds no toolchain to switch to"
    if settings.get("GOTOOLCHAIN", "").startswith("go"):
        yield f"GOTOOLCHAIN={settings['GOTOOLCHAIN']} names a version of its own, whatever gvmpy chooses"
    left = [name for name in PROXY_SETTINGS if name in settings]
    if left and "shell" not in scopes:
        yield f"Go reads {' and '.join(left)} from the environment only, and `profile.scope` has no `shell`"


def _is_one_directory(goproxy: str) -> bool:
    """Whether Go asks no database for toolchains (cmd/go/internal/modfetch, useSumDB)."""
    return goproxy.startswith("file://") and "," not in goproxy and "|" not in goproxy


def _in_config(profile: Profile, environ: Mapping[str, str]) -> Iterator[str]:
    path = config_path(environ)
    if profile.has_credentials and _is_open(path):
        yield f"`{path}` holds a password and others can read it; `chmod 600` it"


def _in_environment(profile: Profile, environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in profile.settings.items():
        spellings = (name, name.lower()) if name in PROXY_SETTINGS else (name,)
        spelling = next((word for word in spellings if environ.get(word)), None)
        if spelling is None or environ[spelling] == value:
            continue
        if environ[spelling] == environ.get(f"{OWN}{name}"):
            if not environ.get(_READS_AGAIN):
                yield f"{name} in this shell is still that of an earlier profile: open a new shell"
        else:
            shown = redacted(environ[spelling])
            yield f"{spelling}={shown} in this environment wins over the profile; to end that, unset it"


def _in_project(profile: Profile) -> Iterator[str]:
    try:
        here = Path.cwd()
    except OSError:
        return
    for entry in project_settings(here):
        if entry.name in profile.settings and entry.value != profile.settings[entry.name]:
            shown = redacted(entry.value)
            yield f"GoLand uses {entry.name}={shown} for its project, `{entry.file}` line {entry.line}"


def _in_file(profile: Profile, environ: Mapping[str, str], scopes: Sequence[str]) -> Iterator[str]:
    path = env_file_path(environ)
    if path is None:
        if "go" in scopes and profile.settings:
            why = "GOENV=off" if environ.get("GOENV") == "off" else "there is no configuration directory"
            yield f"{why}: Go reads no settings file here, and none was written"
        return
    if environ.get("GOENV") and "go" in scopes and profile.settings:
        yield f"GOENV is set here: what starts without it does not read `{path}`"
    try:
        content = read_env_file(path)
    except HostError:
        return
    for name, effect in _STRANGERS.items():
        line = content.get(name)
        if line is not None and line.value and line.value != profile.settings.get(name):
            yield f"{name}={line.value} in `{path}` line {line.number} {effect}"
    if any(has_credentials(line.value) for line in content.lines) and _is_open(path):
        yield f"`{path}` holds a password and others can read it; `chmod 600` it"


def _is_open(path: Path) -> bool:
    try:
        return bool(os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False
