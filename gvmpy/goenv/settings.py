"""GOPROXY, GOSUMDB and their like, in the order the go command looks for them.

Order (cmd/go/internal/cfg): the environment when not empty, the user's Go env file, `go.env` in GOROOT. Both
files are read in the same way, see gvmpy.goenv.envfile; but of several lines of one name the last counts in
the user's file, the first in `go.env` (readEnvFile).
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.goenv.envfile import env_file_path, read_env_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gvmpy.goenv.envfile import EnvLine


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and, for people, where it was found."""

    value: str
    origin: str


class GoSettings:
    """The Go settings of one user; `goroots` are looked through in order for a `go.env`, and only when
    nothing before them has the answer: finding them may mean running a Go. Threads may share one.
    """

    def __init__(self, environ: Mapping[str, str], goroots: Iterable[Path]) -> None:
        self._environ = environ
        self._goroots = iter(goroots)
        self._known_goroots: list[Path] = []
        self._lock = threading.Lock()

    def get(self, name: str) -> Setting | None:
        """Return the setting `name`, or None where neither environment nor any file has it."""
        if self._environ.get(name):
            return Setting(self._environ[name], f"${name}")
        with self._lock:
            for path, first in self._files():
                line = _read(path, name, first=first)
                if line is not None:
                    # An empty one still hides what go.env says (`GOPROXY=` does).
                    return Setting(line.value, f"`{path}`") if line.value else None
        return None

    def gopath(self) -> Path | None:
        """Return the first directory of GOPATH, by default `go` in $HOME; None for none that go would use."""
        setting = self.get("GOPATH")
        if setting is None and self._environ.get("HOME"):
            return Path(self._environ["HOME"], "go")
        first = setting.value.split(os.pathsep)[0] if setting else ""
        return Path(first) if os.path.isabs(first) else None

    def _files(self) -> Iterator[tuple[Path, bool]]:
        """Yield each file, and whether its first line counts."""
        user_file = env_file_path(self._environ)
        if user_file is not None:
            yield user_file, False
        for goroot in self._known_goroots:
            yield goroot / "go.env", True
        for goroot in self._goroots:
            self._known_goroots.append(goroot)
            yield goroot / "go.env", True


def _read(path: Path, name: str, *, first: bool) -> EnvLine | None:
    """Return what `path` says of `name`, in the `first` of its lines or the last; a file that cannot be read
    says nothing, to Go as well.
    """
    try:
        found = read_env_file(path)
    except HostError:
        return None
    return next((line for line in found.lines if line.name == name), None) if first else found.get(name)
