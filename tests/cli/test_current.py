"""`current` and `which`: answered without click, and the same with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

BY_CLICK = "import sys; from gvmpy.cli import run; raise SystemExit(run(sys.argv[1:]))"


def both_ways(person: User, cwd: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run gvmpy as users do, and past its short cut; the two must be the same to the byte."""

    def run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command, env=person.env | env, cwd=cwd, capture_output=True, check=False, timeout=60
        )

    quick = run(person.command(*arguments))
    slow = run([sys.executable, "-c", BY_CLICK, *arguments])
    assert (quick.returncode, quick.stdout, quick.stderr) == (slow.returncode, slow.stdout, slow.stderr)
    return quick


@pytest.fixture
def project(person: User) -> Path:
    place = person.home / "project" / "deep"
    place.mkdir(parents=True)
    return place


COMMANDS = [("current",), ("which",), ("which", "go"), ("which", "gofmt")]


class TestBothWays:
    @pytest.mark.parametrize("arguments", COMMANDS)
    def test_default(self, person: User, project: Path, arguments: tuple[str, ...]) -> None:
        person.run("use", NEW, "--default")
        result = both_ways(person, project, *arguments)
        assert result.returncode == 0
        assert result.stderr == b""

    @pytest.mark.parametrize("arguments", COMMANDS)
    def test_nothing_to_run(self, person: User, project: Path, arguments: tuple[str, ...]) -> None:
        result = both_ways(person, project, *arguments, PATH="/nonexistent")
        assert (result.returncode, result.stdout) == (127, b"")
        assert result.stderr.startswith(b"error: no Go is chosen here")

    @pytest.mark.parametrize("arguments", COMMANDS)
    @pytest.mark.parametrize("text", ["1.22.99\n", "nobody\n", "1.22.3/..\n", "\n", "\x1b[31m\n"])
    def test_a_bad_pin(self, person: User, project: Path, arguments: tuple[str, ...], text: str) -> None:
        (project.parent / ".go-version").write_text(text)
        result = both_ways(person, project, *arguments)
        assert result.returncode in {2, 127}
        assert result.stdout == b""
        assert b"\x1b" not in result.stderr

    @pytest.mark.parametrize("arguments", [("current", "extra"), ("which", "vet"), ("which", "go", "go")])
    def test_usage(self, person: User, project: Path, arguments: tuple[str, ...]) -> None:
        assert both_ways(person, project, *arguments).returncode == 2

    def test_a_name_that_is_no_utf_8(self, person: User) -> None:
        place = os.fsencode(person.home) + b"/caf\xe9\x1b[31m"
        os.mkdir(place)
        with open(place + b"/.go-version", "w", encoding="ascii") as stream:
            stream.write("1.22\n")
        command = [os.fsencode(word) for word in person.command("current")]
        result = subprocess.run(
            command, env=person.env, cwd=place, capture_output=True, check=True, timeout=60
        )
        assert result.stdout.startswith(b"1.22.3 (set by `")
        assert b"\x1b" not in result.stdout


