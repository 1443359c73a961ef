"""Directories: there or to be made, the user's own and nobody else's, not on noexec, with room left."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.doctor.finding import Finding, Fix, Severity, command
from gvmpy.doctor.places import Place, places
from gvmpy.files import is_on_noexec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.patient import Patient

_PATHS = ("GOPATH", "GOBIN", "GOCACHE", "GOMODCACHE")
_OWNER = stat.S_IRWXU
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_CHANGES = {"go-w": (0, _OTHERS), "u+rwx": (_OWNER, 0)}
"""What chmod(1) calls a change, and the bits it adds and takes."""
_SHOWN = 3
_MIB = 1 << 20


def check_settings(patient: Patient) -> Iterator[Finding]:
    """A setting that is no absolute path stops the go command."""
    for name in _PATHS:
        found = patient.setting(name)
        if found is None:
            continue
        for entry in found.value.split(os.pathsep) if name == "GOPATH" else [found.value]:
            if not entry or os.path.isabs(entry):
                continue
            cure = f"unset {name}" if found.origin.startswith("$") else f"go env -u {name}"
            yield Finding(
                "directory-relative",
                Severity.ERROR,
                f"{name} holds `{entry}`, which is no absolute path",
                f"{name} in {found.origin}",
                "the go command refuses to work with it",
                Fix(cure),
            )


def check_places(patient: Patient) -> Iterator[Finding]:
    """Each directory by itself; what keeps several from being made is told once."""
    told: set[Path] = set()
    for place in places(patient):
        nearest = _nearest(place.path)
        missing = nearest != place.path and not place.path.exists()
        if not nearest.is_dir():
            if nearest not in told:
                yield _no_directory(place, nearest)
            told.add(nearest)
            continue
        if place.shared and missing:
            yield _no_temporary(place)
        elif missing:
            if nearest not in told and not os.access(nearest, os.W_OK | os.X_OK):
                told.add(nearest)
                yield _not_to_be_made(patient, place, nearest)
        elif place.shared:
            yield from _shared(place)
        else:
            yield from _own(patient, place.name, place.path)
        if place.runs and is_on_noexec(nearest):
            yield _noexec(patient, place)


def check_below(patient: Patient) -> Iterator[Finding]:
    """What `sudo go` leaves in the caches: directories that the user cannot write to any more."""
    wanted = places(patient)
    looked_at = {place.path for place in wanted}
    for place in wanted:
        if place.name not in _PATHS or not place.path.is_dir():
            continue
        foreign: list[Path] = []
        locked: list[Path] = []
        for path in _spots(place):
            status = os.lstat(path)
            if path in looked_at or not stat.S_ISDIR(status.st_mode) or os.access(path, os.W_OK | os.X_OK):
                continue
            (locked if status.st_uid == os.geteuid() else foreign).append(path)
        if foreign:
            yield _foreign(patient, f"below {place.name}", place.path, foreign)
        if locked:
            yield _locked(patient, f"below {place.name}", locked)


def check_room(patient: Patient) -> Iterator[Finding]:
    """One finding for each file system that is nearly full."""
    needs: dict[int, tuple[Place, Path]] = {}
    for place in places(patient):
        nearest = _nearest(place.path)
        if not place.needs or not nearest.is_dir():
            continue
        device = nearest.stat().st_dev
        if device not in needs or needs[device][0].needs < place.needs:
            needs[device] = place, nearest
    for place, nearest in needs.values():
        answer = os.statvfs(nearest)
        free = answer.f_bavail * answer.f_frsize
        without_names = answer.f_files > 0 and answer.f_favail == 0
        if free < place.needs or without_names:
            left = "no room for another file's name" if without_names else f"{free // _MIB} MiB"
            yield Finding(
                "directory-full",
                Severity.WARNING,
                f"the file system of {place.name} has {left} left",
                f"`{place.path}`",
                f"{place.needs // _MIB} MiB are wanted for an installation or a build",
                Fix("gvmpy uninstall VERSION" if place.path == patient.home.root else "go clean -cache"),
            )


def _nearest(path: Path) -> Path:
    """Return the nearest thing above `path`, or that itself, that is there."""
    while not path.exists() and path != path.parent:
        path = Path(os.path.realpath(path)) if path.is_symlink() else path.parent
    return path


def _no_directory(place: Place, nearest: Path) -> Finding:
    return Finding(
        "directory-not-a-directory",
        Severity.ERROR,
        f"{place.name} cannot be a directory: `{nearest}` is a file",
        f"`{place.path}`",
        "nothing can be written there",
        Fix(command("mv", "--", nearest, f"{nearest}.before")),
    )


def _no_temporary(place: Place) -> Finding:
    return Finding(
        "directory-missing",
        Severity.ERROR,
        f"the directory for temporary files is missing, and Go does not make it ({place.name})",
        f"`{place.path}`",
        "every `go build`, `go run` and `go test` fails",
        Fix(command("mkdir", "-p", "--", place.path)),
    )


def _not_to_be_made(patient: Patient, place: Place, nearest: Path) -> Finding:
    status = nearest.stat()
    own = status.st_uid == os.geteuid() and not status.st_mode & stat.S_IWUSR
    return Finding(
        "directory-cannot-be-made",
        Severity.ERROR,
        f"{place.name} is missing, and cannot be made: `{nearest}` is not writable",
        f"`{place.path}`",
        "what is installed, built or downloaded cannot be kept",
        _opening(patient, [nearest]) if own else Fix(_setting_elsewhere(place.name)),
    )


def _shared(place: Place) -> Iterator[Finding]:
    if not os.access(place.path, os.W_OK | os.X_OK):
        yield Finding(
            "directory-not-writable",
            Severity.ERROR,
            f"the directory for temporary files is not writable ({place.name})",
            f"`{place.path}`",
            "every `go build`, `go run` and `go test` fails",
            Fix('mkdir -p "$HOME/.cache/go-tmp" && go env -w GOTMPDIR="$HOME/.cache/go-tmp"'),
        )


def _own(patient: Patient, name: str, path: Path) -> Iterator[Finding]:
    status = path.stat()
    writable = os.access(path, os.R_OK | os.W_OK | os.X_OK)
    own = status.st_uid == os.geteuid()
    if not own:
        yield _foreign(patient, name, path, [path], writable=writable)
    elif not writable and status.st_mode & _OWNER == _OWNER:
        yield Finding(
            "directory-read-only",
            Severity.ERROR,
            f"{name} is on a file system that is read-only",
            f"`{path}`",
            "what is installed, built or downloaded cannot be kept",
            Fix(command("sudo", "mount", "-o", "remount,rw", "--target", path)),
        )
    elif status.st_mode & _OWNER != _OWNER:
        yield _locked(patient, name, [path])
    if own and _is_open(status):
        yield Finding(
            "directory-open-to-others",
            Severity.WARNING,
            f"others may write to {name}",
            f"`{path}`, mode {stat.S_IMODE(status.st_mode):04o}",
            "whoever can put files there decides what you run",
            _closing(patient, name, path, status),
        )


def _closing(patient: Patient, name: str, path: Path, status: os.stat_result) -> Fix:
    """A directory that is meant for all, such as /tmp, stays so."""
    if status.st_mode & stat.S_ISVTX:
        return Fix(_setting_elsewhere(name))
    action = f"take the right to write to `{path}` from others"
    return _changing(patient, "go-w", [path], action)


def _changing(patient: Patient, how: str, paths: list[Path], action: str) -> Fix:
    """Return what changes modes: done for the user below their home and gvmpy's root, told elsewhere."""
    home, root = patient.user_home, patient.home.root
    places = {root, *([home] if home is not None and home != home.parent else [])}
    line = command("chmod", how, "--", *paths[:_SHOWN])
    if not all(places & {path, *path.parents} for path in paths):
        return Fix(line)
    return Fix(line, action, partial(_change_modes, paths, *_CHANGES[how]))


