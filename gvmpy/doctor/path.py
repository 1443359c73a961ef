"""Which `go` PATH leads to, and whether gvmpy's shims are what they should be."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from gvmpy.doctor.finding import Finding, Fix, Severity, command
from gvmpy.root import program_path
from gvmpy.shells.init import render
from gvmpy.shells.rcplaces import default_shell
from gvmpy.shells.shims import NAMES, render_shim, write_shims
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gvmpy.doctor.patient import Patient

_MODE = 0o755
_PERMISSIONS = 0o777
_LARGEST = 1 << 20
_PROGRAM = re.compile(rb"^_gvmpy_program=(.*)$", re.MULTILINE)


def check_order(patient: Patient) -> Iterator[Finding]:
    """The shims come first, or at least before any other `go`."""
    if not patient.is_set_up:
        return
    entries = _entries(patient)
    others = [entry for entry in entries if not _is_shims(patient, entry)]
    shims = next((number for number, entry in enumerate(entries) if _is_shims(patient, entry)), None)
    if shims is None:
        yield Finding(
            "path-without-shims",
            Severity.NOTE,
            "gvmpy's shims are not on this shell's PATH",
            f"`{patient.home.shims}`",
            "`go` is not the Go that gvmpy chooses; after `gvmpy init --install` a new shell has them",
            Fix(_set_up(patient)),
        )
    else:
        before = [entry for entry in entries[:shims] if not _is_shims(patient, entry)]
        if before:
            shown = ", ".join(f"`{entry}`" for entry in before)
            yield Finding(
                "path-shims-not-first",
                Severity.WARNING,
                f"another `go` stands before gvmpy's shims on PATH: {shown}",
                "PATH",
                "that one runs, whatever gvmpy is told; some line of an rc file puts it there after gvmpy's",
                Fix(_set_up(patient)),
            )
    if others:
        order = ", then ".join(f"`{entry}/go`" for entry in entries)
        yield Finding(
            "path-several-go",
            Severity.NOTE,
            f"there is more than one `go` to be had: {order}" if len(entries) > 1 else f"PATH has {order}",
            "PATH",
            "the first is what runs; `gvmpy use system` means the first that is not gvmpy's",
            Fix("gvmpy current --explain"),
        )


def _set_up(patient: Patient) -> str:
    """Return the line that sets this shell up."""
    program = command(program_path())
    fish = default_shell(patient.environ) == "fish"
    return f"{program} init - fish | source" if fish else f'eval "$({program} init -)"'


def _entries(patient: Patient) -> list[str]:
    """Return the entries of PATH that have a `go`, each directory once; the shims' in any state."""
    found: dict[str, str] = {}
    for entry in patient.environ.get("PATH", os.defpath).split(os.pathsep):
        candidate = os.path.join(entry, "go")
        if not entry.startswith("/"):
            continue
        if _is_shims(patient, entry) or (os.path.isfile(candidate) and os.access(candidate, os.X_OK)):
            found.setdefault(os.path.realpath(entry), entry)
    return list(found.values())


def _is_shims(patient: Patient, entry: str) -> bool:
    try:
        return os.path.samefile(entry, patient.home.shims)
    except OSError:
        return False


def check_shims(patient: Patient) -> Iterator[Finding]:
    """Each shim is there, executable, and what this gvmpy would write."""
    if not patient.home.shims.is_dir() and not patient.home.installed():
        return
    expected = {*NAMES, *(version.name for version in patient.home.installed() if version.is_release)}
    missing, locked, outdated = [], [], []
    for name in sorted(expected):
        path = patient.home.shims / name
        try:
            content = _read(path)
        except FileNotFoundError:
            missing.append(name)
            continue
        if path.is_symlink() or not _is_current(patient, content):
            outdated.append(name)
        elif path.stat().st_mode & _PERMISSIONS != _MODE:
            locked.append(name)
    reasons = (
        ("shims-missing", Severity.ERROR, missing, "missing", "`go` is not found, or is another one"),
        (
            "shims-mode",
            Severity.ERROR,
            locked,
            "not of mode 0755",
            "they cannot be run, or others may change them",
        ),
        (
            "shims-outdated",
            Severity.WARNING,
            outdated,
            "not as this gvmpy writes them",
            "they may choose otherwise",
        ),
    )
    for identity, severity, names, what, why in reasons:
        if names:
            shown = ", ".join(f"`{name}`" for name in names)
            is_are = "are" if len(names) > 1 else "is"
            where = f"`{patient.home.shims}`"
            yield Finding(identity, severity, f"{shown} {is_are} {what}", where, why, _rewrite(patient))
    yield from _strangers(patient, expected)


