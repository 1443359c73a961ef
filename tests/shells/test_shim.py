from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gvmpy.home import Home
from gvmpy.shells.shims import write_shims
from gvmpy.version import GoVersion
from tests.selection.trees import put_tools
from tests.shells.real import HOSTILE, SH_SHELLS, SHIM, as_sh

every_shell = pytest.mark.parametrize("shell", SH_SHELLS)


@dataclass
class Place:
    """A home with a default of 1.21.6 besides 1.22.3, below a hostile name."""

    home: Home
    project: Path

    def run(
        self, shell: str, *arguments: str, name: str = "go", **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*as_sh(shell), str(self.home.shims / name), *arguments],
            cwd=self.project,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    home = Home(tmp_path / HOSTILE)
    home.prepare()
    for text in ("1.21.6", "1.22.3"):
        version = GoVersion.parse(text)
        put_tools(home.goroot(version) / "bin")
        home.receipt(version).write_text("{}")
    home.default_link.symlink_to("../versions/go1.21.6")
    write_shims(home)
    project = tmp_path / HOSTILE / "project"
    project.mkdir()
    return Place(home, project)


def ran(finished: subprocess.CompletedProcess[str]) -> tuple[str, list[str]]:
    """Return which toolchain's which tool ran, and its arguments."""
    assert (finished.returncode, finished.stderr) == (0, "")
    binary, _, rest = finished.stdout.partition("\nnone\n")
    return "/".join(Path(os.path.realpath(binary)).parts[-3::2]), rest.splitlines()


@every_shell
def test_arguments_pass_unchanged_below_a_hostile_name(place: Place, shell: str) -> None:
    arguments = ["build", "a b", "", "*", "$(touch x)", "-ldflags=-X 'a=b'", "\\"]
    assert ran(place.run(shell, *arguments)) == ("go1.21.6/go", arguments)
    (place.project / ".go-version").write_text("1.22\r\n")
    assert ran(place.run(shell, name="gofmt")) == ("go1.22.3/gofmt", [])
    assert ran(place.run(shell, "version", GVMPY_VERSION="1.21.6"))[0] == "go1.21.6/go"
    assert not list(place.home.root.rglob("x"))


@every_shell
def test_the_environment_passes_but_for_goroot(place: Place, shell: str) -> None:
    program = place.home.goroot(GoVersion.parse("1.21.6")) / "bin" / "go"
    program.write_text("#!/bin/sh\nexec /usr/bin/env -0\n")
    env = {
        "GOROOT": "/stale",
        "LC_ALL": "C.UTF-8",
        "dir": "1",
        "patch": "2",
        "line": "3",
        "PATH": "/usr/bin",
        "n": "4",
    }
    finished = place.run(shell, **env)
    assert finished.stderr == ""
    seen = dict(entry.split("=", 1) for entry in finished.stdout.split("\0")[:-1])
    made_by_shells = {"PWD", "OLDPWD", "SHLVL", "_", "A__z", "LOGNAME"}
    expected = {name: value for name, value in env.items() if name != "GOROOT"}
    assert {name: value for name, value in seen.items() if name not in made_by_shells} == expected


@every_shell
@pytest.mark.parametrize("options", [["-u"], ["-e"], ["-e", "-u", "-f"]])
def test_strict_options(place: Place, shell: str, options: list[str]) -> None:
    (place.project / ".go-version").write_text("1")
    command = [*as_sh(shell), *options, str(place.home.shims / "go")]
    finished = subprocess.run(command, cwd=place.project, env={}, capture_output=True, text=True, check=False)
    assert ran(finished)[0] == "go1.22.3/go"


