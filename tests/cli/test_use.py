from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD
from tests.conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site


def put_system_go(place: Path, shared: Path) -> Path:
    """Make a directory for PATH whose `go` is a toolchain outside gvmpy."""
    outside = place / "opt" / "go"
    outside.parent.mkdir()
    subprocess.run(["cp", "-al", str(shared / "versions" / f"go{NEW}"), str(outside)], check=True)
    return outside


class TestDefault:
    def test_set_and_said(self, person: User) -> None:
        result = person.run("use", NEW, "--default")
        link = person.root / "links" / "go"
        assert (result.returncode, result.stdout, result.stderr) == (
            0,
            f"the default is now {NEW} ({link})\n",
            "",
        )
        assert os.readlink(link) == f"../versions/go{NEW}"
        answer = subprocess.check_output([link / "bin" / "go", "version"], env=person.env, text=True)
        assert answer.startswith(f"go version go{NEW} ")

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [("1.21", OLD), ("go1.21.6", OLD), ("latest", NEW), ("stable", NEW), ("oldstable", OLD), ("1", NEW)],
    )
    def test_requests(self, person: User, request_: str, expected: str) -> None:
        assert person.run("use", "-d", request_).returncode == 0
        assert os.readlink(person.root / "links" / "go") == f"../versions/go{expected}"

    def test_the_shims_are_there_at_once(self, person: User) -> None:
        person.run("use", OLD, "--default")
        shim = person.root / "shims" / "go"
        answer = subprocess.check_output([shim, "version"], env=person.env, cwd=person.home, text=True)
        assert answer.startswith(f"go version go{OLD} ")

    def test_json(self, person: User) -> None:
        person.run("use", OLD, "--default")
        result = person.run("use", NEW, "--default", "--json")
        document = json.loads(result.stdout)
        assert document["status"] == "ok"
        hooks = document["data"].pop("hooks")
        assert document["data"] == {
            "default": NEW,
            "before": OLD,
            "link": str(person.root / "links" / "go"),
            "outcome": "done",
        }
        assert [hook["name"] for hook in hooks] == ["settings", "secrets", "goland", "compliance"]

    def test_the_one_before(self, person: User) -> None:
        nothing = person.run("use", "-", "--default")
        assert nothing.returncode == 2
        assert nothing.stderr == "error: there was no choice before this one\nhint: gvmpy use VERSION\n"
        person.run("use", OLD, "--default")
        person.run("use", NEW, "--default")
        for expected in (OLD, NEW, OLD):
            result = person.run("use", "-", "--default")
            assert result.stdout.startswith(f"the default is now {expected} ")

    def test_not_installed(self, person: User) -> None:
        result = person.run("use", "1.22.99", "--default")
        assert (result.returncode, result.stdout) == (3, "")
        assert result.stderr == "error: Go 1.22.99 is not installed\nhint: gvmpy install 1.22.99\n"
        assert not (person.root / "links").exists() or not os.listdir(person.root / "links")

    def test_a_shells_own_choice_is_pointed_out(self, person: User) -> None:
        result = person.run("use", NEW, "--default", GVMPY_VERSION=OLD)
        assert result.returncode == 0
        assert f"note: this shell keeps its own choice, {OLD}\nhint: gvmpy use --unset\n" in result.stderr

    def test_system(self, person: User, fast_path: Path, shared_root: Path) -> None:
        outside = put_system_go(fast_path, shared_root)
        person.env["PATH"] = f"{person.root}/shims:{outside}/bin:/usr/bin:/bin"
        result = person.run("use", "system", "--default")
        assert result.returncode == 0, result.stderr
        assert os.readlink(person.root / "links" / "go") == str(outside)
        current = json.loads(person.run("current", "--json").stdout)["data"]
        assert (current["version"], current["binary"]) == (None, f"{outside}/bin/go")

    def test_system_where_there_is_none(self, person: User) -> None:
        person.env["PATH"] = f"{person.root}/shims"
        result = person.run("use", "system", "--default")
        assert result.returncode == 127
        assert "no `go` is on PATH outside gvmpy" in result.stderr
        assert not os.path.lexists(person.root / "links" / "go")


