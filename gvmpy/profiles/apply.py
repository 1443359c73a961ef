"""Making a profile hold, where Go looks and in new shells, and taking it back."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy import locks
from gvmpy.config import load
from gvmpy.errors import HostError, UsageError
from gvmpy.goenv.envfile import EnvFile, env_file_path, read_env_file, replace_env_file
from gvmpy.process import ask_go
from gvmpy.profiles.conflicts import cautions, conflicts
from gvmpy.profiles.exports import write_exports
from gvmpy.profiles.model import NONE, Choice, Profile, Profiles
from gvmpy.profiles.record import Record, digest, do, mode_of, read_record, undo, write_record
from gvmpy.profiles.values import redacted
from gvmpy.profiletables import GO_SETTINGS
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gvmpy.config import Config
    from gvmpy.home import Home

_LOCK = "profile.lock"
_PRIVATE = 0o600
_NOWHERE = "/nonexistent"
"""Without any GOPATH, and without a home directory, Go begins with a warning."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A profile that holds now: why it is the one, what was changed for it, and what there is to say.

    `changes` is empty where it held already. Both are for people; passwords are out of them.
    """

    profile: Profile
    reason: str
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def apply_profile(home: Home, config: Config, environ: Mapping[str, str], version: str | None) -> Applied:
    """Make the profile hold that goes with `version` as the default: `1.22.3`, `system` or None.

    Doing it again changes nothing; an interrupted change is finished or made anew. Raises UsageError for
    profiles that make no sense, HostError when something cannot be written.
    """
    profiles = Profiles.of(config, environ)
    choice = profiles.for_version(version)
    if "go" in profiles.scopes and "GOFLAGS" in choice.profile.settings:
        _refuse_unknown_flags(home, version, choice.profile)
    return _make_hold(home, config, environ, profiles, choice)


def revert_profile(home: Home, config: Config, environ: Mapping[str, str]) -> Applied:
    """Take back all that profiles did, bindings included; the configuration stays. Raises HostError."""
    profiles = replace(Profiles.of(config, environ), versions={}, directories={})
    return _make_hold(home, config, environ, profiles, Choice(Profile(NONE), "taken back"))


def apply_for_switch(home: Home, environ: Mapping[str, str], version: str) -> list[str]:
    """Make the profile hold that goes with `version`, the new default; return what there is to tell.

    Raises GvmpyError as apply_profile() does.
    """
    applied = apply_profile(home, load(environ), environ, version)
    return [*applied.changes, *applied.warnings]


def is_applied(home: Home, profile: Profile, scopes: Sequence[str]) -> bool:
    """Whether Go's file has been given the profile's settings as they are now. Raises HostError."""
    current = read_record(home).current
    have = {entry.name: entry.wrote for entry in current.entries} if current else {}
    wanted = {name: value for name, value in profile.settings.items() if name in GO_SETTINGS}
    return have == (wanted if "go" in scopes else {})


def left_by_another(home: Home, profile: Profile) -> tuple[str, ...]:
    """Return what Go's file has from the profile that was applied and `profile`, which holds in a directory,
    does not set: an export cannot take that away. Raises HostError.
    """
    current = read_record(home).current
    if current is None:
        return ()
    place = f"of profile `{current.profile}` in `{current.file}` counts here, too"
    left = (entry for entry in current.entries if entry.name not in profile.settings)
    return tuple(f"{entry.name}={redacted(entry.wrote)} {place}" for entry in left)


def _make_hold(
    home: Home, config: Config, environ: Mapping[str, str], profiles: Profiles, choice: Choice
) -> Applied:
    profile, scopes = choice.profile, profiles.scopes
    in_go = {name: value for name, value in profile.settings.items() if name in GO_SETTINGS}
    in_shell = profile.settings if "shell" in scopes else {}
    bound = [
        (directory, profiles.find(name).settings if "shell" in scopes else {})
        for directory, name in profiles.by_depth()
    ]
    changes: list[str] = []
    if _is_needed(home, profiles, profile):
        home.prepare()
        with locks.hold(home.locks / _LOCK, timeout=config.lock_timeout):
            path = env_file_path(environ)
            if path is not None:
                wanted = in_go if "go" in scopes else {}
                changes += _change_file(home, Path(os.path.abspath(path)), profile.name, wanted)
            written = write_exports(home, in_shell, bound)
            changes += [f"new shells read `{path}`" for path in written if path.suffix == ".sh"]
    warnings = (*cautions(profile, scopes), *conflicts(profile, environ, scopes))
    return Applied(profile, choice.reason, tuple(changes), warnings)


def _refuse_unknown_flags(home: Home, version: str | None, profile: Profile) -> None:
    """Raise UsageError where the Go that will read them knows no such flags: each of its commands would end
    with that.
    """
    try:
        binary = home.goroot(GoVersion.parse(version or "")) / "bin" / "go"
    except ValueError:
        binary = home.default_link / "bin" / "go"
    if not os.access(binary, os.X_OK):
        return
    try:
        ask_go(binary, "version", settings={"GOFLAGS": profile.settings["GOFLAGS"], "GOPATH": _NOWHERE})
    except HostError as error:
        raise UsageError(
            f"the Go in use does not take the GOFLAGS of profile `{profile.name}`", details=error.details
        ) from error


def _is_needed(home: Home, profiles: Profiles, profile: Profile) -> bool:
    """Whether there is anything to do, or to take back: most people have no profile."""
    done = (home.state / "profile.json", home.shell / "profile.sh")
    return bool(profile.settings or profiles.directories) or any(map(os.path.lexists, done))


def _change_file(home: Home, file: Path, profile: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Take back what is in force, wherever it is, and put `settings` into `file`; yield what was done."""
    record = read_record(home)
    current = record.current
    if current is not None and current.file != str(file):
        yield from _move(home, record, Path(current.file), current.profile, {})
        record = Record()
    yield from _move(home, record, file, profile, settings)