def _is_open(status: os.stat_result) -> bool:
    """Whether others may write; the user's own group, with nobody else in it, is no others."""
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_private(status.st_gid)


def _is_private(group: int) -> bool:
    try:
        user, entry = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return entry.gr_name == user.pw_name and set(entry.gr_mem) <= {user.pw_name}


def _foreign(
    patient: Patient, name: str, path: Path, paths: list[Path], *, writable: bool = False
) -> Finding:
    owners = ", ".join(sorted({name_of(os.lstat(each).st_uid) for each in paths}))
    home = patient.user_home
    # Giving away what is not below one's home is no advice: GOBIN may be /usr/local/bin.
    inside = home is not None and home in path.parents and home != home.parent and os.geteuid() != 0
    give = command("sudo", "chown", "-R", f"{name_of(os.geteuid())}:", "--", path)
    below = name.startswith("below ")
    return Finding(
        "directory-foreign-below" if below else "directory-foreign",
        Severity.WARNING if writable or os.geteuid() == 0 else Severity.ERROR,
        f"{'directories ' if below else ''}{name} belong{'' if below else 's'} to {owners}, not to you",
        _listed(paths),
        "what root writes in your home, you cannot change; `sudo go` leaves such directories"
        if not writable
        else "its owner can change what you run",
        Fix(give if inside else _setting_elsewhere(name.removeprefix("below "))),
    )


