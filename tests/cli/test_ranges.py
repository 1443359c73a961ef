"""Ranges where commands take a version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD

if TYPE_CHECKING:
    from tests.conftest import User
    from tests.support.loopback import Site

SPAN = "1.20 - 1.21"


@pytest.mark.parametrize(("text", "version"), [("^1.21", NEW), (SPAN, OLD), (">=1.20 <1.22", OLD)])
def test_use_and_exec_choose_among_what_is_installed(person: User, text: str, version: str) -> None:
    assert person.run("use", text, GVMPY_SHELL_FUNCTION="1").stdout == f"{version}\n"
    answer = person.run("exec", text, "go", "version")
    assert answer.stdout.startswith(f"go version go{version} ")
    assert person.run("verify", "--json", text).returncode == 0


def test_what_is_not_installed(person: User) -> None:
    result = person.run("use", ">=1.24 <1.26", "--default")
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr == (
        "error: no installed Go matches `>=1.24 <1.26`\nhint: gvmpy install '>=1.24 <1.26'\n"
    )
    assert person.run("exec", "^1.23", "go", "version").returncode == 127


def test_install_asks_the_list(official: Site, person: User) -> None:
    """Both are there already, so that nothing is fetched: what was planned is what is said."""
    result = person.run("install", "<1.22", "~1.22.1")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"go{OLD} is already installed (origin-sha256, from official)",
        f"go{NEW} is already installed (origin-sha256, from official)",
    ]
    nothing = person.run("install", ">=1.26")
    assert nothing.returncode == 3
    assert "official: lists no Go that `>=1.26` means" in nothing.stderr


@pytest.mark.parametrize("command", [["install"], ["use"], ["exec"], ["verify"], ["uninstall"]])
def test_malformed(person: User, command: list[str]) -> None:
    result = person.run(*command, "=>1.21", *(["true"] if command == ["exec"] else []))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: `=>` is no comparison\nhint: did you mean `>=`?\n"


def test_a_range_decides_nothing_that_is_deleted(person: User) -> None:
    result = person.run("uninstall", "--yes", "^1.21")
    assert (result.returncode, result.stderr.splitlines()[0]) == (
        2,
        "error: `^1.21` is not one exact version",
    )


def test_no_project_and_no_shell_holds_one(person: User) -> None:
    for text in ("^1.21", "1.22.x", ">=1.21"):
        shell = person.run("current", GVMPY_VERSION=text)
        assert (shell.returncode, shell.stdout) == (2, "")
        assert "$GVMPY_VERSION holds neither a version nor an alias" in shell.stderr
        (person.home / ".go-version").write_text(f"{text}\n")
        project = person.run("current")
        assert (project.returncode, project.stdout) == (2, "")
        (person.home / ".go-version").unlink()


def test_the_installed_are_narrowed(person: User) -> None:
    def listed(*arguments: str) -> list[str]:
        return [line.split()[0] for line in person.run("list", *arguments).stdout.splitlines()[1:]]

    assert listed("<1.22") == listed("1.21") == listed("go1.21.6") == [OLD]
    assert listed("^1.21") == [OLD, NEW]
    document = json.loads(person.run("list", "--json", "1.22.x").stdout)
    assert [entry["version"] for entry in document["data"]["versions"]] == [NEW]
    nothing = person.run("list", ">=1.24 <1.26")
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert nothing.stderr == (
        "error: no installed Go matches `>=1.24 <1.26`\nhint: gvmpy install '>=1.24 <1.26'\n"
    )
    assert person.run("list", "latest").returncode == 2


def test_a_remote_list_is_narrowed(official: Site, user: User) -> None:
    result = user.run("list", "--remote", ">=1.22")
    assert (result.returncode, result.stdout) == (0, f"{NEW}  oldstable, end of life\n1.25.5  stable\n")
    assert user.run("list", "--remote", "1.21").stdout == f"{OLD}  end of life\n"
    nothing = user.run("list", "--remote", "^1.26")
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert nothing.stderr == "error: official lists no Go that `^1.26` means\nhint: gvmpy list --remote\n"
    assert user.run("list", "--remote", "latest").returncode == 2