def _move(home: Home, record: Record, file: Path, profile: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Change one file: remember what is to come, write, remember that it came."""
    was, mode = read_env_file(file), mode_of(file)
    taken = undo(was, mode, record.current)
    for name in taken.kept:
        yield from _tell_kept(file, was, name, settings)
    new, change = do(taken, file, profile, settings)
    private = change is not None and change.mode is not None
    wanted_mode = _PRIVATE if private else taken.mode
    gone = change is None and not taken.exists
    if new != was or (mode is not None and wanted_mode != mode) or gone != (mode is None):
        coming = replace(record, coming=change, coming_file=str(file), coming_digest=digest(new))
        write_record(home, coming)
        replace_env_file(file, was, None if gone else new, mode=wanted_mode)
        yield from _tell(file, was, new)
    write_record(home, Record(change))


def _tell(file: Path, was: EnvFile, new: EnvFile) -> Iterator[str]:
    for name in dict.fromkeys(line.name for line in (*was.lines, *new.lines)):
        before, after = was.get(name), new.get(name)
        if after is not None and (before is None or before.value != after.value):
            yield f"{name}={redacted(after.value)} in `{file}` line {after.number}"
        elif after is None:
            yield f"{name} is no longer set in `{file}`"


def _tell_kept(file: Path, was: EnvFile, name: str, settings: Mapping[str, str]) -> Iterator[str]:
    line = was.get(name)
    if line is None:
        yield f"{name} was taken out of `{file}` by hand and stays out"
    elif name not in settings:
        yield f"{name} in `{file}` line {line.number} was changed by hand and stays: {redacted(line.value)}"
    elif settings[name] != line.value:
        shown = redacted(line.value)
        yield f"{name} in `{file}` was changed by hand to {shown}, which comes back when the profile is left"
