"""What could lead the shim astray: its own directory on PATH, odd homes, odd callers, closed doors."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from gvmpy.shells.shims import write_shims
from tests.shells.real import HOSTILE, REPOSITORY, SH_SHELLS, SHELLS, SHIM, as_sh, interpreter
from tests.support.mounts import NOBODY, as_nobody, run_with_noexec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
FILES = ("shims/go", "shell/init.sh", "shell/install.sh")
every_shell = pytest.mark.parametrize("shell", SH_SHELLS)


@dataclass(frozen=True)
class Answer:
    """The exit code, the name of the toolchain that ran, and what was said."""

    code: int
    ran: str
    told: str


@dataclass(frozen=True)
class Place:
    """A home whose default is 1.21.6, with 1.22.3 and the alias `work` for it, and a Go outside of it."""

    home: Home
    top: Path

    @property
    def shim(self) -> Path:
        return self.home.shims / "go"

    @property
    def outside(self) -> Path:
        return self.top / "outside"


def run(command: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> Answer:
    finished = subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )
    return Answer(finished.returncode, finished.stdout, finished.stderr)


def put_go(directory: Path, name: str) -> None:
    """Put a `go` there that says `name`."""
    directory.mkdir(parents=True, exist_ok=True)
    for tool in ("go", "gofmt"):
        (directory / tool).write_text(f"#!/bin/sh\nprintf %s {name}\n")
        (directory / tool).chmod(0o755)


def build(home: Home, *names: str) -> None:
    """Make a home in which `names` are installed, the first as the default."""
    home.prepare()
    for name in names:
        put_go(home.versions / name / "bin", name)
        (home.receipts / f"{name}.json").write_text("{}")
    if names:
        home.default_link.symlink_to(f"../versions/{names[0]}")
    write_shims(home)


@pytest.fixture
def place(fast_path: Path) -> Place:
    home = Home(fast_path / HOSTILE)
    build(home, "go1.21.6", "go1.22.3")
    (home.links / "work").symlink_to("../versions/go1.22.3")
    put_go(fast_path / "outside", "system")
    return Place(home, fast_path)


def as_interpreter(place: Place, shell: str) -> None:
    """Let `shell` be the interpreter of the shims, under the name sh."""
    alias = place.top / "interpreter" / "sh"
    alias.parent.mkdir()
    alias.symlink_to(interpreter(shell)[0])
    for tool in ("go", "gofmt"):
        path = place.home.shims / tool
        _, _, rest = path.read_text().partition("\n")
        path.write_text(f"#!{alias}\n{rest}")


@every_shell
class TestItsOwnDirectoryOnPath:
    def spellings(self, place: Place) -> list[str]:
        shims = place.home.shims
        (place.top / "door").symlink_to(shims)
        (place.top / "door to the root").symlink_to(place.home.root)
        (place.top / "files").mkdir()
        for tool in ("go", "gofmt"):
            (place.top / "files" / tool).symlink_to(shims / tool)
        (place.top / "hard").mkdir()
        os.link(shims / "go", place.top / "hard" / "go")
        return [
            f"{shims}",
            f"{shims}/",
            f"{shims}//",
            f"{shims}/.",
            f"{shims}/./",
            f"/{shims}",
            f"{place.home.root}//shims",
            f"{place.home.root}/links/../shims",
            f"{place.top}/door",
            f"{place.top}/door/",
            f"{place.top}/door to the root/shims",
            f"{place.top}/files",
            f"{place.top}/hard",
        ]

    def test_it_is_passed_over_in_every_spelling(self, place: Place, shell: str) -> None:
        spellings = self.spellings(place)
        command = [*as_sh(shell), str(place.shim)]
        for spelling in (*spellings, ":".join(spellings)):
            env = {"GVMPY_VERSION": "system", "PATH": f"{spelling}:{place.outside}"}
            assert run(command, env, place.top) == Answer(0, "system", ""), spelling
            alone = run(command, env | {"PATH": spelling}, place.top)
            assert (alone.code, alone.ran) == (127, ""), spelling
            assert alone.told.startswith("gvmpy: no `go` is on PATH outside gvmpy, "), spelling

    def test_called_by_each_spelling_it_finds_its_root(self, place: Place, shell: str) -> None:
        """Two of them lead to the file alone; there the root has to be said."""
        for spelling in self.spellings(place):
            env = {"GVMPY_ROOT": str(place.home.root)} if spelling.endswith(("files", "hard")) else {}
            command = [*as_sh(shell), f"{spelling}/go"]
            assert run(command, env, place.top) == Answer(0, "go1.21.6", ""), spelling

    def test_two_homes_that_lead_to_each_other_are_stopped(self, place: Place, shell: str) -> None:
        other = Home(place.top / "other")
        build(other)
        place.home.default_link.unlink()
        path = f"{place.home.shims}:{other.shims}"
        answer = run([*as_sh(shell), place.shim], {"PATH": path}, place.top)
        assert (answer.code, answer.ran) == (127, "")
        assert "leads back to gvmpy again and again\nhint: " in answer.told

    def test_relative_entries_choose_nothing(self, place: Place, shell: str) -> None:
        put_go(place.top / "bin", "relative")
        for entry in ("bin", "./bin", "", ".", "../bin"):
            env = {"GVMPY_VERSION": "system", "PATH": f"{entry}:{place.outside}"}
            directory = place.top / "bin" if entry in {"", "."} else place.top
            assert run([*as_sh(shell), place.shim], env, directory) == Answer(0, "system", ""), entry


@every_shell
class TestCalls:
    def test_by_name_and_by_relative_paths(self, place: Place, shell: str) -> None:
        as_interpreter(place, shell)
        root, shims = place.home.root, place.home.shims
        for directory, path, word in (
            (root, "shims", "go"),
            (root, "./shims", "gofmt"),
            (root, "../nowhere:shims/", "go"),
            (shims, ".", "go"),
            (shims, "", "go"),
            (shims, "/nonexistent", "./go"),
            (root, "/nonexistent", "shims/go"),
            (place.home.versions, "/nonexistent", "../shims/gofmt"),
            (place.top, str(shims), "go"),
        ):
            command = ["/bin/sh", "-c", 'PATH=$1; exec "$2"', "sh", path, word]
            answer = run(command, {}, directory)
            assert answer == Answer(0, "go1.21.6", ""), (directory, path, word)

    def test_without_any_environment(self, place: Place, shell: str) -> None:
        project = place.top / "project"
        project.mkdir()
        command = ["env", "-i", *as_sh(shell), str(place.shim)]
        assert run(command, {"PATH": "/usr/bin:/bin"}, project) == Answer(0, "go1.21.6", "")
        for word, expected in (("1.22", "go1.22.3"), ("1.21.6", "go1.21.6"), ("work", "go1.22.3")):
            (project / ".go-version").write_text(word)
            assert run(command, {"PATH": "/usr/bin:/bin"}, project) == Answer(0, expected, ""), word
        (project / ".go-version").write_text("1.19")
        refused = run(command, {"PATH": "/usr/bin:/bin"}, project)
        pin = f"`{project}/.go-version` line 1"
        message = f"gvmpy: no installed Go matches `1.19`, and {pin} asks for it\nhint: gvmpy install 1.19\n"
        assert refused == Answer(127, "", message)

    @pytest.mark.parametrize(
        "name", ["sh", "env", "python", "git", "Go", "go.bak", "goimports", "-go", "go x"]
    )
    def test_a_copy_under_another_name_runs_nothing(self, place: Place, shell: str, name: str) -> None:
        copy = place.home.shims / name
        shutil.copy(place.shim, copy)
        answer = run([*as_sh(shell), copy, "version"], {"PATH": str(place.outside)}, place.top)
        assert (answer.code, answer.ran) == (2, "")
        assert answer.told.startswith("gvmpy: this file answers to ")

    def test_its_own_variables_inherited_say_nothing(self, place: Place, shell: str) -> None:
        names = sorted(set(re.findall(r"\b_gvmpy_[a-z_]+", SHIM.read_text())))
        assert "_gvmpy_binary" in names
        env = dict.fromkeys(names, str(place.outside / "go")) | {"PATH": str(place.outside)}
        for asked, expected in (
            ("", "go1.21.6"),
            ("1.22.3", "go1.22.3"),
            ("1.22", "go1.22.3"),
            ("system",) * 2,
        ):
            answer = run([*as_sh(shell), place.shim], env | {"GVMPY_VERSION": asked}, place.top)
            assert answer == Answer(0, expected, ""), asked

    def test_other_variables_that_shells_obey(self, place: Place, shell: str) -> None:
        env = {"CDPATH": "/usr:/", "IFS": "go1/.", "POSIXLY_CORRECT": "1", "PS4": "$(touch x)", "OLDPWD": "/"}
        env |= {"GVMPY_VERSION": "1.22", "GLOBIGNORE": "*", "FPATH": str(place.outside), "MAIL": "/x"}
        answer = run([*as_sh(shell), place.shim], env, place.top)
        assert answer == Answer(0, "go1.22.3", "")
        assert not (place.top / "x").exists()


@every_shell
class TestHomes:
    @pytest.mark.parametrize(
        "name",
        [" ", "a b", "it's", 'say "x"', "new\nline", "\nfirst", "*", "[a-z]?", "$HOME", "`x`", "\\", "-n"],
    )
    def test_the_root_may_be_called_anything(self, fast_path: Path, shell: str, name: str) -> None:
        home = Home(fast_path / name)
        build(home, "go1.21.6", "go1.22.3")
        (home.links / "work").symlink_to("../versions/go1.22.3")
        put_go(fast_path / "outside", "system")
        env = {"PATH": f"{home.shims}:{fast_path}/outside"}
        for asked in ("", "1.21.6", "1.22", "1", "work", "system"):
            expected = {"": "go1.21.6", "1.21.6": "go1.21.6", "system": "system"}.get(asked, "go1.22.3")
            answer = run([*as_sh(shell), home.shims / "go"], env | {"GVMPY_VERSION": asked}, home.root)
            assert answer == Answer(0, expected, ""), asked

    def test_a_home_directory_that_is_a_link(self, fast_path: Path, shell: str) -> None:
        real = fast_path / "disk 2" / "ada"
        (fast_path / "ada").symlink_to(real)
        home = Home(real / ".gvmpy")
        build(home, "go1.21.6")
        put_go(fast_path / "outside", "system")
        (real / "project").mkdir()
        (real / "project" / ".go-version").write_text("1.21\n")
        by_link = fast_path / "ada" / ".gvmpy" / "shims"
        for called, on_path in ((by_link, home.shims), (home.shims, by_link), (by_link, by_link)):
            env = {"HOME": str(fast_path / "ada"), "PATH": f"{on_path}:{fast_path}/outside"}
            command = [*as_sh(shell), str(called / "go")]
            assert run(command, env, fast_path / "ada" / "project") == Answer(0, "go1.21.6", "")
            assert run(command, env | {"GVMPY_VERSION": "system"}, real) == Answer(0, "system", "")

    def test_the_home_of_somebody_else_is_not_asked(self, place: Place, shell: str) -> None:
        """As under sudo: the shim lies where it lies, whosever HOME is set."""
        build(Home(place.top / "root" / ".gvmpy"), "go1.19.1")
        env = {"HOME": str(place.top / "root"), "PATH": f"{place.home.shims}:/usr/bin:/bin"}
        command = [*as_sh(shell), str(place.shim)]
        assert run(command, env, place.top) == Answer(0, "go1.21.6", "")
        further = {"SUDO_USER": "ada", "GVMPY_ROOT": f"{place.top}/root/.gvmpy"}
        assert run(command, env | further, place.top) == Answer(0, "go1.21.6", "")
        missing = run(command, env | {"GVMPY_VERSION": "1.19.1"}, place.top)
        assert missing.code == 127

    def test_a_home_that_may_not_be_written_to(self, place: Place, shell: str) -> None:
        project = place.top / "project"
        project.mkdir()
        (project / ".go-version").write_text("1.22\n")
        subprocess.run(["chmod", "-R", "a-w,a+rX", str(place.top)], check=True)
        before = snapshot(place.top)
        env = {"HOME": str(place.top), "PATH": f"{place.home.shims}:{place.outside}"}
        command = [*as_somebody(place.top), *as_sh(shell), str(place.shim)]
        assert run(command, env, place.top) == Answer(0, "go1.21.6", "")
        assert run(command, env, project) == Answer(0, "go1.22.3", "")
        assert run(command, env | {"GVMPY_VERSION": "system"}, project) == Answer(0, "system", "")
        assert run(command, env | {"GVMPY_VERSION": "1.19"}, project).code == 127
        assert run(command, env | {"GVMPY_VERSION": "../x"}, project).code == 2
        assert snapshot(place.top) == before


@every_shell
@pytest.mark.parametrize("asked", ["", "1.21.6", "1.21", "work"])
class TestNoexec:
    """The kernel lets nothing run there: 126, as shells have it, and the reason, which no shell says."""

    def test_a_home_on_such_a_mount(self, place: Place, shell: str, asked: str) -> None:
        home = Home(place.top / "mount" / "home")
        put = f'cp -a "{place.top}"/a* "$1/home"'
        command = [*as_sh(shell), str(home.shims / "go")]
        self.check(place, command, place.top / "mount", put, asked)

    def test_toolchains_alone_on_such_a_mount(self, place: Place, shell: str, asked: str) -> None:
        put = self.put_aside(place)
        self.check(place, [*as_sh(shell), str(place.shim)], place.home.versions, put, asked)

    def test_root_believes_the_mode(self, place: Place, shell: str, asked: str) -> None:
        """To root, some shells call executable what has the bit, so it is their exec that is refused, and
        their own sentence that is seen.
        """
        put = self.put_aside(place)
        env = {"PATH": "/usr/bin:/bin", "GVMPY_VERSION": asked}
        command = [*as_sh(shell), str(place.shim)]
        finished = run_with_noexec(place.home.versions, put, command, env)
        assert (finished.returncode, finished.stdout) == (126, b"")
        by_shell = shell in {"zsh", "ksh", "busybox"} and b"ermission denied" in finished.stderr
        assert b"noexec" in finished.stderr or by_shell

    def put_aside(self, place: Place) -> str:
        """Take the toolchains out of the home, and return the text that puts them on the mount."""
        (place.top / "trees").mkdir()
        for tree in place.home.versions.glob("go*"):
            tree.rename(place.top / "trees" / tree.name)
        return f'cp -a "{place.top}/trees/." "$1"'

    def check(self, place: Place, command: list[str], mount: Path, put: str, asked: str) -> None:
        mount.mkdir(exist_ok=True)
        as_somebody(place.top)
        env = {"PATH": "/usr/bin:/bin", "GVMPY_VERSION": asked}
        finished = run_with_noexec(mount, put, command, env, as_root=False)
        assert (finished.returncode, finished.stdout) == (126, b""), finished.stderr
        assert b"noexec" in finished.stderr


class TestText:
    """The files parse in every shell, and shellcheck finds nothing in any dialect."""

    @pytest.mark.parametrize("shell", SHELLS)
    @pytest.mark.parametrize("file", FILES)
    def test_parses(self, shell: str, file: str) -> None:
        command = [*as_sh(shell), "-n", str(REPOSITORY / file)]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        # ksh has opinions on style, and calls them so.
        told = [line for line in finished.stderr.splitlines() if shell != "ksh" or ": warning: " not in line]
        assert (finished.returncode, finished.stdout, told) == (0, "", [])

    @pytest.mark.parametrize("dialect", ["sh", "bash", "dash", "ksh"])
    @pytest.mark.parametrize("file", FILES)
    def test_shellcheck(self, dialect: str, file: str) -> None:
        finished = subprocess.run(
            [str(SHELLCHECK), f"--shell={dialect}", "--norc", file],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (finished.returncode, finished.stdout) == (0, "")


def as_somebody(top: Path) -> list[str]:
    """Return what to put before a command so that permissions count: root becomes nobody, to whom `top` is
    given; everybody else is already such a user.
    """
    if os.geteuid() != 0:
        return []
    subprocess.run(["chown", "-R", "-h", f"{NOBODY}:{NOBODY}", str(top)], check=True)
    return as_nobody()


def snapshot(top: Path) -> dict[str, tuple[int, int, int]]:
    """Return all that is below `top`, with what a write would change."""
    found = {}
    for directory, _, names in os.walk(top):
        for path in (directory, *(os.path.join(directory, name) for name in names)):
            entry = os.lstat(path)
            found[path] = (stat.S_IMODE(entry.st_mode), entry.st_size, entry.st_mtime_ns)
    return found
