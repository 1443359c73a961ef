"""What the go command does with GOTOOLCHAIN once it has been started: run, or hand on to another Go.

The rules are those of cmd/go/internal/toolchain/select.go (Select and Exec) from 1.21 to 1.26.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from gvmpy.goenv.settings import GoSettings, Setting
from gvmpy.selection.request import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gvmpy.version import GoVersion

Action = Literal["runs", "switches", "refuses", "invalid"]
How = Literal["path", "download"]

_FIRST_TO_SWITCH = (1, 21)
# internal/gover, which takes more than GoVersion does: any kind of prerelease, numbers of any length.
_NUMBER = r"(0|[1-9][0-9]*)"
_GRAMMAR = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}|([a-z]+){_NUMBER}?)?)?")
# What go.mod and go.work may hold (GoVersionRE and ToolchainRE of golang.org/x/mod/modfile).
_GO_LINE = re.compile(rf"[1-9][0-9]*\.{_NUMBER}(\.{_NUMBER})?([a-z]+[0-9]+)?")
_TOOLCHAIN_LINE = re.compile(r"default|go1(\.\S*)?")

# A decimal by length and digits, which orders as its number does; the empty one stands for "none".
_Decimal = tuple[int, str]
_Key = tuple[_Decimal, _Decimal, _Decimal, str, _Decimal]
_NONE: _Decimal = (0, "")
_INVALID: _Key = (_NONE, _NONE, _NONE, "", _NONE)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What becomes of a go command that works in the module.

    `action`:
    - `runs`: the Go that was started does the work itself.
    - `switches`: it hands on to `version`, found on PATH or to be downloaded (`how`).
    - `refuses`: `version` would have to do the work and does not. It is not on PATH, and a download is not
      allowed; or it starts and refuses the module: it is older than the go line, or cannot read a line. In
      the latter case `go version` and the like answer all the same.
    - `invalid`: the setting, or a line, asks for what can be no toolchain; no command works.

    `version` is without the leading `go`, or None where there is none; it may bear a suffix (1.22.3-acme).
    `reason` is a clause that can stand behind a colon.
    """

    action: Action
    version: str | None
    how: How | None
    reason: str


def predict(
    running: GoVersion,
    setting: str,
    go_line: str | None,
    toolchain_line: str | None,
    *,
    on_path: Callable[[str], bool],
    modules: bool = True,
) -> Prediction:
    """Say what `running` does under the GOTOOLCHAIN `setting`, "" where nothing sets it.

    The lines are the values in go.work, else go.mod: `1.22.3`, `go1.22.3` or `default`; None where the file,
    or the line in it, is missing. `on_path` is asked for names of programs such as `go1.22.3`. Without
    `modules` (see `uses_modules`) there is no switching. Raises nothing, whatever the lines hold.
    """
    if running.minor < _FIRST_TO_SWITCH:
        return Prediction("runs", running.text, None, f"{running.name} knows no GOTOOLCHAIN")
    if not modules:
        return Prediction("runs", running.text, None, "GOTOOLCHAIN counts in module mode only")
    try:
        wanted = _Choice.of(running.name, setting)
        if wanted.mode:
            wanted = wanted.raised_by(running, go_line or "", toolchain_line or "")
    except _InvalidError as error:
        return Prediction("invalid", None, None, str(error))
    prediction = wanted.reached(running, on_path)
    if prediction.action not in {"runs", "switches"}:
        return prediction
    refusal = _refusal(wanted.name, go_line or "", toolchain_line or "")
    return replace(prediction, action="refuses", reason=refusal) if refusal else prediction


def setting_of(environ: Mapping[str, str], goroot: Path | None) -> Setting:
    """Return GOTOOLCHAIN as the Go in `goroot` reads it, with its origin: the environment, the user's Go env
    file, go.env in that GOROOT. Where nothing sets it the value is "", and no Go hands on.
    """
    settings = GoSettings(environ, [] if goroot is None else [goroot])
    return settings.get("GOTOOLCHAIN") or Setting("", "nothing sets it")


def uses_modules(environ: Mapping[str, str], goroot: Path | None, *, in_module: bool) -> bool:
    """Whether the Go in `goroot` is in module mode; `in_module`: whether there is a go.mod from here upward.

    GO111MODULE, as modload.WillBeEnabled of cmd/go has it.
    """
    found = GoSettings(environ, [] if goroot is None else [goroot]).get("GO111MODULE")
    value = found.value if found else ""
    return value in {"", "on"} or (value == "auto" and in_module)


def looks_on_path(environ: Mapping[str, str]) -> Callable[[str], bool]:
    """Return what answers for `predict` as os/exec's LookPath does: a program found first in a relative entry
    is none at all.
    """

    def on_path(name: str) -> bool:
        for entry in environ.get("PATH", "").split(":"):
            candidate = os.path.join(entry, name)
            if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
                return entry.startswith("/")
        return False

    return on_path