@every_shell
def test_started_by_every_spelling_of_its_path(place: Place, shell: str, tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to(place.home.shims)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").symlink_to(place.home.shims / "go")
    spellings = [
        (place.home.shims, "go"),
        (place.home.shims, "./go"),
        (place.home.root, "shims/go"),
        (tmp_path, "s/go"),
        (tmp_path, str(tmp_path / "s" / "go")),
        (tmp_path, "bin/go"),
    ]
    for directory, spelling in spellings:
        finished = subprocess.run(
            [*as_sh(shell), spelling],
            cwd=directory,
            env={"GVMPY_ROOT": str(place.home.root)} if spelling == "bin/go" else {},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran(finished)[0] == "go1.21.6/go", spelling
        assert finished.stdout.startswith("/")


@every_shell
def test_reached_through_a_link_it_falls_back_on_the_home_directory(shell: str, tmp_path: Path) -> None:
    home = Home(tmp_path / ".gvmpy")
    put_tools(home.versions / "go1.21.6" / "bin")
    home.links.mkdir()
    home.default_link.symlink_to("../versions/go1.21.6")
    (tmp_path / "go").symlink_to(SHIM)
    command = [*as_sh(shell), str(tmp_path / "go")]
    finished = subprocess.run(
        command, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert ran(finished)[0] == "go1.21.6/go"
    lost = subprocess.run(command, env={"PATH": "/bin"}, capture_output=True, text=True, check=False)
    assert (lost.returncode, lost.stdout) == (127, "")


@every_shell
def test_a_directory_that_is_gone(place: Place, shell: str) -> None:
    (place.project / ".go-version").write_text("1.22.3")
    (place.project / "gone").mkdir()
    script = 'cd gone && rmdir ../gone && exec "$@"'
    command = ["/bin/sh", "-c", script, "sh", *as_sh(shell), str(place.home.shims / "go")]
    finished = subprocess.run(command, cwd=place.project, env={}, capture_output=True, text=True, check=False)
    # The shells themselves complain; what counts is that the default answers.
    assert finished.returncode == 0
    assert "go/bin/go\n" in finished.stdout


@every_shell
@pytest.mark.parametrize("pwd", ["/", "project", "", "{}/project/down/..", "{}"])
def test_an_untrue_pwd(place: Place, shell: str, pwd: str) -> None:
    (place.project / ".go-version").write_text("1.22.3")
    (place.project / "down").mkdir()
    (place.project / "down" / ".go-version").write_text("1.21.6")
    assert ran(place.run(shell, PWD=pwd.format(place.home.root)))[0] == "go1.22.3/go"


@every_shell
def test_what_is_missing_is_named_with_the_command_that_helps(place: Place, shell: str) -> None:
    (place.project / ".go-version").write_text("# ours\n1.19.1\n")
    finished = place.run(shell)
    pin = place.project / ".go-version"
    assert (finished.returncode, finished.stdout) == (127, "")
    assert finished.stderr == (
        f"gvmpy: Go 1.19.1 is not installed, and `{pin}` line 2 asks for it\nhint: gvmpy install 1.19.1\n"
    )
    pin.write_text("\x1b[31m../../evil\n")
    refused = place.run(shell)
    assert refused.returncode == 2
    assert "evil" not in refused.stderr
    place.home.default_link.unlink()
    place.home.default_link.symlink_to("../versions/go1.19.1")
    pin.unlink()
    dangling = place.run(shell)
    assert dangling.returncode == 127
    assert f"`{place.home.default_link}`" in dangling.stderr
    assert dangling.stderr.endswith("hint: gvmpy use VERSION --default\n")


@every_shell
def test_another_manager_that_calls_back_is_stopped(place: Place, shell: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "go").write_text(
        f'#!/bin/sh\necho >>"$TRACE"\nPATH={other} exec {" ".join(as_sh(shell))} "$SHIM" "$@"\n'
    )
    (other / "go").chmod(0o755)
    trace = tmp_path / "trace"
    env = {"PATH": str(other), "SHIM": str(place.home.shims / "go"), "TRACE": str(trace)}
    finished = place.run(shell, GVMPY_VERSION="system", **env)
    assert finished.returncode == 127
    assert "again and again" in finished.stderr
    assert trace.read_text() == "\n" * 10


@every_shell
def test_sourced_it_says_so_and_leaves_the_shell_alive(place: Place, shell: str) -> None:
    shim = place.home.shims / "go"
    script = '. "$1"; echo "alive $?"'
    command = [*as_sh(shell), "-c", script, "shell", str(shim)]
    finished = subprocess.run(
        command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert (finished.stdout, finished.returncode) == ("alive 2\n", 0)
    assert "not sourced" in finished.stderr


def test_input_exit_codes_and_signals_pass(place: Place) -> None:
    program = place.home.goroot(GoVersion.parse("1.21.6")) / "bin" / "go"
    (place.project / ".go-version").write_text("1.21.6")
    command = [str(place.home.shims / "go")]
    program.write_text("#!/bin/sh\ncat\nexit 37\n")
    finished = subprocess.run(command, cwd=place.project, input=b"in\0put", capture_output=True, check=False)
    assert (finished.returncode, finished.stdout) == (37, b"in\0put")
    program.write_text("#!/bin/sh\nkill -TERM $$\n")
    assert subprocess.run(command, check=False).returncode == -signal.SIGTERM


def traced(place: Place, deep: Path) -> list[str]:
    """Run the shim in `deep` under strace; return its path system calls up to the final exec."""
    tracer = shutil.which("strace")
    assert tracer is not None, "strace has to be installed for this test"
    trace = place.home.root / "trace"
    program = place.home.goroot(GoVersion.parse("1.22.3")) / "bin" / "go"
    program.unlink()
    program.symlink_to("/bin/true")
    command = [
        tracer,
        "-f",
        "-e",
        "trace=process,file",
        "-o",
        str(trace),
        "/bin/sh",
        str(place.home.shims / "go"),
    ]
    subprocess.run(command, cwd=deep, env={"PWD": str(deep)}, check=True)
    calls = re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE)
    assert calls.count("execve") == 2
    assert not {"fork", "vfork", "clone", "clone3"} & set(calls)
    mine = trace.read_text().split("shims/go", 1)[1].split("execve(")[0]
    return re.findall(r"^\d+ +\w+\(.*(?:/|\"\.\")", mine, re.MULTILINE)


def test_one_exec_and_no_process_ten_levels_below_a_pin(place: Place) -> None:
    deep = place.project.joinpath(*"abcdefghij")
    deep.mkdir(parents=True)
    (place.project / ".go-version").write_text("1.22.3\n")
    # Two names a level, and ten for the directories, the file and the toolchain.
    assert len(traced(place, deep)) <= 2 * 10 + 1 + 10


def test_one_exec_and_no_process_ten_levels_below_a_module(place: Place) -> None:
    deep = place.project.joinpath(*"abcdefghij")
    deep.mkdir(parents=True)
    (place.project / "go.mod").write_text("module m\n\ngo 1.22\n\ntoolchain go1.22.3\n")
    above = len(place.project.parts) - 1
    # Neither a pin nor a go.work is anywhere up to the root: that takes three looks a level, go.mod a fourth.
    assert len(traced(place, deep)) <= 3 * (10 + 1 + above) + 11 + 12


def test_shims_are_written_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    write_shims(home)
    before = {path.name: path.stat() for path in home.shims.iterdir()}
    assert set(before) == {"go", "gofmt", "gvmpy"}
    assert all(entry.st_mode & 0o777 == 0o755 for entry in before.values())
    write_shims(home)
    assert {path.name: path.stat().st_ino for path in home.shims.iterdir()} == {
        name: entry.st_ino for name, entry in before.items()
    }
    (home.shims / "go").write_text("old")
    (home.shims / "gofmt").chmod(0o644)
    write_shims(home)
    assert (home.shims / "go").read_bytes() == (home.shims / "gofmt").read_bytes()
    assert os.access(home.shims / "gofmt", os.X_OK)