def _locked(patient: Patient, name: str, paths: list[Path]) -> Finding:
    return Finding(
        "directory-not-writable",
        Severity.ERROR,
        f"you may not write {'' if name.startswith('below ') else 'to '}{name}, though it is yours",
        _listed(paths),
        "`go install` and `go build` end with `permission denied`",
        _opening(patient, paths),
    )


def _opening(patient: Patient, paths: list[Path]) -> Fix:
    action = f"give you back the right to write to {_listed(paths)}"
    return _changing(patient, "u+rwx", paths, action)


def _listed(paths: list[Path]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(f"`{each}`" for each in paths[:_SHOWN]) + more


def _noexec(patient: Patient, place: Place) -> Finding:
    ours = place.path == patient.home.root
    cure = "export GVMPY_ROOT=/path/to/a/directory/on/another/file/system"
    if place.shared:
        cure = 'mkdir -p "$HOME/.cache/go-tmp" && go env -w GOTMPDIR="$HOME/.cache/go-tmp"'
    elif not ours:
        cure = _setting_elsewhere(place.name)
    return Finding(
        "directory-noexec",
        Severity.ERROR if ours or place.name == "GOBIN" else Severity.WARNING,
        f"{place.name} is on a file system mounted noexec",
        f"`{place.path}`",
        f"{place.runs} cannot be run from there",
        Fix(cure),
    )


def _setting_elsewhere(name: str) -> str:
    if name == "gvmpy's root":
        return "export GVMPY_ROOT=/path/to/a/directory/of/yours"
    return f"go env -w {name}=/path/to/a/directory/of/yours"


def _spots(place: Place) -> Iterator[Path]:
    """Yield the directories that every build touches; below a module's own, all is read-only by design."""
    if place.name == "GOPATH":
        for name in ("bin", "pkg", "pkg/sumdb"):
            if os.path.lexists(place.path / name):
                yield place.path / name
        return
    if place.name == "GOBIN":
        return
    with os.scandir(place.path) as entries:
        inner = [Path(entry.path) for entry in entries if "@" not in entry.name]
    yield from sorted(inner)
    if place.name == "GOMODCACHE" and os.path.isdir(place.path / "cache" / "download"):
        yield place.path / "cache" / "download"


def _change_modes(paths: list[Path], add: int, take: int) -> None:
    """Change the bits of directories that are still the user's own. Raises OSError."""
    for path in paths:
        real = os.path.realpath(path)
        status = os.lstat(real)
        if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
            raise PermissionError(errno.EPERM, "it is no directory of yours any more", str(path))
        os.chmod(real, (stat.S_IMODE(status.st_mode) | add) & ~take)


def name_of(user: int) -> str:
    """Return what the system calls a user, the number where it knows no name."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


CHECKS = (check_settings, check_places, check_below, check_room)
