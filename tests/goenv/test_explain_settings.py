"""Origins of settings against real go commands: what counts is taken away, and the next must count."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from gvmpy.goenv.asking import ask_named, ask_settings
from gvmpy.goenv.explain import explain_settings
from gvmpy.goenv.settings import GoSettings
from tests.goenv.conftest import VERSIONS, WITH_CHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gvmpy.goenv.explain import Explained

NAMES = (
    "GO111MODULE",
    "GOARCH",
    "GOBIN",
    "GOCACHE",
    "GOEXE",
    "GOEXPERIMENT",
    "GOFLAGS",
    "GOHOSTARCH",
    "GOHOSTOS",
    "GOINSECURE",
    "GOMOD",
    "GOMODCACHE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOOS",
    "GOPATH",
    "GOPRIVATE",
    "GOPROXY",
    "GOROOT",
    "GOSUMDB",
    "GOTMPDIR",
    "GOTOOLCHAIN",
    "GOTOOLDIR",
    "GOVCS",
    "GOVERSION",
    "GOWORK",
    "AR",
    "CC",
    "CXX",
    "CGO_ENABLED",
)
# What -changed does not look at, and what it calls changed where only the architecture is.
NEVER_CHANGED = {"GOWORK", "GOENV", "GOPATH"}
SET_TO_WHAT_IT_IS = {"CGO_ENABLED", "GOTOOLCHAIN"}
FOLLOW_GOARCH = {"CC", "CGO_ENABLED"}


@dataclass(frozen=True)
class Case:
    """The user's env file, what is added to go.env, and an environment; `~` stands for the home directory."""

    user: str = ""
    goroot: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "nothing": Case(),
    "environment over both files": Case(
        "GOPROXY=https://file.example\n", "GOPROXY=https://root.example\n", {"GOPROXY": "https://env.example"}
    ),
    "empty environment": Case("GOPROXY=https://file.example\n", environ={"GOPROXY": ""}),
    "lines of one name": Case("GOPRIVATE=a\nGOFLAGS=-v\nGOPRIVATE=b\n", "GOPRIVATE=c\nGOPRIVATE=d\n"),
    "an empty line hides go.env": Case("GOPROXY=\nGOTOOLCHAIN=\n"),
    "an empty last line": Case("GOPRIVATE=a\nGOPRIVATE=\n", "GOPRIVATE=c\n"),
    "an empty line in go.env": Case("", "GOPROXY=\nGOPRIVATE=a\n"),
    "GOPRIVATE leads": Case("GOPRIVATE=a.example\nGONOPROXY=b.example\n"),
    "GOPATH leads": Case(environ={"GOPATH": "~/one:~/two"}),
    "GOBIN and caches": Case("GOBIN=/x/bin\nGOCACHE=/x/cache\nGOMODCACHE=/x/mod\n"),
    "XDG_CACHE_HOME": Case(environ={"XDG_CACHE_HOME": "~/cache"}),
    "only the environment": Case("GODEBUG=x=1\nGOENV=/x\n", environ={"GODEBUG": "http2client=0"}),
    "what nothing sets": Case("GOVERSION=7\nGOMOD=/x\nGOEXE=.x\nGOHOSTOS=plan9\nGOTELEMETRY=on\n"),
    "GOWORK": Case("GOWORK=off\n"),
    "GO111MODULE": Case("GO111MODULE=off\n", environ={"GO111MODULE": "auto"}),
    "GOTOOLCHAIN": Case("GOTOOLCHAIN=local\n", "GOTOOLCHAIN=path\n", {"GOTOOLCHAIN": "auto"}),
    "cross": Case("GOARCH=arm\nGOARM=6\nCGO_ENABLED=0\n", environ={"GOOS": "plan9"}),
    "commands": Case("CC=clang\nCGO_CFLAGS=-O1\nPKG_CONFIG=pc\nAR=xar\n"),
    "quotes, ends, blanks": Case('GOFLAGS="-v"\r\n GOPRIVATE=a\nexport GOVCS=b\nGOINSECURE=c # d\n'),
    "GOENV=off": Case("GOPRIVATE=a\n", environ={"GOENV": "off"}),
    "GOENV elsewhere": Case("GOPRIVATE=a\n", environ={"GOENV": "~/other"}),
    "GOROOT in the environment": Case(environ={"GOROOT": "/nonexistent"}),
}


@dataclass
class Machine:
    """A home directory and a GOROOT to change, asked by Go itself and by us."""

    go: Path
    home: Path
    environ: dict[str, str]

    @property
    def go_env(self) -> Path:
        return self.go.parent.parent / "go.env"

    @property
    def user_file(self) -> Path:
        return self.home / ".config" / "go" / "env"

    def real(self, *arguments: str) -> str:
        """What Go says when it is asked as a shell behind the shim asks it."""
        environ = {name: value for name, value in self.environ.items() if name != "GOROOT"}
        answer = subprocess.run(
            [str(self.go), "env", *arguments], env=environ, cwd=self.home, capture_output=True, check=True
        )
        return answer.stdout.decode().removesuffix("\n")

    def explained(self) -> dict[str, Explained]:
        """All that does not take the C compiler, which is slow."""
        names = sorted(json.loads(self.real("-json", *NAMES)))
        settings = ask_named(self.go, self.environ, self.home, *names)
        settings["GOENV"] = self.real("GOENV")
        return {each.name: each for each in explain_settings(settings, self.environ, self.home)}

    def take_away(self, each: Explained) -> None:
        """Remove what is said to make the setting what it is."""
        if each.origin.kind == "environment":
            del self.environ[each.name]
            return
        path, line = each.origin.path, each.origin.line
        assert path is not None
        assert line is not None
        lines = path.read_text().split("\n")
        assert lines[line - 1].startswith(f"{each.name}=")
        lines[line - 1] = f"# was {each.name}"
        path.write_text("\n".join(lines))


