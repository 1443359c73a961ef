"""Files that shells read when they start: gvmpy's block, and what other version managers left there."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.doctor.finding import Finding, Fix, Severity, command
from gvmpy.doctor.path import program_of_shims
from gvmpy.errors import UsageError
from gvmpy.locks import hold
from gvmpy.root import program_path
from gvmpy.shells.block import END, START, block, install
from gvmpy.shells.detect import SHELLS
from gvmpy.shells.rcfile import apply, plan_install
from gvmpy.shells.rcplaces import Place, default_shell, former_places, places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.patient import Patient

_LARGEST = 1 << 20
_MORE = (
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".profile",
    ".bash_profile",
    ".bash_login",
    ".config/fish/config.fish",
)
"""Read at some start as well, though gvmpy's block never goes there."""
_LOCK_SECONDS = 5

_MANAGERS = (
    ("gvm", re.compile(rb"\.gvm/scripts/gvm|\bGVM_ROOT\b|\bgvm\s+(?:use|pkgset)\b"), "~/.gvm"),
    ("goenv", re.compile(rb"\bgoenv\s+(?:init|rehash)\b|\bGOENV_ROOT\b|\.goenv/(?:bin|shims)\b"), "~/.goenv"),
    ("asdf", re.compile(rb"\basdf\.(?:sh|fish|elv|nu)\b|\.asdf/shims\b|\bASDF_DATA_DIR\b.*shims"), "~/.asdf"),
    ("g", re.compile(rb"g-install: do NOT edit|\.g/env\b|\.g/go/bin\b"), "~/.g"),
    ("gobrew", re.compile(rb"\.gobrew/(?:current/)?bin\b|\bGOBREW_ROOT\b"), "~/.gobrew"),
    ("gimme", re.compile(rb"\beval\b.*\bgimme\b|\.gimme/envs\b"), "~/.gimme"),
)
"""What each has its users put into an rc file: moovweb/gvm binscripts/gvm-installer, go-nv/goenv INSTALL.md,
asdf's "Getting Started", the installers of stefanmaric/g and voidint/g, the READMEs of gobrew and gimme."""


def rc_files(patient: Patient) -> tuple[Path, ...]:
    """Return every file that some shell of the user's may read when it starts, each once, if it is there."""
    home = patient.user_home
    if home is None:
        return ()
    named = [Path(place.path) for place in former_places(SHELLS, patient.environ)]
    found: dict[str, Path] = {}
    for path in (*named, *(home / name for name in _MORE)):
        if path.is_file():
            found.setdefault(os.path.realpath(path), path)
    return tuple(found.values())


def rc_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the text of each line that is code, but for gvmpy's own block; none of a file that
    cannot be read.
    """
    try:
        content = _read(path)
    except OSError:
        return
    ours = False
    for number, line in enumerate(content.split(b"\n"), start=1):
        ours = (ours or line.startswith(START)) and not line.startswith(END)
        if not ours and not line.lstrip().startswith(b"#") and line.strip():
            yield number, line


def check_managers(patient: Patient) -> Iterator[Finding]:
    """Another manager's lines put its own `go`, or a GOROOT, into every shell."""
    for path in rc_files(patient):
        for name, pattern, place in _MANAGERS:
            lines = [(number, found[0]) for number, line in rc_lines(path) if (found := pattern.search(line))]
            if not lines or (name == "asdf" and not _asdf_has_go(patient)):
                continue
            numbers = ", ".join(str(number) for number, _ in lines)
            yield Finding(
                "other-manager",
                Severity.WARNING,
                f"the version manager {name} sets shells up as well: {os.fsdecode(lines[0][1])}",
                f"`{path}` line {numbers}",
                f"its `go` may come before gvmpy's, or it exports GOROOT; what it installed is in {place}",
                Fix(_comment_out([number for number, _ in lines], path)),
            )


def _comment_out(numbers: list[int], path: Path) -> str:
    """Return what makes the lines comments; sed would put a file in the place of a link."""
    script = ";".join(f"{number}s/^/# /" for number in numbers)
    return command("sed", "-i", script, os.path.realpath(path))


def _asdf_has_go(patient: Patient) -> bool:
    """It manages other languages, too: only its plugin for Go is in the way."""
    base = patient.environ.get("ASDF_DATA_DIR") or os.path.join(patient.user_home or "/", ".asdf")
    return any(os.path.isdir(os.path.join(base, "plugins", name)) for name in ("golang", "go"))


def check_block(patient: Patient) -> Iterator[Finding]:
    """The block in the files of the user's shell is whole, and says what it should."""
    if not patient.is_set_up or patient.user_home is None:
        return
    shell = default_shell(patient.environ)
    wanted = places((shell,), patient.environ)
    contents = {place: _content(place.path) for place in wanted}
    if not any(START in content or END in content for content in contents.values()):
        return  # what that means for PATH, the check of PATH says
    for place, content in contents.items():
        finding = _block_finding(patient, shell, place, content)
        if finding is not None:
            yield finding


def _block_finding(patient: Patient, shell: str, place: Place, content: bytes) -> Finding | None:
    root, why = str(patient.home.root), "a shell that starts does not find gvmpy, or finds an old one"
    programs = {program_path(), program_of_shims(patient) or program_path()}
    try:
        # A file that has no block yet lacks it: another of this shell's files has one.
        if any(install(content, block(root, each, place.shell), place.path) == content for each in programs):
            return None
    except UsageError as error:
        hint = Fix(command(*_editor(patient), place.path))
        return Finding("rc-block-damaged", Severity.ERROR, error.message, f"`{place.path}`", why, hint)
    what = (
        "is not as this gvmpy writes it" if START in content else "is missing from one of your shell's files"
    )
    return Finding(
        "rc-block-outdated",
        Severity.WARNING,
        f"gvmpy's block {what}",
        f"`{place.path}`",
        why,
        Fix(
            command("gvmpy", "init", "--install", "--shell", shell),
            f"write gvmpy's block in `{place.path}` anew, keeping a copy in `{patient.home.backups}`",
            partial(_write_block, patient, place),
        ),
    )


def _write_block(patient: Patient, place: Place) -> None:
    patient.home.prepare()
    with hold(patient.home.locks / "rc-files", timeout=_LOCK_SECONDS):
        apply(plan_install((place,), str(patient.home.root), program_path()), patient.home.backups)


def _editor(patient: Patient) -> list[str]:
    chosen = patient.environ.get("VISUAL") or patient.environ.get("EDITOR") or "vi"
    return [chosen] if " " not in chosen else chosen.split()


def _content(path: str) -> bytes:
    try:
        return _read(Path(path))
    except FileNotFoundError:
        return b""


def _read(path: Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        return stream.read(_LARGEST)


CHECKS = (check_managers, check_block)
