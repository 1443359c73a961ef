"""Go's own settings file, which `go env -w` writes: finding it, reading it, changing single lines of it.

The rules are those of cmd/go/internal/cfg, EnvFile and readEnvFile: a line is KEY=VALUE from its first
column, without quoting, comments or escapes; KEY begins with a capital; of several lines the last wins; all
else is passed over. Whatever Go passes over stays as it is here, byte by byte.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.files import make_private, refuse_foreign, sync_directory, written_beside

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class EnvLine:
    """A line that Go reads; `number` counts from 1."""

    name: str
    value: str
    number: int


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The content of one file. What is not UTF-8 stands in `text` as surrogates: write it with `data`."""

    text: str = ""

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return self.text.encode("utf-8", errors="surrogateescape")

    @property
    def lines(self) -> tuple[EnvLine, ...]:
        """Every line that Go reads, in the order of the file, those that a later one outdoes included."""
        found = (_parse(line, number) for number, line in enumerate(self.text.split("\n"), start=1))
        return tuple(line for line in found if line is not None)

    def get(self, name: str) -> EnvLine | None:
        """Return the line that says what `name` is, or None."""
        return next((line for line in reversed(self.lines) if line.name == name), None)

    def with_values(self, values: Mapping[str, str | None]) -> EnvFile:
        """Return the file with each name set to its value: in place where it has a line, else at the end.

        None takes all lines of the name out. Comments, unknown lines and the order stay.
        """
        rows = self.text.split("\n")
        gone: set[int] = set()
        for name, value in values.items():
            own = [line.number - 1 for line in self.lines if line.name == name]
            if value is None:
                gone.update(own)
            elif own:
                rows[own[-1]] = f"{name}={value}"
            else:
                # What split() leaves behind a final newline is the empty row that the new line goes before.
                rows[-1:] = [f"{name}={value}", ""] if not rows[-1] else [rows[-1], f"{name}={value}", ""]
        return EnvFile("\n".join(row for number, row in enumerate(rows) if number not in gone))

    def without_last(self, name: str) -> EnvFile:
        """Return the file without the line that says what `name` is, so that an earlier one holds again."""
        line = self.get(name)
        rows = self.text.split("\n")
        if line is not None:
            del rows[line.number - 1]
        return EnvFile("\n".join(rows))


def env_file_path(environ: Mapping[str, str]) -> Path | None:
    """Return the file as Go finds it: $GOENV, else `go/env` in the user's configuration directory.

    None where Go reads none: GOENV=off, or no such directory. A relative one is an error to Go since 1.25,
    which then reads no file.
    """
    chosen = environ.get("GOENV", "")
    if chosen == "off":
        return None
    if chosen:
        return Path(chosen)
    home = environ.get("HOME", "")
    base = environ.get("XDG_CONFIG_HOME", "")
    if sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support") if home else ""
    elif not base and home:
        base = os.path.join(home, ".config")
    return Path(base, "go", "env") if os.path.isabs(base) else None


def read_env_file(path: Path) -> EnvFile:
    """Return the content of `path`, an empty one when there is no file.

    Raises HostError for what is no regular file of at most 1 MiB, or cannot be read: Go takes such a file for
    an empty one, or waits for it for ever.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            regular = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            data = stream.read(_LARGEST_FILE + 1) if regular else b""
    except (FileNotFoundError, NotADirectoryError):
        return EnvFile()
    except IsADirectoryError:
        regular, data = False, b""
    except OSError as error:
        raise HostError(f"cannot read Go's settings file `{path}`: {error.strerror}") from error
    if not regular:
        raise HostError(f"Go's settings file `{path}` is not a regular file")
    if len(data) > _LARGEST_FILE:
        raise HostError(f"Go's settings file `{path}` has more than {_LARGEST_FILE} bytes")
    return EnvFile(data.decode("utf-8", errors="surrogateescape"))


def replace_env_file(path: Path, was: EnvFile, new: EnvFile | None, *, mode: int) -> None:
    """Put `new` in place of `was` with exactly `mode`, through a symbolic link; None takes the file away.

    Raises HostError when that is impossible, when the file no longer holds `was`, or when a rename would do
    more than was asked for: part the names of a file that has several, or hand it to another user.
    """
    target = Path(os.path.realpath(path))
    refuse_foreign(target, "run gvmpy as that user")
    try:
        make_private(target.parent)
        group = _check_replaceable(path, target)
        with contextlib.ExitStack() as stack:
            beside = None
            if new is not None:
                beside = stack.enter_context(written_beside(target, new.data, mode=mode, group=group))
            if read_env_file(target) != was:
                raise HostError(f"`{path}` was changed by somebody else in the meantime", hint="try again")
            if beside is not None:
                os.replace(beside, target)
            else:
                os.unlink(target)
        sync_directory(target.parent)
    except OSError as error:
        raise HostError(f"cannot write Go's settings file `{path}`: {error.strerror}") from error


def _check_replaceable(path: Path, target: Path) -> int | None:
    """Return the group that the file is to keep, None for a new one."""
    try:
        status = os.lstat(target)
    except FileNotFoundError:
        return None
    if status.st_uid != os.geteuid():
        raise HostError(f"`{path}` belongs to user {status.st_uid}, and this is user {os.geteuid()}")
    if not status.st_mode & stat.S_IWUSR:
        raise HostError(f"`{path}` is read-only", hint=f"chmod u+w {shlex.quote(str(target))}")
    if status.st_nlink > 1:
        raise HostError(f"`{path}` has {status.st_nlink} names, and a rename would part them")
    return status.st_gid


def _parse(line: str, number: int) -> EnvLine | None:
    name, equals, value = line.partition("=")
    return EnvLine(name, value, number) if equals and "A" <= name[:1] <= "Z" else None