def _strangers(patient: Patient, expected: set[str]) -> Iterator[Finding]:
    """Whatever stands first on PATH is run by everybody: nothing else may be there."""
    try:
        names = sorted(os.listdir(patient.home.shims))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        path = patient.home.shims / name
        if name in expected or name.startswith("."):
            continue
        if _is_version(name):
            what, why = (
                f"`{name}` is a shim of a version that is not installed",
                "the go command finds it on PATH",
            )
            yield Finding("shims-left-over", Severity.WARNING, what, f"`{path}`", why, _rewrite(patient))
        else:
            yield Finding(
                "shims-stranger",
                Severity.WARNING,
                f"`{name}` is no shim of gvmpy's",
                f"`{path}`",
                "this directory stands first on PATH: it is run in place of every other program of that name",
                Fix(command("rm", "--", path)),
            )


def check_init_texts(patient: Patient) -> Iterator[Finding]:
    """What the rc files source is what this gvmpy would write."""
    if not patient.home.shell.is_dir():
        return
    programs = {program_path(), program_of_shims(patient) or program_path()}
    for shell, name in (("sh", "init.sh"), ("fish", "init.fish")):
        path = patient.home.shell / name
        try:
            content = _read(path)
        except FileNotFoundError:
            content = b""
        wanted = {os.fsencode(render(str(patient.home.root), program, shell)) for program in programs}
        if content not in wanted:
            yield Finding(
                "init-text-outdated",
                Severity.WARNING,
                f"`{name}` is {'not as this gvmpy writes it' if content else 'missing'}",
                f"`{path}`",
                "shells that start read it",
                _rewrite(patient),
            )


def program_of_shims(patient: Patient) -> str | None:
    """Return the program that the shims start, when it is there: gvmpy may have been started by another."""
    try:
        return _program_in(_read(patient.home.shims / "gvmpy"))
    except OSError:
        return None


def _program_in(content: bytes) -> str | None:
    found = _PROGRAM.search(content)
    try:
        words = shlex.split(os.fsdecode(found[1])) if found else []
    except ValueError:
        return None
    return words[0] if len(words) == 1 and os.access(words[0], os.X_OK) else None


def _is_current(patient: Patient, content: bytes) -> bool:
    """Whether a shim is what would be written, be it for this program or another that is there."""
    programs = {program_path(), _program_in(content) or program_path()}
    missing = _lasting_wish(patient)
    return any(content == render_shim(program, missing) for program in programs)


def _lasting_wish(patient: Patient) -> str:
    """Return `switch.missing` as the shims have it: a variable of this run does not count."""
    from gvmpy.config import load

    if patient.config_error is not None:
        return patient.config.missing
    return load({name: value for name, value in patient.environ.items() if name != "GVMPY_MISSING"}).missing


def _rewrite(patient: Patient) -> Fix:
    def rewrite() -> None:
        patient.home.prepare()
        write_shims(patient.home)

    return Fix(
        "gvmpy doctor --fix",
        f"write the shims and init texts of `{patient.home.root}` anew, for the versions that are installed",
        rewrite,
    )


def _is_version(name: str) -> bool:
    try:
        return name.startswith("go") and GoVersion.parse(name).name == name
    except ValueError:
        return False


def _read(path: Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        return stream.read(_LARGEST)


CHECKS = (check_order, check_shims, check_init_texts)
