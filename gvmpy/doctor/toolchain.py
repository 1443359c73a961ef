"""Go's settings that keep a switch from taking effect, or Go from doing its work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gvmpy.doctor.directories import name_of
from gvmpy.doctor.finding import Finding, Fix, Severity, command
from gvmpy.errors import GvmpyError, HostError
from gvmpy.goenv.envfile import env_file_path, read_env_file
from gvmpy.goenv.goproxy import parse_goproxy
from gvmpy.selection.gotoolchain import looks_on_path, predict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gvmpy.doctor.patient import Patient
    from gvmpy.goenv.settings import Setting

_KEEP = {"auto", "path", "local", "local+auto", "local+path"}
"""What lets the Go that was started do its work, unless a module asks for more."""


def check_toolchain(patient: Patient) -> Iterator[Finding]:
    """GOTOOLCHAIN=go1.21.5 makes every Go hand on to that one, whichever was chosen."""
    setting = patient.setting("GOTOOLCHAIN")
    version = patient.selection.version if patient.selection else None
    if setting is None or setting.value in _KEEP:
        return
    running = version.name if version else "the Go that runs here"
    if version is not None:
        prediction = predict(version, setting.value, None, None, on_path=looks_on_path(patient.environ))
        if prediction.action == "invalid":
            yield Finding(
                "gotoolchain-invalid",
                Severity.ERROR,
                f"GOTOOLCHAIN is `{setting.value}`, which names no toolchain",
                f"GOTOOLCHAIN in {setting.origin}",
                "no go command from 1.21 on works",
                _unset("GOTOOLCHAIN", setting),
            )
            return
    name = setting.value.partition("+")[0]
    yield Finding(
        "gotoolchain-fixed",
        Severity.WARNING,
        f"GOTOOLCHAIN is `{setting.value}`: {running} hands on to {name}, if it is another one",
        f"GOTOOLCHAIN in {setting.origin}",
        "`gvmpy use` has no effect on which Go does the work",
        _unset("GOTOOLCHAIN", setting),
    )


def check_module_mode(patient: Patient) -> Iterator[Finding]:
    """GO111MODULE is a thing of the past."""
    setting = patient.setting("GO111MODULE")
    if setting is None or setting.value == "on":
        return
    yield Finding(
        "go111module-set",
        Severity.NOTE,
        f"GO111MODULE is `{setting.value}`",
        f"GO111MODULE in {setting.origin}",
        "`auto` and `off` lead to GOPATH mode, and keep the toolchain line of go.mod from counting",
        _unset("GO111MODULE", setting),
    )


def check_database(patient: Patient) -> Iterator[Finding]:
    """Go checks each toolchain it switches to with the database, also one it has already."""
    database, toolchain = patient.setting("GOSUMDB"), patient.setting("GOTOOLCHAIN")
    if database is None or database.value != "off" or toolchain is None:
        return
    if toolchain.value == "local" or toolchain.value.endswith("path"):
        return  # nothing is downloaded, and what is found on PATH is not checked
    yield Finding(
        "gosumdb-off",
        Severity.WARNING,
        f"GOSUMDB is off while GOTOOLCHAIN is `{toolchain.value}`",
        f"GOSUMDB in {database.origin}",
        "Go downloads no toolchain, and starts none that it has downloaded, without the checksum database;"
        " new modules are taken unverified",
        Fix("go env -w GOSUMDB=sum.golang.google.cn")
        if not database.origin.startswith("$")
        else Fix("export GOSUMDB=sum.golang.google.cn"),
    )


def check_proxy_list(patient: Patient) -> Iterator[Finding]:
    """GOPROXY can be read at all."""
    setting = patient.setting("GOPROXY")
    if setting is None:
        return
    try:
        parse_goproxy(setting.value)
    except GvmpyError as error:
        yield Finding(
            "goproxy-malformed",
            Severity.ERROR,
            error.message,
            f"GOPROXY in {setting.origin}",
            "no module and no toolchain can be fetched",
            _unset("GOPROXY", setting),
        )


def check_env_file(patient: Patient) -> Iterator[Finding]:
    """Lines that look like settings and are none to Go, or say something else than they seem to."""
    path = env_file_path(patient.environ)
    if path is None:
        return
    try:
        text = read_env_file(path).text
    except HostError as error:
        yield Finding(
            "go-env-file-unreadable",
            Severity.WARNING,
            error.message,
            f"`{path}`",
            "Go takes it for empty and says nothing",
            Fix(command("ls", "-l", "--", path)),
        )
        return
    yield from _owner(path)
    for number, line in enumerate(text.split("\n"), start=1):
        trouble = _trouble(line)
        if trouble:
            yield Finding(
                "go-env-file-line",
                Severity.WARNING,
                f"a line of Go's env file {trouble}{_named(line)}",
                f"`{path}` line {number}",
                "Go reads KEY=VALUE from the first column, and all behind the sign is the value",
                _by_hand(path),
            )


def _owner(path: Path) -> Iterator[Finding]:
    """`sudo go env -w` leaves a file that its user cannot write to."""
    try:
        owner = os.stat(path).st_uid
    except FileNotFoundError:
        return
    if owner != os.geteuid():
        yield Finding(
            "go-env-file-foreign",
            Severity.WARNING,
            f"Go's env file belongs to {name_of(owner)}, not to you",
            f"`{path}`",
            "whoever owns it decides on your proxies; `go env -w` may fail",
            Fix(command("sudo", "chown", f"{name_of(os.geteuid())}:", "--", path)),
        )


def _trouble(line: str) -> str:
    if not line.strip() or line.lstrip().startswith("#"):
        return ""
    name, equals, value = line.partition("=")
    if not equals:
        return "is no setting"
    if not "A" <= line[0] <= "Z":
        return "does not count"
    if value.endswith("\r"):
        return "has a carriage return at its end, which is part of the value"
    if value[:1] in {'"', "'"} and value[-1:] == value[:1] and len(value) > 1:
        return "has quotes, which are part of the value"
    return "has blanks before the sign, which are part of the name" if name != name.rstrip() else ""


def _named(line: str) -> str:
    """Return the name alone: a value may be a secret, and so may be a line without a sign."""
    name, equals, _ = line.partition("=")
    return f": {name.strip()[:80]}" if equals else ""


def check_settings(patient: Patient) -> Iterator[Finding]:
    """The configuration of gvmpy itself can be read."""
    if patient.config_error is not None:
        yield Finding(
            "config-invalid",
            Severity.ERROR,
            patient.config_error.message,
            "gvmpy's configuration",
            "most commands of gvmpy end with this error",
            Fix(patient.config_error.hint or "gvmpy config edit"),
        )


def _unset(name: str, setting: Setting) -> Fix:
    return Fix(f"unset {name}" if setting.origin.startswith("$") else f"go env -u {name}")


def _by_hand(path: Path) -> Fix:
    return Fix(command("vi", path))


CHECKS = (
    check_toolchain,
    check_module_mode,
    check_database,
    check_proxy_list,
    check_env_file,
    check_settings,
)