class TestCurrent:
    def test_shell_then_pin_then_default(self, person: User, project: Path) -> None:
        person.run("use", NEW, "--default")
        assert (
            both_ways(person, project, "current").stdout == f"{NEW} (set by the default, links/go)\n".encode()
        )
        pin = project.parent / ".go-version"
        pin.write_text("# why\ngo1.21\n")
        assert both_ways(person, project, "current").stdout == f"{OLD} (set by `{pin}` line 2)\n".encode()
        shown = both_ways(person, project, "current", GVMPY_VERSION="1.22").stdout
        assert shown == f"{NEW} (set by $GVMPY_VERSION)\n".encode()

    def test_system(self, person: User, project: Path, shared_root: Path) -> None:
        binary = shared_root / "versions" / f"go{OLD}" / "bin"
        shown = both_ways(person, project, "current", PATH=str(binary), GVMPY_ROOT=str(project)).stdout
        assert shown == b"system (set by PATH)\n"

    def test_json(self, person: User, project: Path) -> None:
        person.run("use", NEW, "--default")
        document = json.loads(both_ways(person, project, "current", "--json").stdout)
        assert list(document) == ["schema", "command", "status", "exit_code", "data", "errors"]
        goroot = person.root / "versions" / f"go{NEW}"
        assert document["command"] == "current"
        assert document["data"] == {
            "version": NEW,
            "goroot": str(goroot),
            "binary": str(goroot / "bin" / "go"),
            "origin": "default",
            "reason": "the default, links/go",
        }

    def test_json_of_an_error(self, person: User, project: Path) -> None:
        result = both_ways(person, project, "current", "--json", GVMPY_VERSION="1.99")
        document = json.loads(result.stdout)
        assert result.returncode == document["exit_code"] == 127
        assert (document["status"], document["data"]) == ("error", None)
        [error] = document["errors"]
        assert (error["kind"], error["hint"]) == ("not-installed", "gvmpy install 1.99")

    def test_in_a_directory_that_is_gone(self, person: User, project: Path) -> None:
        person.run("use", NEW, "--default")
        script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
        result = subprocess.run(
            ["sh", "-c", script, "sh", *person.command("current")],
            env=person.env,
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout == f"{NEW} (set by the default, links/go)\n"


class TestExplain:
    def test_table_and_sentence(self, person: User, project: Path) -> None:
        person.run("use", OLD, "--default")
        (project / ".go-version").write_text("1.22\n")
        (project.parent / ".go-version").write_text("\x1b[31m\n")
        result = both_ways(person, project, "current", "--explain", GOTOOLCHAIN="local")
        lines = result.stdout.decode().split("\n")
        assert (result.returncode, result.stderr) == (0, b"")
        assert b"\x1b" not in result.stdout
        assert lines[0].split() == ["STEP", "WHAT", "MEANS", "OUTCOME"]
        [winner] = [line for line in lines if line.startswith("*")]
        assert winner.split() == ["*", "2", f"`{project}/.go-version`", "line", "1:", "1.22", NEW, "chosen"]
        assert sum(line.endswith(" step 2 decides") for line in lines) == 1
        assert lines[-2] == (
            f"With GOTOOLCHAIN=local from $GOTOOLCHAIN, go{NEW} does the work itself: GOTOOLCHAIN=local."
        )

    def test_json(self, person: User, project: Path) -> None:
        person.run("use", OLD, "--default")
        (project / "go.mod").write_text("module example.com/m\n\ngo 1.99.1\n")
        result = both_ways(person, project, "current", "--explain", "--json", GOTOOLCHAIN="auto")
        data = json.loads(result.stdout)["data"]
        assert [each["step"] for each in data["candidates"] if each["chosen"]] == [4]
        assert data["candidates"][0] == {
            "step": 1,
            "what": "$GVMPY_VERSION",
            "means": None,
            "outcome": "not set",
            "chosen": False,
        }
        assert data["gotoolchain"] == {
            "setting": "auto",
            "origin": "$GOTOOLCHAIN",
            "action": "switches",
            "version": "1.99.1",
            "how": "download",
            "reason": "the line `go 1.99.1` asks for go1.99.1, not found on PATH",
        }

    def test_an_error_is_that_of_current(self, person: User, project: Path) -> None:
        (project / ".go-version").write_text("1.99\n")
        plain = both_ways(person, project, "current")
        result = both_ways(person, project, "current", "--explain")
        assert (result.returncode, result.stderr) == (127, plain.stderr)
        assert b"decides, and fails (not-installed)" in result.stdout
        document = json.loads(both_ways(person, project, "current", "--explain", "--json").stdout)
        assert (document["status"], document["exit_code"]) == ("error", 127)
        assert [each["step"] for each in document["data"]["candidates"] if each["chosen"]] == [2]
        assert document["data"]["gotoolchain"] is None

    def test_the_systems_go_is_not_asked(self, person: User, project: Path, shared_root: Path) -> None:
        binary = shared_root / "versions" / f"go{OLD}" / "bin"
        shown = both_ways(
            person, project, "current", "--explain", PATH=str(binary), GVMPY_ROOT=str(project)
        ).stdout.decode()
        assert shown.endswith(
            "\n\nWhat GOTOOLCHAIN makes of it is not known: a Go that is not gvmpy's is not asked.\n"
        )
        assert not list(project.iterdir())


class TestWhich:
    def test_the_toolchains_own_binary(self, person: User, project: Path) -> None:
        person.run("use", NEW, "--default")
        goroot = person.root / "versions" / f"go{NEW}"
        assert both_ways(person, project, "which").stdout == f"{goroot}/bin/go\n".encode()
        assert both_ways(person, project, "which", "gofmt").stdout == f"{goroot}/bin/gofmt\n".encode()

    def test_json(self, person: User, project: Path) -> None:
        result = both_ways(person, project, "which", "gofmt", "--json", GVMPY_VERSION=OLD)
        path = person.root / "versions" / f"go{OLD}" / "bin" / "gofmt"
        assert json.loads(result.stdout)["data"] == {"tool": "gofmt", "path": str(path)}

    def test_what_it_prints_is_what_the_shim_runs(self, person: User, project: Path) -> None:
        person.run("use", NEW, "--default")
        (project / ".go-version").write_text("1.21\n")
        path = both_ways(person, project, "which").stdout.decode().strip()
        answers = [
            subprocess.check_output([go, "env", "GOROOT"], env=person.env, cwd=project)
            for go in (path, person.root / "shims" / "go")
        ]
        assert answers[0] == answers[1] == f"{person.root}/versions/go{OLD}\n".encode()
