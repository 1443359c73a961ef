from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site


def put_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


class TestRun:
    def test_is_exec_of_go(self, person: User) -> None:
        for words in (("run", OLD), ("run", OLD, "--"), ("exec", OLD, "--", "go")):
            result = person.run(*words, "env", "GOVERSION", "GOROOT")
            assert (result.returncode, result.stderr) == (0, "")
            assert result.stdout == f"go{OLD}\n{person.root}/versions/go{OLD}\n"

    def test_options_are_those_of_go(self, person: User, fast_path: Path) -> None:
        put_script(fast_path / "go", 'printf "<%s>" "$@"')
        path = f"{fast_path}:/usr/bin:/bin"
        result = person.run("run", "system", "--json", "--help", "-x", "--", "", "a b", PATH=path)
        assert result.stdout == "<--json><--help><-x><--><><a b>"

    def test_without_arguments_go_says_how_it_is_used(self, person: User) -> None:
        result = person.run("run", OLD)
        assert result.returncode == 2
        assert result.stderr.startswith("Go is a tool for managing Go source code.")

    @pytest.mark.parametrize("words", [(), ("--",), ("1..2", "version"), ("-", "version")])
    def test_usage(self, person: User, words: tuple[str, ...]) -> None:
        result = person.run("run", *words)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("error: ")

    def test_not_installed(self, person: User) -> None:
        result = person.run("run", "1.99", "version")
        assert (result.returncode, result.stdout) == (127, "")
        assert result.stderr == "error: no installed Go matches `1.99`\nhint: gvmpy install 1.99\n"

    def test_signals_end_it_as_they_end_go(self, person: User, fast_path: Path) -> None:
        put_script(fast_path / "go", "echo $$; exec sleep 60")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = person.start("run", "system", PATH=f"{fast_path}:/usr/bin:/bin")
            assert process.stdout is not None
            assert int(process.stdout.readline()) == process.pid
            process.send_signal(number)
            process.communicate(timeout=60)
            assert process.returncode == -number


class TestNested:
    """Whatever way `go` is started below, it is the same one: also where the project asks for another."""

    @pytest.fixture
    def project(self, person: User) -> Path:
        """A project that pins, below a default and a shell's choice, what is not to run."""
        person.run("use", NEW, "--default")
        project = person.home / "project"
        project.mkdir()
        (project / ".go-version").write_text(f"{NEW}\n")
        (project / "go.mod").write_text("module example.com/nested\n\ngo 1.21\n")
        (project / "Makefile").write_text("version:\n\t@go version\nshim:\n\t@$(SHIM) version\n")
        put_script(project / "script", "go version\nsh -c 'go version'")
        program = (
            'package main\n\nimport (\n\t"os"\n\t"os/exec"\n)\n\n//go:generate go version\n'
            "//go:generate sh ./script\n\nfunc main() {\n"
            '\tcommand := exec.Command("go", "version")\n'
            "\tcommand.Stdout, command.Stderr = os.Stdout, os.Stderr\n"
            "\tif command.Run() != nil {\n\t\tos.Exit(1)\n\t}\n}\n"
        )
        (project / "main.go").write_text(program)
        person.env |= {"PATH": f"{person.root}/shims:/usr/bin:/bin", "GVMPY_VERSION": NEW, "GOROOT": "/stale"}
        person.env |= {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
        return project

    @pytest.mark.parametrize(
        ("words", "times"),
        [
            (("exec", OLD, "--", "go", "version"), 1),
            (("exec", OLD, "--", "make", "-s", "version"), 1),
            (("exec", OLD, "--", "make", "-s", "shim"), 1),
            (("exec", OLD, "--", "./script"), 2),
            (("exec", OLD, "--", "sh", "-c", "PATH=${SHIM%/*}:$PATH; exec ./script"), 2),
            (("exec", OLD, "--", "bash", "-c", 'GOROOT=/stale; export GOROOT; "$SHIM" version'), 1),
            (("run", OLD, "run", "."), 1),
            (("run", OLD, "generate", "."), 3),
        ],
    )
    def test_go_is_the_same(self, person: User, project: Path, words: tuple[str, ...], times: int) -> None:
        result = subprocess.run(
            person.command(*words),
            env=person.env | {"SHIM": str(person.root / "shims" / "go")},
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        lines = result.stdout.splitlines()
        assert [line.rpartition(" ")[0] for line in lines] == [f"go version go{OLD}"] * times

    def test_goroot_is_not_exported(self, person: User, project: Path) -> None:
        result = person.run("exec", OLD, "sh", "-c", 'echo "${GOROOT-unset} $GVMPY_VERSION"')
        assert result.stdout == f"unset {OLD}\n"

    def test_another_exec_inside_wins(self, person: User, project: Path) -> None:
        inner = person.command("run", NEW, "version")
        result = person.run("exec", OLD, *inner)
        assert result.stdout.startswith(f"go version go{NEW} ")


@pytest.mark.slow
def test_install_first_when_missing(official: Site, user: User) -> None:
    """The standard output is the command's; what was installed is told on the other."""
    first = user.run("exec", "--install", "1.21.6", "--", "go", "version")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("go version go1.21.6 ")
    assert "installed go1.21.6 from official" in first.stderr
    second = user.run("run", "--install", "1.21.6", "version", GVMPY_OFFLINE="1")
    assert (second.stdout, second.stderr) == (first.stdout, "")
    newest = user.run("run", "latest", "version", GVMPY_MISSING="install", GVMPY_OFFLINE="1")
    assert (newest.stdout, newest.stderr) == (first.stdout, "")
    other = user.run("run", "1.22", "version", GVMPY_MISSING="install")
    assert other.stdout.startswith("go version go1.22.3 ")
    assert "installed go1.22.3 from official" in other.stderr
    absent = user.run("run", "--install", "1.99.9", "version")
    assert (absent.returncode, absent.stdout) == (127, "")
    assert user.installed() == ["go1.21.6", "go1.22.3"]
    assert user.leavings() == []
    assert os.listdir(user.root / "links") == []
