"""From what is asked for to the binary that runs.

The order is $GVMPY_VERSION, a project's pin, its go.work or go.mod, the default, the system's Go.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import CannotRunError, NoSuchVersionError, NotInstalledError, UsageError
from gvmpy.selection.files import BLANKS, find_pin
from gvmpy.selection.gofiles import bare_version, find_go_file
from gvmpy.selection.request import (
    Alias,
    Channel,
    Exact,
    Moving,
    Prefix,
    Previous,
    Range,
    System,
    parse_pin,
)
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.home import Home
    from gvmpy.selection.gofiles import GoFile
    from gvmpy.selection.request import PinRequest, Request

_LINES_BEHIND_OLDSTABLE = 2


class Origin(Enum):
    """Which of the steps decided."""

    SHELL = "shell"
    PIN = "pin"
    MODULE = "module"
    DEFAULT = "default"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Selection:
    """The Go that runs here.

    `version` is None for a Go that is not ours; `goroot` is None for the system's, whose binary alone is
    known. `binary` is resolved to the toolchain's own directory where it is ours. `reason` reads after
    "chosen by": "`/x/.go-version` line 1", "$GVMPY_VERSION", "the default, links/go", "PATH".
    """

    version: GoVersion | None
    goroot: Path | None
    binary: Path
    origin: Origin
    reason: str


def select(home: Home, environ: Mapping[str, str], cwd: Path | None, *, tool: str = "go") -> Selection:
    """Say which `go` the shim would run in `cwd`, and why; `tool` may be `gofmt`.

    A `cwd` that is None is a directory that is gone.

    Raises NotInstalledError where the shim exits 127, CannotRunError where 126, UsageError where 2.
    """
    asked = environ.get("GVMPY_VERSION", "")
    if asked:
        return _Asked(asked, Origin.SHELL, "$GVMPY_VERSION").resolve(home, environ, tool)
    pin = find_pin(cwd)
    if pin is not None:
        return _Asked(pin.word, Origin.PIN, str(pin)).resolve(home, environ, tool)
    go_file = find_go_file(cwd, environ)
    chosen = choose_for(go_file, home) if go_file is not None else None
    if go_file is None or chosen is None:
        return _default(home, environ, tool)
    version, line = chosen
    goroot = home.goroot(version)
    return Selection(version, goroot, goroot / "bin" / tool, Origin.MODULE, f"`{go_file.path}` line {line}")


def choose_for(go_file: GoFile, home: Home) -> tuple[GoVersion, int] | None:
    """Return the installed version that a go.mod or go.work chooses, and the line that does; None for the
    default, be it that it satisfies the file or that nothing else does either.

    The toolchain line is a preference, the go line a minimum. After the toolchain named comes the default,
    then the newest of the go line's own release line, then the newest of all.
    """
    preferred, minimum = go_file.preferred, go_file.minimum
    if preferred is not None and home.is_installed(preferred) and (minimum is None or preferred >= minimum):
        return preferred, go_file.toolchain_line
    if minimum is None or default_satisfies(minimum, home):
        return None
    enough = [version for version in home.installed() if version.is_release and version >= minimum]
    newest = _newest([version for version in enough if version.minor == minimum.minor]) or _newest(enough)
    return (newest, go_file.go_line) if newest is not None else None


def default_satisfies(minimum: GoVersion, home: Home) -> bool:
    """Whether the default is there, and states a version that is `minimum` at least."""
    if not os.access(home.default_link / "bin" / "go", os.X_OK):
        return False
    said = stated_version(home.default_link)
    return said is not None and said >= minimum


def stated_version(goroot: Path) -> GoVersion | None:
    """Return the version that the file VERSION in `goroot` states, without the suffix of a private build."""
    try:
        with open(goroot / "VERSION", "rb") as stream:
            line = stream.readline(4096).replace(b"\0", b"").strip(b" \t\n")
    except OSError:
        return None
    word = line.translate(bytes.maketrans(BLANKS + b"-", b" " * (len(BLANKS) + 1))).partition(b" ")[0]
    text = word.decode("utf-8", "surrogateescape")
    return bare_version(text[2:]) if text.startswith("go") else None


def find_system_go(environ: Mapping[str, str], home: Home, *, tool: str = "go") -> Path | None:
    """Return the first `go`, or other `tool`, on PATH that is not our shim.

    Relative entries are passed over, or the current directory would choose what runs.
    """
    shim = home.shims / tool
    for entry in environ.get("PATH", os.defpath).split(":"):
        candidate = Path(entry, tool)
        if (
            entry.startswith("/")
            and os.path.isfile(candidate)
            and os.access(candidate, os.X_OK)
            and not _same_file(candidate, shim)
        ):
            return candidate
    return None


def match_installed(request: Request, home: Home) -> GoVersion:
    """Return the installed version a command's request means; channels are answered from what is installed.

    Raises NoSuchVersionError when nothing installed answers it, UsageError for `system` and `-`, which
    name no installed version.
    """
    match request:
        case System() | Previous():
            raise UsageError(f"`{request}` names no installed version", hint="gvmpy list")
        case Moving(channel):
            found = _newest_of_channel(channel, home.installed())
        case Range():
            from gvmpy.selection.ranges import eligible

            found = max(eligible(request, home.installed()), default=None)
        case Exact() | Prefix() | Alias():
            found = _match(request, home)
    if found is None:
        hint = "gvmpy list" if isinstance(request, Alias) else f"gvmpy install {shlex.quote(str(request))}"
        raise NoSuchVersionError(_missing(request), hint=hint)
    return found


def resolve_alias(name: str, home: Home) -> Path | None:
    """Return the GOROOT that links/NAME leads to, links resolved; None when no toolchain is there."""
    link = home.links / name
    return link.resolve() if os.access(link / "bin" / "go", os.X_OK) else None


def version_of(goroot: Path, home: Home) -> GoVersion | None:
    """Return the version whose tree `goroot` is; None for a tree that is not one of ours."""
    try:
        version = GoVersion.parse(goroot.name)
    except ValueError:
        return None
    return version if goroot.name == version.name and _same_file(goroot, home.goroot(version)) else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A word that names the Go to run, and who said it."""

    text: str
    origin: Origin
    reason: str

    def resolve(self, home: Home, environ: Mapping[str, str], tool: str) -> Selection:
        request = self._parse()
        match request:
            case System():
                binary = find_system_go(environ, home, tool=tool)
                if binary is None:
                    sentence = f"no `{tool}` is on PATH outside gvmpy, and {self.reason} asks for `system`"
                    raise NotInstalledError(sentence)
                return Selection(None, None, binary, self.origin, self.reason)
            case Alias(name):
                goroot = resolve_alias(name, home)
                version = version_of(goroot, home) if goroot is not None else None
            case Exact() | Prefix():
                version = _match(request, home)
                goroot = home.goroot(version) if version is not None else None
        if goroot is None:
            self._refuse_barred(request, home)
            hint = "gvmpy list" if isinstance(request, Alias) else f"gvmpy install {request}"
            raise NotInstalledError(f"{_missing(request)}, and {self.reason} asks for it", hint=hint)
        return Selection(version, goroot, goroot / "bin" / tool, self.origin, self.reason)

    def _refuse_barred(self, request: PinRequest, home: Home) -> None:
        """Raise where what is asked for is there, and may not be executed."""
        match request:
            case Exact(version):
                _refuse_barred([home.goroot(version)] if home.receipt(version).is_file() else [])
            case Alias(name):
                _refuse_barred([home.links / name])
            case Prefix():
                there = [version.name for version in home.recorded() if request.matches(version)]
                # The last by name is the last that the shim looks at.
                _refuse_barred([home.versions / name for name in sorted(there, key=_file_name)[-1:]])

    def _parse(self) -> PinRequest:
        try:
            return parse_pin(self.text)
        except ValueError as error:
            raise UsageError(f"{self.reason} holds {error}", hint="write a version such as 1.22.3") from None


