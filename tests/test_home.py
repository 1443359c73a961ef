from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gvmpy.errors import HostError
from gvmpy.home import Home
from gvmpy.root import root_path
from gvmpy.version import GoVersion

NOBODY = 65534


def put(home: Home, name: str, *, receipt: bool = True, mode: int | None = 0o755) -> None:
    """Make `name` look installed, or half so."""
    home.receipts.mkdir(parents=True, exist_ok=True)
    if receipt:
        (home.receipts / f"{name}.json").write_text("{}")
    if mode is not None:
        binary = home.versions / name / "bin" / "go"
        binary.parent.mkdir(parents=True)
        binary.write_text("#!/bin/sh\n")
        binary.chmod(mode)


class TestRoot:
    def test_gvmpy_root_wins(self) -> None:
        assert root_path({"GVMPY_ROOT": "/x/y", "HOME": "/h"}) == "/x/y"

    def test_below_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/h")
        assert root_path({"HOME": "/h"}) == "/h/.gvmpy"
        assert root_path({"HOME": "/h", "GVMPY_ROOT": ""}) == "/h/.gvmpy"

    def test_root_without_a_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A container may run under a number that no user has."""
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("os.path.expanduser", lambda path: path)
        with pytest.raises(HostError, match="set GVMPY_ROOT") as caught:
            Home.from_environment({})
        assert caught.value.hint is not None
        assert root_path({"GVMPY_ROOT": "/x"}) == "/x"

    def test_always_absolute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert root_path({"GVMPY_ROOT": "x/../y"}) == f"{tmp_path}/y"


class TestLayout:
    """The shims read the same paths: they are a contract."""

    def test_paths(self) -> None:
        home = Home(Path("/r"))
        version = GoVersion.parse("1.22.3")
        assert home.goroot(version) == Path("/r/versions/go1.22.3")
        assert home.receipt(version) == Path("/r/receipts/go1.22.3.json")
        assert home.incoming == Path("/r/versions/.incoming")
        assert home.default_link == Path("/r/links/go")
        assert home.shims == Path("/r/shims")

    def test_looking_makes_nothing(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "none")
        assert home.installed() == []
        assert not home.is_installed(GoVersion.parse("1.22.3"))
        assert list(tmp_path.iterdir()) == []


class TestInstalled:
    def test_sorted_as_go_sorts(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        for name in ("go1.22.10", "go1.22.9", "go1.9", "go1.23rc1", "go1.20"):
            put(home, name)
        assert [version.text for version in home.installed()] == [
            "1.9",
            "1.20",
            "1.22.9",
            "1.22.10",
            "1.23rc1",
        ]

    def test_half_of_one_does_not_count(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        put(home, "go1.22.1", receipt=False)
        put(home, "go1.22.2", mode=None)
        put(home, "go1.22.3", mode=0o644)
        put(home, "go1.22.4")
        assert [version.text for version in home.installed()] == ["1.22.4"]

    def test_foreign_names_do_not_count(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        for name in (
            "1.22.3",
            "go1.20.0",
            "go01.2",
            "go1.22.3.files",
            "gox",
            "go1.22.3-x",
            "go",
            ".go1.22.4",
        ):
            put(home, name)
        (home.receipts / "go1.22.5").write_text("{}")
        (home.receipts / "go1.22.6.json").mkdir()
        put(home, "go1.22.6", receipt=False)
        assert home.installed() == []

    def test_a_file_in_place_of_the_receipts(self, tmp_path: Path) -> None:
        (tmp_path / "receipts").write_text("x")
        assert Home(tmp_path).installed() == []


class TestPrepare:
    def test_private_whatever_the_umask(self, tmp_path: Path) -> None:
        home = Home(tmp_path / "root")
        before = os.umask(0o000)
        try:
            home.prepare()
            home.prepare()
        finally:
            os.umask(before)
        for path in (home.root, home.versions, *home.root.iterdir(), home.incoming):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path

    def test_a_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "root").write_text("x")
        with pytest.raises(HostError, match="cannot write below") as caught:
            Home(tmp_path / "root").prepare()
        assert caught.value.hint == "set GVMPY_ROOT to a directory you may write to"

    def test_root_stays_out_of_a_users_home(self, fast_path: Path) -> None:
        """Root is refused; the user is not. Both are run, by whoever may become them."""
        home = fast_path / "home"
        home.mkdir(mode=0o700)
        program = f"""
import pathlib
from gvmpy.errors import HostError
from gvmpy.home import Home
try:
    Home(pathlib.Path({str(home / "deep" / ".gvmpy")!r})).prepare()
except HostError as error:
    print(error.message)
"""
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
            fast_path.chmod(0o711)
            refused = run_python(program)
            assert refused == f"running as root, but `{home}` belongs to user {NOBODY}\n"
            assert list(home.iterdir()) == []
            drop = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
            program = f"import os, gvmpy.home\nos.chdir('/')\n{drop}\n{program}"
        assert run_python(program) == ""
        assert (home / "deep" / ".gvmpy" / "versions").is_dir()


def run_python(program: str) -> str:
    return subprocess.check_output([sys.executable, "-c", program], text=True, timeout=60)
