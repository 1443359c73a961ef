"""GOPROXY and GOSUMDB as a real go command reads them, case by case."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gvmpy.goenv.settings import GoSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site

GO = "1.22.3"
USER_FILE = ".config/go/env"


@dataclass(frozen=True)
class Case:
    """Files below the home directory, and an environment in which `~` stands for that directory."""

    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    without_home: bool = False


def user_file(text: str, **environ: str) -> Case:
    return Case({USER_FILE: text}, environ)


CASES = {
    "nothing": Case(),
    "environment": Case(environ={"GOPROXY": "https://env.example"}),
    "environment over file": user_file("GOPROXY=https://file.example\n", GOPROXY="https://env.example"),
    "file": user_file("GOPROXY=https://file.example\nGOSUMDB=sum.example\n"),
    "empty environment": user_file("GOPROXY=https://file.example\n", GOPROXY=""),
    "empty in the file": user_file("GOPROXY=\n"),
    "GOENV=off": user_file("GOPROXY=https://file.example\n", GOENV="off"),
    "GOENV=path": Case(
        {USER_FILE: "GOPROXY=https://file.example\n", "other": "GOPROXY=https://other.example\n"},
        {"GOENV": "~/other"},
    ),
    "GOENV=missing": user_file("GOPROXY=https://file.example\n", GOENV="~/missing"),
    "GOENV empty": user_file("GOPROXY=https://file.example\n", GOENV=""),
    "GOENV in the file": Case({USER_FILE: "GOENV=~/other\n", "other": "GOPROXY=https://other.example\n"}),
    "XDG_CONFIG_HOME": Case(
        {USER_FILE: "GOPROXY=https://file.example\n", "xdg/go/env": "GOPROXY=https://xdg.example\n"},
        {"XDG_CONFIG_HOME": "~/xdg"},
    ),
    "XDG_CONFIG_HOME empty": user_file("GOPROXY=https://file.example\n", XDG_CONFIG_HOME=""),
    "no HOME": Case(without_home=True),
    "no HOME but XDG_CONFIG_HOME": Case(
        {"xdg/go/env": "GOPROXY=https://xdg.example\n"}, {"XDG_CONFIG_HOME": "~/xdg"}, without_home=True
    ),
    "last one wins": user_file("GOPROXY=https://one.example\nGOPROXY=https://two.example\n"),
    "last one wins, though empty": user_file("GOPROXY=https://one.example\nGOPROXY=\n"),
    "quotes are kept": user_file('GOPROXY="https://file.example"\n'),
    "comments are not": user_file("GOPROXY=https://file.example # mine\n"),
    "a comment line": user_file("#GOPROXY=https://file.example\n"),
    "leading blank": user_file(" GOPROXY=https://file.example\n"),
    "leading tab": user_file("\tGOPROXY=https://file.example\n"),
    "blank before the sign": user_file("GOPROXY =https://file.example\n"),
    "blanks of the value": user_file("GOPROXY= https://file.example \n"),
    "export": user_file("export GOPROXY=https://file.example\n"),
    "lower case": user_file("goproxy=https://file.example\n"),
    "carriage return": user_file("GOPROXY=https://file.example\r\nGOSUMDB=sum.example\r\n"),
    "form feed": user_file("GOSUMDB=x\fGOPROXY=https://file.example\n"),
    "no newline at the end": user_file("GOPROXY=https://file.example"),
    "sign in the value": user_file("GOPROXY=https://file.example/?a=b\n"),
    "junk around": user_file("=x\n\n==\nGOPROXY\nGOPROXY=https://file.example\nX\n"),
    "not ASCII": user_file("GOPROXY=https://f\u00fcr.example\n"),
    "GOSUMDB off": Case(environ={"GOSUMDB": "off"}),
}


@pytest.fixture
def goroot(user: User, official: Site) -> Path:
    assert user.run("install", GO).returncode == 0
    return user.root / "versions" / f"go{GO}"


def test_as_the_go_command(goroot: Path, fast_path: Path) -> None:
    different = {}
    for number, (name, case) in enumerate(CASES.items()):
        home = fast_path / f"case{number}"
        home.mkdir()
        environ = build(home, case)
        expected = ask_go(goroot, environ, home)
        settings = GoSettings(environ, [goroot])
        found = [setting.value if setting else "" for setting in map(settings.get, ("GOPROXY", "GOSUMDB"))]
        if found != expected:
            different[name] = (found, expected)
    assert different == {}


def build(home: Path, case: Case) -> dict[str, str]:
    for name, text in case.files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("~", str(home)).encode())
    environ = {} if case.without_home else {"HOME": str(home)}
    return environ | {name: value.replace("~", str(home)) for name, value in case.environ.items()}


def ask_go(goroot: Path, environ: dict[str, str], cwd: Path) -> list[str]:
    """Return what go prints; the rest of its environment keeps it quiet and local."""
    own = {"GOTOOLCHAIN": "local", "GOPATH": "/nonexistent/path", "GOCACHE": "/nonexistent/cache"}
    command = [str(goroot / "bin" / "go"), "env", "GOPROXY", "GOSUMDB"]
    output = subprocess.check_output(command, env=environ | own, cwd=cwd, timeout=60)
    # `go env` ends each value with a newline of its own.
    return output.decode().removesuffix("\n").split("\n")


def test_origins_for_people(tmp_path: Path) -> None:
    (tmp_path / "go.env").write_text("GOPROXY=https://root.example\n")
    (tmp_path / "env").write_text("GOPROXY=https://file.example\n")

    def origin(**environ: str) -> tuple[str, str]:
        setting = GoSettings(environ, [tmp_path]).get("GOPROXY")
        assert setting is not None
        return setting.value, setting.origin

    file = str(tmp_path / "env")
    assert origin(GOPROXY="off", GOENV=file) == ("off", "$GOPROXY")
    assert origin(GOENV=file) == ("https://file.example", f"`{file}`")
    assert origin(GOENV="off") == ("https://root.example", f"`{tmp_path}/go.env`")


def test_first_goroot_that_says_so(tmp_path: Path) -> None:
    for name, text in (("a", "GOSUMDB=x\n"), ("b", "GOPROXY=https://b.example\n"), ("c", "GOPROXY=no\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.env").write_text(text)
    settings = GoSettings({"GOENV": "off"}, [tmp_path / "none", *(tmp_path / name for name in "abc")])
    setting = settings.get("GOPROXY")
    assert setting is not None
    assert setting.value == "https://b.example"


def test_nothing_anywhere() -> None:
    assert GoSettings({}, []).get("GOPROXY") is None


def test_a_relative_configuration_directory_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go itself reads no file then, since 1.25; before, it would have read one in the current directory."""
    (tmp_path / "xdg" / "go").mkdir(parents=True)
    (tmp_path / "xdg" / "go" / "env").write_text("GOPROXY=https://file.example\n")
    monkeypatch.chdir(tmp_path)
    assert GoSettings({"XDG_CONFIG_HOME": "xdg"}, []).get("GOPROXY") is None
    assert GoSettings({"XDG_CONFIG_HOME": str(tmp_path / "xdg")}, []).get("GOPROXY") is not None


def test_unreadable_files_count_as_missing(tmp_path: Path) -> None:
    (tmp_path / "go.env").mkdir()
    (tmp_path / "env").write_bytes(b"\xff\xfe=\0\nGOSUMDB=\xff\n")
    settings = GoSettings({"GOENV": str(tmp_path / "env")}, [tmp_path])
    assert settings.get("GOPROXY") is None
    found = settings.get("GOSUMDB")
    assert found is not None
    assert found.value == "\udcff"