@pytest.fixture(params=VERSIONS)
def machine(request: pytest.FixtureRequest, goroots: Mapping[str, Path], tmp_path: Path) -> Machine:
    goroot = tmp_path / "goroot"
    subprocess.run(["cp", "-al", str(goroots[request.param]), str(goroot)], check=True)
    text = (goroot / "go.env").read_bytes()
    (goroot / "go.env").unlink()
    (goroot / "go.env").write_bytes(text)
    return at_home(goroot / "bin" / "go", tmp_path / "home")


def at_home(go: Path, home: Path) -> Machine:
    (home / ".config" / "go").mkdir(parents=True)
    (home / "other").write_text("GOPRIVATE=other.example\n")
    return Machine(go, home, {"HOME": str(home), "PATH": "/usr/bin:/bin"})


def furnish(machine: Machine, case: Case) -> Callable[[], None]:
    """Make the machine what the case has; return what makes it so again."""
    go_env = machine.go_env.read_bytes() + case.goroot.encode()
    home = str(machine.home)
    environ = machine.environ | {name: value.replace("~", home) for name, value in case.environ.items()}

    def restore() -> None:
        machine.environ = dict(environ)
        machine.user_file.write_text(case.user, newline="")
        if case.goroot:
            machine.go_env.write_bytes(go_env)
        (machine.home / "other").write_text("GOPRIVATE=other.example\n")

    restore()
    return restore


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_and_origins_are_go_s(machine: Machine, case: Case) -> None:
    """What is told to count is taken away, one after the other: the next must count, at last the built in."""
    restore = furnish(machine, case)
    told = machine.explained()
    real = json.loads(machine.real("-json", *told))
    assert {name: each.value for name, each in told.items()} == real
    settings = GoSettings(machine.environ, [machine.go.parent.parent])
    for name in ("GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "GOPRIVATE", "GOFLAGS"):
        found = settings.get(name)
        assert (found.value if found else "") == real[name], name
    for name, first in told.items():
        restore()
        each = first
        for shadow in first.shadows:
            if is_set(each):
                machine.take_away(each)
            else:  # an empty line keeps it from counting
                assert each.note.startswith("the empty ")
                text = machine.user_file.read_text()
                machine.user_file.write_text(text.replace(f"{name}=\n", "#\n"))
            if not shadow.value:
                break
            assert machine.real(name) == shadow.value, name
            each = machine.explained()[name]
            assert (each.value, each.origin) == (shadow.value, shadow.origin)
        if is_set(each) and not first.shadows:
            machine.take_away(each)
            assert not is_set(machine.explained()[name])
            assert machine.real(name) != each.value or name in SET_TO_WHAT_IT_IS, name


def is_set(each: Explained) -> bool:
    return each.origin.kind not in {"built-in", "computed"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_go_calls_changed_is_set_by_the_user(
    goroots: Mapping[str, Path], tmp_path: Path, case: Case
) -> None:
    machine = at_home(goroots[WITH_CHANGED] / "bin" / "go", tmp_path / "home")
    before = machine.explained()
    furnish(machine, replace(case, goroot=""))
    changed = json.loads(machine.real("-json", "-changed", *NAMES))
    told = machine.explained()
    ours = {name for name, each in told.items() if is_set_by_user(each) and each.value != before[name].value}
    assert ours - NEVER_CHANGED - FOLLOW_GOARCH <= changed.keys()
    for name in changed.keys() - FOLLOW_GOARCH:
        assert is_set_by_user(told[name]), name


def is_set_by_user(each: Explained) -> bool:
    return each.origin.kind in {"environment", "env-file"}


def test_everything_is_asked_for_and_nothing_left_behind(machine: Machine) -> None:
    settings = ask_settings(machine.go, machine.environ, machine.home)
    assert [path.name for path in machine.home.rglob("*") if path.is_file()] == ["other"]
    assert not (machine.home / ".cache").exists()
    assert os.listdir(machine.home / ".config" / "go") == []
    machine.environ["GOFLAGS"] = "-v"
    real = json.loads(machine.real("-json"))
    assert settings.keys() == real.keys()
    assert [name for name in real if settings[name] != real[name]] == ["GOFLAGS", "GOGCCFLAGS", "GOTOOLCHAIN"]


def test_without_an_env_file(machine: Machine) -> None:
    del machine.environ["HOME"]
    machine.environ |= {"GOPATH": "/x", "GOCACHE": "/y"}
    told = machine.explained()
    assert told["GOENV"].value == ""
    assert ask_named(machine.go, machine.environ, machine.home, "GOENV")["GOENV"] == ""


def test_without_an_env_file_by_choice(machine: Machine) -> None:
    machine.user_file.write_text("GOPRIVATE=a\n")
    machine.environ["GOENV"] = "off"
    told = machine.explained()["GOENV"]
    assert (told.value, told.origin.kind) == ("", "environment")
    assert told.note == "no env file is read, yet `go env -w` writes one"
    machine.real("-w", "GOPRIVATE=b")
    assert machine.user_file.read_text() == "GOPRIVATE=b\n"


def test_an_env_file_that_cannot_be_read_counts_as_empty(machine: Machine) -> None:
    machine.user_file.mkdir()
    told = machine.explained()
    assert told["GOPROXY"].origin.kind == "go.env"
    assert (
        told["GOENV"].note
        == f"Go's settings file `{machine.user_file}` is not a regular file: it counts as empty"
    )