class TestWithoutTheFunction:
    def test_says_so_and_prints_the_line(self, person: User) -> None:
        result = person.run("use", "1.21")
        assert (result.returncode, result.stdout) == (2, f"export GVMPY_VERSION='{OLD}'\n")
        assert result.stderr.startswith("error: this shell has not loaded gvmpy's function")
        assert result.stderr.endswith(f"hint: eval \"$('{PROGRAM}' init -)\"\n")
        assert not (person.root / "links").exists()

    def test_the_line_works(self, person: User) -> None:
        script = f'eval "$({PROGRAM} use {OLD} 2>/dev/null)"; exec {PROGRAM} current'
        answer = subprocess.check_output(["sh", "-c", script], env=person.env, cwd=person.home, text=True)
        assert answer == f"{OLD} (set by $GVMPY_VERSION)\n"

    def test_the_hint_works(self, person: User) -> None:
        hint = person.run("use", OLD).stderr.rpartition("hint: ")[2]
        script = f"{hint}\ngvmpy use {OLD} && go version"
        answer = subprocess.check_output(["sh", "-c", script], env=person.env, cwd=person.home, text=True)
        assert answer.startswith(f"go version go{OLD} ")

    def test_unset(self, person: User) -> None:
        result = person.run("use", "--unset")
        assert (result.returncode, result.stdout) == (2, "unset GVMPY_VERSION\n")

    def test_json(self, person: User) -> None:
        result = person.run("use", OLD, "--json")
        document = json.loads(result.stdout)
        assert result.returncode == document["exit_code"] == 0
        assert document["data"] == {"version": OLD, "line": f"export GVMPY_VERSION='{OLD}'"}

    def test_system(self, person: User, fast_path: Path, shared_root: Path) -> None:
        person.env["PATH"] = f"{put_system_go(fast_path, shared_root)}/bin"
        assert person.run("use", "system").stdout == "export GVMPY_VERSION='system'\n"

    def test_previous(self, person: User) -> None:
        assert person.run("use", "-").returncode == 2


class TestForTheFunction:
    """The function asks with GVMPY_SHELL_FUNCTION set, and exports what is answered."""

    def test_answer(self, person: User) -> None:
        result = person.run("use", "1.22", GVMPY_SHELL_FUNCTION="1")
        assert (result.returncode, result.stdout, result.stderr) == (0, f"{NEW}\n", "")

    @pytest.mark.parametrize("text", ["1.23", "nobody", "../x", "$(touch x)", "1.9.2rc2"])
    def test_errors_answer_nothing(self, person: User, text: str) -> None:
        result = person.run("use", text, GVMPY_SHELL_FUNCTION="1")
        assert result.returncode in {2, 3}
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")


class TestInstall:
    def test_installs_what_is_missing(self, owner: User, official: Site) -> None:
        result = owner.run("use", NEW, "--install", "--default")
        assert result.returncode == 0, result.stderr
        assert owner.installed() == [f"go{OLD}", f"go{NEW}"]
        assert os.readlink(owner.root / "links" / "go") == f"../versions/go{NEW}"

    def test_asks_nobody_for_what_is_there(self, owner: User, official: Site) -> None:
        result = owner.run("use", "1.21", "--install", GVMPY_SHELL_FUNCTION="1")
        assert (result.returncode, result.stdout) == (0, f"{OLD}\n")
        assert official.requests == []

    def test_a_failure_changes_nothing(self, owner: User, official: Site) -> None:
        result = owner.run("use", "1.22.99", "--install", "--default")
        assert result.returncode == 3
        assert not os.path.lexists(owner.root / "links" / "go")
        assert owner.installed() == [f"go{OLD}"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "missing argument 'VERSION'"),
        (("--unset", "1.22"), "--unset goes alone"),
        (("--unset", "--default"), "--unset goes alone"),
        (("1.22", "1.21"), "unexpected extra argument"),
        (("--nonsense", "1.22"), "no such option"),
    ],
)
def test_usage(person: User, arguments: tuple[str, ...], words: str) -> None:
    result = person.run("use", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.endswith("hint: gvmpy use --help\n")
