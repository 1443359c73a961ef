"""The static init texts, and the one line that stands for them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import HostError
from gvmpy.home import Home
from gvmpy.shells.init import render
from gvmpy.shells.static import stub, write_init_files
from tests.shells.real import HOSTILE, SHELLS, interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

PROGRAM = "/opt/a 'b'/gvmpy"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / HOSTILE)
    home.prepare()
    return home


@pytest.mark.parametrize("shell", ["sh", "bash", "fish"])
def test_the_line_stands_for_what_is_current(home: Home, shell: str) -> None:
    root = str(home.root)
    assert stub(root, PROGRAM, shell) is None
    write_init_files(home, PROGRAM)
    line = stub(root, PROGRAM, shell)
    assert line is not None
    assert stub(root, "/moved/gvmpy", shell) is None
    path = home.shell / ("init.fish" if shell == "fish" else "init.sh")
    assert path.read_text() == render(root, PROGRAM, shell)
    path.write_text(path.read_text() + "\n")
    assert stub(root, PROGRAM, shell) is None
    path.unlink()
    path.mkdir()
    assert stub(root, PROGRAM, shell) is None


@pytest.mark.parametrize("shell", [*SHELLS, "fish"])
def test_the_line_works(home: Home, shell: str) -> None:
    write_init_files(home, PROGRAM)
    line = stub(str(home.root), PROGRAM, shell)
    assert line is not None
    script = f"{line}/usr/bin/printenv PATH"
    environ = {"PATH": "/usr/bin", "HOME": str(home.root), "LC_ALL": "C.UTF-8"}
    finished = subprocess.run(
        [*interpreter(shell), "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    assert (finished.stdout, finished.stderr) == (f"{home.shims}:/usr/bin\n", "")


def test_files_are_written_once(home: Home) -> None:
    write_init_files(home, PROGRAM)
    before = {path.name: path.stat() for path in home.shell.iterdir()}
    assert set(before) == {"init.sh", "init.fish"}
    assert all(status.st_mode & 0o7777 == 0o644 for status in before.values())
    assert home.shell.stat().st_mode & 0o7777 == 0o700
    write_init_files(home, PROGRAM)
    assert {path.name: path.stat().st_ino for path in home.shell.iterdir()} == {
        name: status.st_ino for name, status in before.items()
    }


def test_what_is_wrong_is_put_right(home: Home, tmp_path: Path) -> None:
    write_init_files(home, PROGRAM)
    wanted = (home.shell / "init.sh").read_bytes()
    (home.shell / "init.fish").chmod(0o666)
    outside = tmp_path / "outside"
    outside.write_bytes(wanted)
    (home.shell / "init.sh").unlink()
    (home.shell / "init.sh").symlink_to(outside)
    write_init_files(home, PROGRAM)
    assert not (home.shell / "init.sh").is_symlink()
    assert (home.shell / "init.sh").read_bytes() == outside.read_bytes() == wanted
    assert (home.shell / "init.fish").stat().st_mode & 0o7777 == 0o644


def test_what_stands_in_the_way_is_named(home: Home) -> None:
    (home.shell / "init.sh").mkdir()
    with pytest.raises(HostError, match=r"init\.sh"):
        write_init_files(home, PROGRAM)


def test_a_root_that_path_cannot_hold_gets_none(tmp_path: Path) -> None:
    home = Home(tmp_path / "a:b")
    home.prepare()
    write_init_files(home, PROGRAM)
    assert list(home.shell.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_the_program_prints_the_line_once_the_file_is_there(user: User, shell: str) -> None:
    whole = user.run("init", "-", shell).stdout
    # A home directory that is spelled oddly is the same one.
    assert user.run("init", "--install", "--shell", shell, HOME=f"{user.home}//").returncode == 0
    line = user.run("init", "-", shell).stdout
    assert line == stub(str(user.root), user.command()[0], shell)
    assert line.count("\n") == 1
    assert whole == os.fsdecode(
        (user.root / "shell" / f"init.{'fish' if shell == 'fish' else 'sh'}").read_bytes()
    )