def _default(home: Home, environ: Mapping[str, str], tool: str) -> Selection:
    goroot = resolve_alias(home.default_link.name, home)
    if goroot is not None:
        reason = "the default, links/go"
        return Selection(version_of(goroot, home), goroot, goroot / "bin" / tool, Origin.DEFAULT, reason)
    _refuse_barred([home.default_link])
    if os.path.lexists(home.default_link):
        raise NotInstalledError(
            f"the default, `{home.default_link}`, points to no toolchain", hint="gvmpy use VERSION --default"
        )
    binary = find_system_go(environ, home, tool=tool)
    if binary is None:
        raise NotInstalledError(
            f"no Go is chosen here, and no `{tool}` is on PATH outside gvmpy", hint="gvmpy install latest"
        )
    return Selection(None, None, binary, Origin.SYSTEM, "PATH")


def _refuse_barred(goroots: list[Path]) -> None:
    for binary in (goroot / "bin" / "go" for goroot in goroots):
        if binary.is_file() and not os.access(binary, os.X_OK):
            raise CannotRunError(
                f"cannot run `{binary}`; is its file system mounted noexec?",
                hint="export GVMPY_ROOT=/path/to/a/directory on another file system",
            )


def _match(request: Exact | Prefix | Alias, home: Home) -> GoVersion | None:
    match request:
        case Exact(version):
            return version if home.is_installed(version) else None
        case Alias(name):
            goroot = resolve_alias(name, home)
            version_there = version_of(goroot, home) if goroot is not None else None
            return version_there if version_there and home.is_installed(version_there) else None
        case Prefix():
            return _newest([version for version in home.installed() if request.matches(version)])


def _file_name(name: str) -> str:
    return f"{name}.json"


def _newest(versions: list[GoVersion]) -> GoVersion | None:
    """Any release goes before all prereleases; equals are told apart by name, as the shim meets them."""
    ordered = sorted(versions, key=lambda version: _file_name(version.name))
    return max(ordered, key=lambda version: (not version.is_prerelease, version.key), default=None)


def _newest_of_channel(channel: Channel, installed: list[GoVersion]) -> GoVersion | None:
    releases = [version for version in installed if not version.is_prerelease]
    if channel is Channel.UNSTABLE:
        return max(installed, default=None)
    if channel is Channel.OLDSTABLE:
        lines = sorted({version.minor for version in releases})
        releases = (
            [version for version in releases if version.minor == lines[-_LINES_BEHIND_OLDSTABLE]]
            if len(lines) >= _LINES_BEHIND_OLDSTABLE
            else []
        )
    return max(releases, default=None)


def _missing(request: Request) -> str:
    match request:
        case Exact():
            return f"Go {request} is not installed"
        case Alias():
            return f"the alias `{request}` leads to no toolchain"
        case _:
            return f"no installed Go matches `{request}`"


def _same_file(one: str | Path, other: str | Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
