"""GOPROXY, GOSUMDB and their like, in the order the go command looks for them.

Order (cmd/go/internal/cfg): the environment when not empty, the user's Go env file, `go.env` in GOROOT. In
both files a line is KEY=VALUE from its first column, without quoting; the last line of a key wins.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and, for people, where it was found."""

    value: str
    origin: str


class GoSettings:
    """The Go settings of one user; `goroots` are looked through in order for a `go.env`, and only when
    nothing before them has the answer: finding them may mean running a Go.
    """

    def __init__(self, environ: Mapping[str, str], goroots: Iterable[Path]) -> None:
        self._environ = environ
        self._goroots = iter(goroots)
        self._known_goroots: list[Path] = []

    def get(self, name: str) -> Setting | None:
        """Return the setting `name`, or None where neither environment nor any file has it."""
        if self._environ.get(name):
            return Setting(self._environ[name], f"${name}")
        for path in self._files():
            value = _read_env_file(path).get(name)
            if value is not None:
                # An empty one still hides what go.env says (`GOPROXY=` does).
                return Setting(value, f"`{path}`") if value else None
        return None

    def gopath(self) -> Path | None:
        """Return the first directory of GOPATH, by default `go` in $HOME; None for none that go would use."""
        setting = self.get("GOPATH")
        if setting is None and self._environ.get("HOME"):
            return Path(self._environ["HOME"], "go")
        first = setting.value.split(os.pathsep)[0] if setting else ""
        return Path(first) if os.path.isabs(first) else None

    def _files(self) -> Iterator[Path]:
        user_file = self._user_file()
        if user_file is not None:
            yield user_file
        for goroot in self._known_goroots:
            yield goroot / "go.env"
        for goroot in self._goroots:
            self._known_goroots.append(goroot)
            yield goroot / "go.env"

    def _user_file(self) -> Path | None:
        """Return $GOENV, else `go/env` in the user's configuration directory (os.UserConfigDir)."""
        chosen = self._environ.get("GOENV", "")
        if chosen == "off":
            return None
        if chosen:
            return Path(chosen)
        home = self._environ.get("HOME", "")
        base = self._environ.get("XDG_CONFIG_HOME", "")
        if sys.platform == "darwin":
            base = os.path.join(home, "Library", "Application Support") if home else ""
        elif not base and home:
            base = os.path.join(home, ".config")
        # A relative one is an error to Go since 1.25, which then reads no file.
        return Path(base, "go", "env") if os.path.isabs(base) else None


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST_FILE).decode("utf-8", errors="surrogateescape")
    except OSError:
        return {}
    values = {}
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals and "A" <= key[:1] <= "Z":
            values[key] = value
    return values
