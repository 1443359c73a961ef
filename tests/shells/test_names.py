"""The shims called as versions are, and versions that are installed when they are asked for."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from gvmpy.shells.shims import NAMES, write_shims
from gvmpy.version import GoVersion
from tests.selection.trees import put_tools

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site

OLD, NEW = "1.21.6", "1.22.3"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "ro ot")
    home.prepare()
    for text in ("1.20", "1.22rc1", NEW):
        version = GoVersion.parse(text)
        put_tools(home.goroot(version) / "bin")
        home.receipt(version).write_text("{}")
    return home


def names(home: Home) -> set[str]:
    return {path.name for path in home.shims.iterdir()}


def test_each_installed_version_has_a_shim(home: Home) -> None:
    write_shims(home)
    assert names(home) == {*NAMES, "go1.20", "go1.22rc1", "go1.22.3"}
    assert len({path.read_bytes() for path in home.shims.iterdir()}) == 1
    assert {path.stat().st_mode & 0o777 for path in home.shims.iterdir()} == {0o755}


def test_shims_go_with_their_versions_and_nothing_else_does(home: Home) -> None:
    write_shims(home)
    for name in ("gopls", "go1.22.3-corp", "go1.19.0", "1.22.3"):
        (home.shims / name).write_text("mine")
    home.receipt(GoVersion.parse(NEW)).unlink()
    (home.shims / "go1.18.1").write_text("a shim of once")
    write_shims(home)
    assert names(home) == {*NAMES, "go1.20", "go1.22rc1", "gopls", "go1.22.3-corp", "go1.19.0", "1.22.3"}


def test_a_name_means_its_version_whatever_else_is_asked_for(home: Home, tmp_path: Path) -> None:
    write_shims(home)
    (tmp_path / ".go-version").write_text("nonsense!\n")
    command = [str(home.shims / "go1.22.3"), "version"]
    told = subprocess.run(
        command, cwd=tmp_path, env={"GVMPY_VERSION": "1.20"}, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines() == [f"{home.versions}/go1.22.3/bin/go", "none", "version"]


def run_go(user: User, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [user.root / "shims" / "go", *words],
        cwd=user.home,
        env=user.env | {"PATH": f"{user.root / 'shims'}:/usr/bin:/bin"} | env,
        input="package main\n\nfunc   main() {}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_go_command_switches_by_them_without_a_network(user: User, official: Site) -> None:
    assert user.run("install", OLD, NEW).returncode == 0
    (user.home / "go.mod").write_text("module example.com/m\n\ngo 1.22.0\n\ntoolchain go1.22.3\n")
    # The old one is asked for by name, so that it is Go's own switch that finds the other.
    told = run_go(user, "version", GVMPY_VERSION=OLD, GOPROXY="off")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("go version go1.22.3 ")
    assert user.run("uninstall", "--force", "--yes", NEW).returncode == 0
    assert not (user.root / "shims" / "go1.22.3").exists()
    told = run_go(user, "version", GVMPY_VERSION=OLD, GOPROXY="off")
    assert told.returncode == 1
    assert "go1.22.3" in told.stderr


@pytest.mark.parametrize("lasting", [True, False])
def test_what_is_missing_is_installed_where_that_is_wanted(user: User, official: Site, lasting: bool) -> None:
    assert user.run("init", "--install", "--shell", "bash").returncode == 0
    (user.home / ".go-version").write_text(f"{OLD}\n")
    told = run_go(user, "version")
    assert told.returncode == 127
    assert "hint: gvmpy install 1.21.6" in told.stderr
    assert user.installed() == []
    if lasting:
        assert user.run("config", "set", "missing", "install").returncode == 0
    told = run_go(user, "version", **({} if lasting else {"GVMPY_MISSING": "install"}))
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("go version go1.21.6 ")
    assert f"installed go{OLD} from official" in told.stderr
    assert user.installed() == [f"go{OLD}"]
    assert (run_go(user, "version").stderr, run_go(user, "version").returncode) == ("", 0)


def test_standard_input_is_kept_for_go(user: User, official: Site) -> None:
    assert user.run("init", "--install", "--shell", "bash").returncode == 0
    (user.home / ".go-version").write_text(f"{OLD}\n")
    gofmt = [user.root / "shims" / "gofmt"]
    told = subprocess.run(
        gofmt,
        cwd=user.home,
        env=user.env | {"GVMPY_MISSING": "install"},
        input="package main\n\nfunc   main() {}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (told.returncode, told.stdout) == (0, "package main\n\nfunc main() {}\n"), told.stderr


@pytest.mark.parametrize("word", ["1.21.99", "1.19"])
def test_an_installation_that_fails_is_told_with_what_asked(user: User, official: Site, word: str) -> None:
    assert user.run("init", "--install", "--shell", "bash").returncode == 0
    (user.home / ".go-version").write_text(f"{word}\n")
    told = run_go(user, "version", GVMPY_MISSING="install")
    assert (told.returncode, told.stdout) == (127, "")
    first, *_, last_but_one, last = told.stderr.splitlines()
    assert first.startswith("error: ")
    assert last_but_one.startswith("gvmpy: ")
    assert last_but_one.endswith(f", and `{user.home}/.go-version` line 1 asks for it")
    assert last == f"hint: gvmpy install {word}"
