"""Where each Go setting comes from, and what it keeps from counting.

Order (cmd/go/internal/cfg, Getenv and readEnvFile): the environment when not empty, the last line of the
user's env file, the first line of `go.env` in GOROOT, what is built in. An empty line sets nothing, and still
keeps the lines behind it from counting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gvmpy.errors import HostError
from gvmpy.goenv.envfile import env_file_path, read_env_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Kind = Literal["environment", "env-file", "go.env", "built-in", "computed"]

_ENVIRONMENT_ONLY = frozenset({"GOENV", "GODEBUG"})
_COMPUTED = frozenset({
    "GOEXE", "GOGCCFLAGS", "GOHOSTARCH", "GOHOSTOS", "GOMOD", "GOTELEMETRY", "GOTELEMETRYDIR", "GOTOOLDIR",
    "GOVERSION",
})  # fmt: skip
"""What nothing can set; `go env -w` refuses them."""
_COMPUTED_UNSET = frozenset({"GOROOT", "GOWORK"})
_FOLLOWS = {"GONOPROXY": "GOPRIVATE", "GONOSUMDB": "GOPRIVATE", "GOMODCACHE": "GOPATH", "GOBIN": "GOPATH"}
"""Settings that, unset, are made from another."""
_TAKEN_AWAY = "GOROOT in the environment does not count: gvmpy's shims take it away"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stands: `path` and `line` (from 1) for a file, None otherwise."""

    kind: Kind
    path: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"`{self.path}` line {self.line}"
        return {"environment": "the environment", "computed": "worked out by Go"}.get(self.kind, "built in")


@dataclass(frozen=True, slots=True)
class Stated:
    """A value, and where it stands."""

    value: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Explained:
    """One setting as it is in force. `shadows` would count in its place, in this order; `note` is a clause,
    or "".
    """

    name: str
    value: str
    origin: Origin
    shadows: tuple[Stated, ...]
    note: str


def explain_settings(
    settings: Mapping[str, str], environ: Mapping[str, str], directory: Path
) -> tuple[Explained, ...]:
    """Return each of `settings`, the answer of `ask_settings` in `directory`, with its origin, by name.

    GOTOOLCHAIN, as which Go is asked, is put right. Files that cannot be read count as empty, as for Go.
    """
    files = _Files.read(settings, environ, directory)
    return tuple(files.explained(name, settings[name]) for name in sorted(settings))


_Line = tuple[str, Stated]
"""A line of a file: the name, and what it says."""


@dataclass(frozen=True, slots=True)
class _Files:
    """What can set something: the environment, and each file's lines in the order they count."""

    environ: Mapping[str, str]
    user: tuple[_Line, ...]
    goroot: tuple[_Line, ...]
    trouble: str

    @classmethod
    def read(cls, settings: Mapping[str, str], environ: Mapping[str, str], directory: Path) -> _Files:
        path, trouble = env_file_path(environ), ""
        user: tuple[_Line, ...] = ()
        if path is not None:
            try:
                user = tuple(reversed(_lines(directory / path, "env-file")))
            except HostError as error:
                trouble = f"{error.message}: it counts as empty"
        # GOROOT is Go's own answer: the env file may have named another one, whose go.env then counts.
        goroot = directory / settings["GOROOT"] if settings.get("GOROOT") else None
        return cls(environ, user, _lines_or_none(goroot / "go.env") if goroot else (), trouble)

    def explained(self, name: str, value: str) -> Explained:
        if name in _COMPUTED:
            return Explained(name, value, Origin("computed"), (), self._note(name, ""))
        stated = list(self._stated(name))
        hidden = bool(stated) and not stated[0].value
        if not stated or hidden:
            kind: Kind = "computed" if name in _COMPUTED_UNSET else "built-in"
            if name == "GOTOOLCHAIN":
                value = ""
            note = f"the empty {stated[0].origin} sets nothing" if hidden else ""
            return Explained(
                name,
                value,
                Origin(kind),
                tuple(stated[1:]),
                self._note(name, note or self._follows(name, value)),
            )
        winner, *shadows = stated
        if name == "GOTOOLCHAIN":
            value = winner.value
        return Explained(name, value, winner.origin, tuple(shadows), self._note(name, ""))

    def _stated(self, name: str) -> Iterator[Stated]:
        """Yield what sets `name`, the one that counts first."""
        if self.environ.get(name) and name != "GOROOT":
            yield Stated(self.environ[name], Origin("environment"))
        if name not in _ENVIRONMENT_ONLY:
            yield from (stated for key, stated in self.user if key == name)
            # It makes no sense for go.env to name another GOROOT, and Go does not listen.
            yield from (stated for key, stated in self.goroot if key == name != "GOROOT")

    def _follows(self, name: str, value: str) -> str:
        """Say which other setting this unset one is made from, where that is set."""
        leader = _FOLLOWS.get(name)
        return f"follows {leader}" if value and leader and any(self._stated(leader)) else ""

    def _note(self, name: str, note: str) -> str:
        if name == "GOROOT" and self.environ.get(name):
            return _TAKEN_AWAY
        if name == "GOENV":
            off = "no env file is read, yet `go env -w` writes one"
            return off if self.environ.get(name) == "off" else self.trouble
        return note


def _lines(path: Path, kind: Kind) -> tuple[_Line, ...]:
    """Return the lines that Go reads. Raises HostError as read_env_file() does."""
    lines = read_env_file(path).lines
    return tuple((line.name, Stated(line.value, Origin(kind, path, line.number))) for line in lines)


def _lines_or_none(path: Path) -> tuple[_Line, ...]:
    try:
        return _lines(path, "go.env")
    except HostError:
        return ()
