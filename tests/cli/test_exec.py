from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User


def run(person: User, *words: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        person.command("exec", *words),
        env=person.env | env,
        cwd=person.home,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
    )


class TestBecomes:
    @pytest.mark.parametrize("dashes", [(), ("--",)])
    @pytest.mark.parametrize(("request_", "version"), [("1.21", OLD), ("go1.22.3", NEW), ("latest", NEW)])
    def test_go_of_that_version(
        self, person: User, request_: str, version: str, dashes: tuple[str, ...]
    ) -> None:
        result = run(person, request_, *dashes, "go", "version")
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith(f"go version go{version} ".encode())

    @pytest.mark.parametrize("code", [0, 1, 7, 255])
    def test_exit_code(self, person: User, code: int) -> None:
        assert run(person, OLD, "sh", "-c", f"exit {code}").returncode == code

    def test_its_options_are_its_own(self, person: User) -> None:
        result = run(person, OLD, "printf", "%s|", "--json", "--help", "-h", "--", "a b", "", "$HOME")
        assert result.stdout == b"--json|--help|-h|--|a b||$HOME|"
        behind = run(person, OLD, "--", "printf", "%s|", "--", "--version")
        assert behind.stdout == b"--|--version|"

    def test_standard_input(self, person: User) -> None:
        data = bytes(range(256)) * 1000
        assert run(person, OLD, "cat", stdin=data).stdout == data

    def test_the_process_is_the_same(self, person: User) -> None:
        """No parent waits: what is started is what becomes of us."""
        process = subprocess.Popen(
            person.command("exec", OLD, "sh", "-c", "echo $$; read line"),
            env=person.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stdout, _ = process.communicate("\n", timeout=60)
        assert int(stdout) == process.pid

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
    def test_killed_by_a_signal(self, person: User, number: signal.Signals) -> None:
        process = self._ready(person, "echo ready; exec sleep 60")
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number

    def test_handled_signals(self, person: User) -> None:
        process = self._ready(person, 'trap "exit 7" INT; echo ready; while :; do sleep 0.05; done')
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 7

    def test_the_disposition_of_sigpipe_is_the_default(self, person: User) -> None:
        """Python ignores SIGPIPE, and what is ignored is inherited: `yes | head` would never end."""
        result = run(person, OLD, "bash", "-c", 'yes | head -n 1; echo "${PIPESTATUS[0]}"')
        assert result.stdout == b"y\n141\n"

    def _ready(self, person: User, script: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            person.command("exec", OLD, "sh", "-c", script),
            env=person.env,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process


class TestEnvironment:
    def test_nested_go_is_the_same(self, person: User) -> None:
        person.run("use", NEW, "--default")
        shims = str(person.root / "shims")
        for nested in (["go", "version"], ["sh", "-c", "go version"], [f"{shims}/go", "version"]):
            result = run(person, OLD, *nested, PATH=f"{shims}:/usr/bin:/bin", GVMPY_VERSION=NEW)
            assert result.stdout.startswith(f"go version go{OLD} ".encode()), nested

    def test_an_inherited_goroot_does_no_harm(self, person: User) -> None:
        result = run(person, OLD, "go", "env", "GOROOT", GOROOT="/nonexistent")
        assert result.stdout == f"{person.root}/versions/go{OLD}\n".encode()

    def test_the_rest_is_handed_on(self, person: User) -> None:
        result = run(
            person,
            OLD,
            "sh",
            "-c",
            'printf %s "$MINE:$PATH:$GVMPY_VERSION"',
            MINE="yes",
            PATH="/usr/bin:/bin",
        )
        assert result.stdout == f"yes:{person.root}/versions/go{OLD}/bin:/usr/bin:/bin:{OLD}".encode()

    def test_system(self, person: User, fast_path: Path) -> None:
        outside = fast_path / "outside"
        outside.mkdir()
        (outside / "go").write_text('#!/bin/sh\necho mine "$GVMPY_VERSION"\n')
        (outside / "go").chmod(0o755)
        result = run(person, "system", "go", PATH=f"{person.root}/shims:{outside}:/usr/bin:/bin")
        assert result.stdout == b"mine system\n"


class TestCannot:
    def test_not_installed(self, person: User) -> None:
        result = run(person, "1.99", "go", "version")
        assert (result.returncode, result.stdout) == (127, b"")
        assert result.stderr == b"error: no installed Go matches `1.99`\nhint: gvmpy install 1.99\n"

    def test_no_system_go(self, person: User) -> None:
        result = run(person, "system", "go", PATH="/nonexistent")
        assert result.returncode == 127
        assert b"no `go` is on PATH outside gvmpy" in result.stderr

    def test_no_such_command(self, person: User) -> None:
        result = run(person, OLD, "no-such-command")
        assert (result.returncode, result.stderr) == (127, b"error: there is no command `no-such-command`\n")

    def test_not_executable(self, person: User) -> None:
        (person.home / "file").write_text("x")
        (person.home / "file").chmod(0o644)
        result = run(person, OLD, "./file")
        assert (result.returncode, result.stderr) == (126, b"error: cannot run `./file`: Permission denied\n")

    def test_a_directory(self, person: User) -> None:
        assert run(person, OLD, "/").returncode == 126

    @pytest.mark.parametrize("words", [(), (OLD,), (OLD, "--"), ("--",), ("1..2", "go"), ("-", "go")])
    def test_usage(self, person: User, words: tuple[str, ...]) -> None:
        result = run(person, *words)
        assert (result.returncode, result.stdout) == (2, b"")
        assert result.stderr.startswith(b"error: ")
        assert b"Traceback" not in result.stderr

    def test_options_of_our_own(self, person: User) -> None:
        result = run(person, "--help")
        assert result.returncode == 0
        assert result.stdout.startswith(b"Usage: gvmpy exec ")