class _InvalidError(Exception):
    """The go command ends before it does anything."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A toolchain by name, and why; `mode`, auto or path, lets the module's lines raise it, "" does not."""

    name: str
    reason: str
    mode: str

    @classmethod
    def of(cls, running: str, setting: str) -> _Choice:
        """Read the setting: what is to run before any file is read."""
        if not setting:
            return cls(running, "GOTOOLCHAIN is not set", "")
        reason = f"GOTOOLCHAIN={printable(setting)}"
        if setting in {"auto", "path"}:
            return cls(running, reason, setting)
        name, plus, mode = setting.partition("+")
        if name != "local" and _version_of(name) == _INVALID:
            raise _InvalidError(f"{reason} names no toolchain")
        if plus and mode not in {"auto", "path"}:
            raise _InvalidError(f"{reason} ends in neither `+auto` nor `+path`")
        return cls(running if name == "local" else name, reason, mode)

    def raised_by(self, running: GoVersion, go_line: str, toolchain_line: str) -> _Choice:
        """Return what go.work or go.mod asks for, where that is more."""
        if toolchain_line == "default":
            return self
        choice = self
        if toolchain_line:
            if _version_of(toolchain_line) == _INVALID:
                raise _InvalidError(f"the line `toolchain {printable(toolchain_line)}` names no toolchain")
            asked, least = _version_of(toolchain_line), _version_of(self.name)
            # To 1.21 (1.21.6 at least) an equal one counts, too: it may have another suffix.
            if asked > least or (asked == least and running.minor == _FIRST_TO_SWITCH):
                choice = self._named(toolchain_line, f"toolchain {toolchain_line}")
        version = _parse(go_line)
        if version > _version_of(choice.name):
            first = ".0" if _names_language(version) and _knows_first_releases(running) else ""
            choice = self._named(f"go{go_line}{first}", f"go {go_line}")
        return choice

    def _named(self, name: str, line: str) -> _Choice:
        return replace(self, name=name, reason=f"the line `{printable(line)}`")

    def reached(self, running: GoVersion, on_path: Callable[[str], bool]) -> Prediction:
        """Say how the go command gets at the toolchain."""
        version, shown = self.name.removeprefix("go"), printable(self.name)
        if self.name == running.name:
            return Prediction("runs", version, None, self._stays())
        if not self.name.startswith("go1") and "-go1" not in self.name:
            return Prediction("invalid", None, None, f"{self.reason} names no toolchain")
        if on_path(self.name):
            return Prediction("switches", version, "path", f"{self.reason} asks for {shown}, found on PATH")
        if self.mode == "path":
            return Prediction("refuses", version, None, f"{self.reason} asks for {shown}, not found on PATH")
        if _names_language(_version_of(self.name)):
            return Prediction("invalid", None, None, f"{self.reason} names a language version, no toolchain")
        return Prediction(
            "switches", version, "download", f"{self.reason} asks for {shown}, not found on PATH"
        )

    def _stays(self) -> str:
        return f"{self.reason}, and nothing asks for a newer one" if self.mode else self.reason


def _knows_first_releases(running: GoVersion) -> bool:
    """Whether the line `go 1.30` makes `running` look for go1.30.0, and not for go1.30, which cannot be found
    (golang/go#62278).
    """
    since = (1, 21, 11) if running.minor == _FIRST_TO_SWITCH else (1, 22, 4)
    return running.key[:3] >= since


def _refusal(name: str, go_line: str, toolchain_line: str) -> str | None:
    """Return why the toolchain `name` does not work in a module with these lines, None when it does.

    Before 1.21 a newer go line was no reason (gover.TooNewError came with it).
    """
    have = _version_of(name)
    if have < _parse("1.21"):
        return None
    if _parse(go_line) > have:
        return f"the line `go {printable(go_line)}` needs a newer Go than {printable(name)}"
    if go_line and not _GO_LINE.fullmatch(go_line):
        return f"the line `go {printable(go_line)}` names no version"
    if toolchain_line and not _TOOLCHAIN_LINE.fullmatch(toolchain_line):
        return f"the line `toolchain {printable(toolchain_line)}` names no toolchain"
    return None


def _version_of(name: str) -> _Key:
    """Return the version in the name of a toolchain, as gover.FromToolchain finds it."""
    if not name.startswith("go") or "/" in name or "\\" in name:
        return _INVALID
    return _parse(re.split("[ \t-]", name[2:], maxsplit=1)[0])


def _parse(text: str) -> _Key:
    """Return what orders `text` as gover.Compare does; what is no version comes before all."""
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        return _INVALID
    major, minor, patch, kind, pre = (group or "" for group in match.groups())
    minor = minor or "0"
    if not patch and not kind and _decimal(minor) < _decimal("21"):
        patch = "0"
    return _decimal(major), _decimal(minor), _decimal(patch), kind, _decimal(pre)


def _decimal(digits: str) -> _Decimal:
    return len(digits), digits


def _names_language(key: _Key) -> bool:
    return key != _INVALID and key[2:4] == (_NONE, "")
