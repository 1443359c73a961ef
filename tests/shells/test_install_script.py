"""shell/install.sh, run for real against this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.shells.real import REPOSITORY, interpreter

if TYPE_CHECKING:
    from pathlib import Path

INSTALLER = REPOSITORY / "shell" / "install.sh"
# What pip needs to reach its index on this machine, and nothing of this test run's own environment.
KEPT = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_FIND_LINKS",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
)


@dataclass
class Newcomer:
    """Somebody with an empty home directory, whose name has a blank and a quote."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / ".local" / "share" / "gvmpy"

    @property
    def front(self) -> Path:
        return self.data / "bin" / "gvmpy"

    @property
    def program(self) -> Path:
        return self.data / "venv" / "bin" / "gvmpy"

    @property
    def command(self) -> Path:
        return self.home / ".local" / "bin" / "gvmpy"

    def install(self, *arguments: str, by: str = "dash", **env: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return subprocess.run(
            [*interpreter(by), str(INSTALLER), *arguments],
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"} | kept | env,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def files(self) -> list[str]:
        """Return what lies in the home directory, not looking into gvmpy's own or pip's cache."""
        found = []
        for top, directories, files in os.walk(self.home):
            names = [os.path.relpath(os.path.join(top, name), self.home) for name in (*directories, *files)]
            directories[:] = [name for name in directories if name not in {"gvmpy", ".cache"}]
            found += names
        return sorted(found)


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    home = tmp_path / "new comer's home"
    home.mkdir()
    return Newcomer(home)


def test_help_writes_nothing(newcomer: Newcomer) -> None:
    finished = newcomer.install("--help")
    assert finished.returncode == 0
    assert finished.stdout.startswith("usage: install.sh")
    assert newcomer.files() == []


@pytest.mark.parametrize("arguments", [["--what"], ["--go"], ["--python", ""], ["--python="], ["1.22.3"]])
def test_wrong_arguments(newcomer: Newcomer, arguments: list[str]) -> None:
    finished = newcomer.install(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("error: ")
    assert newcomer.files() == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", "is not Python 3.11 or newer"),
        (
            'case "$2" in *ensurepip*) exit 1 ;; *print*) echo python3-venv python3.11-venv ;; esac',
            "cannot make virtual environments",
        ),
    ],
)
def test_a_python_that_will_not_do(newcomer: Newcomer, tmp_path: Path, script: str, words: str) -> None:
    python = tmp_path / "py thon"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    finished = newcomer.install("--python", str(python))
    assert finished.returncode == 2
    assert words in finished.stderr
    assert ("apt install python3-venv python3.11-venv" in finished.stderr) == ("ensurepip" in script)
    assert newcomer.files() == []


def test_no_python_at_all(newcomer: Newcomer, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "id").symlink_to(shutil.which("id") or "")
    finished = newcomer.install(PATH=str(tools))
    assert finished.returncode == 2
    assert "no Python 3.11 or newer is on PATH" in finished.stderr
    assert "apt install python3 python3-venv" in finished.stderr


def test_a_command_of_the_users_own_stays(newcomer: Newcomer) -> None:
    newcomer.command.parent.mkdir(parents=True)
    newcomer.command.symlink_to("/bin/true")
    finished = newcomer.install("--python", sys.executable)
    assert finished.returncode == 2
    assert "was not made by this installer" in finished.stderr
    assert os.readlink(newcomer.command) == "/bin/true"
    assert not newcomer.data.exists()


@pytest.mark.slow
def test_install_again_and_repair(newcomer: Newcomer) -> None:
    first = newcomer.install("--python", sys.executable)
    assert first.returncode == 0, first.stderr
    assert f"{newcomer.command.parent} is not on PATH" in first.stderr
    written = [".local", ".local/bin", ".local/bin/gvmpy", ".local/share", ".local/share/gvmpy"]
    assert [path for path in newcomer.files() if path != ".cache"] == written
    assert os.readlink(newcomer.command) == str(newcomer.front)
    assert answers(newcomer)
    # The printed line works in a fresh shell as it stands.
    line = first.stdout.strip()
    script = f'{line}\ncommand -v gvmpy; printf "%s" "$PATH"'
    shown = subprocess.run(
        [*interpreter("dash"), "-euc", script],
        env={"HOME": str(newcomer.home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == f"gvmpy\n{newcomer.home}/.gvmpy/shims:/usr/bin:/bin"

    environment = os.readlink(newcomer.data / "venv")
    # As an earlier installer left it.
    os.unlink(newcomer.command)
    newcomer.command.symlink_to(newcomer.program)
    shutil.rmtree(newcomer.front.parent)
    again = newcomer.install(
        "--python", sys.executable, by="bash", PATH=f"{newcomer.command.parent}:/usr/bin:/bin"
    )
    assert (again.returncode, again.stdout) == (0, 'eval "$(gvmpy init -)"\n')
    assert os.readlink(newcomer.data / "venv") == environment
    assert os.readlink(newcomer.command) == str(newcomer.front)
    assert os.listdir(newcomer.command.parent) == ["gvmpy"]
    assert answers(newcomer)

    os.unlink(newcomer.data / "venv" / "bin" / "python")
    (newcomer.data / "venv-999999999.1").mkdir()
    repaired = newcomer.install("--python", sys.executable)
    assert repaired.returncode == 0, repaired.stderr
    assert sorted(os.listdir(newcomer.data)) == ["bin", "venv", os.readlink(newcomer.data / "venv")]
    assert os.readlink(newcomer.data / "venv") != environment
    assert answers(newcomer)


@pytest.mark.slow
def test_data_elsewhere_with_blanks_and_a_quote(newcomer: Newcomer) -> None:
    # The scripts that pip writes stand neither $ nor ` in the path of their environment.
    elsewhere = newcomer.home / "it's  *; b"
    finished = newcomer.install("--python", sys.executable, XDG_DATA_HOME=str(elsewhere))
    assert finished.returncode == 0, finished.stderr
    assert os.readlink(newcomer.command) == str(elsewhere / "gvmpy" / "bin" / "gvmpy")
    assert answers(newcomer, elsewhere / "gvmpy" / "venv" / "bin" / "gvmpy")
    assert not newcomer.data.exists()


def answers(newcomer: Newcomer, program: Path | None = None) -> bool:
    """Whether the command answers by itself with a home, and hands over to the program without."""
    program = program or newcomer.program
    alone = version(newcomer.command, HOME=str(newcomer.home))
    assert alone == version(newcomer.command) == version(program)
    # With another program of the same age in its place, it shows who answered.
    kept = program.read_bytes()
    stamp = program.stat()
    program.write_text("#!/bin/sh\necho program\n")
    os.utime(program, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    try:
        assert version(newcomer.command, HOME=str(newcomer.home)) == alone
        assert version(newcomer.command) == "program\n"
    finally:
        program.write_bytes(kept)
        os.utime(program, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    return alone.startswith("gvmpy ")


def version(command: Path, **env: str) -> str:
    return subprocess.run(
        [str(command), "--version"], env=env, capture_output=True, text=True, check=True
    ).stdout
