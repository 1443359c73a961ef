"""Aliases: made, moved, listed, removed, and used by everything that takes a version."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD

if TYPE_CHECKING:
    from tests.conftest import User


def test_means_the_version_everywhere(person: User) -> None:
    made = person.run("alias", "work", "1.21")
    assert (made.returncode, made.stdout, made.stderr) == (0, f"work is {OLD} now\n", "")
    assert os.readlink(person.root / "links" / "work") == f"../versions/go{OLD}"
    assert person.run("run", "work", "version").stdout.startswith(f"go version go{OLD} ")
    assert person.run("use", "work", "--default").stdout.startswith(f"the default is now {OLD} ")
    person.run("use", NEW, "--default")
    (person.home / ".go-version").write_text("work\n")
    shim = person.root / "shims" / "go"
    answer = subprocess.check_output([shim, "version"], env=person.env, cwd=person.home, text=True)
    assert answer.startswith(f"go version go{OLD} ")


def test_moves_and_follows_another(person: User) -> None:
    person.run("alias", "old", OLD)
    person.run("alias", "work", "old")
    person.run("alias", "old", "latest")
    listed = json.loads(person.run("alias", "--json").stdout)["data"]["aliases"]
    assert [(each["name"], each["version"]) for each in listed] == [("old", NEW), ("work", OLD)]


def test_listed(person: User) -> None:
    nothing = person.run("alias")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "hint: gvmpy alias NAME VERSION" in nothing.stderr
    person.run("use", OLD, "--default")
    person.run("alias", "work", NEW)
    (person.root / "links" / "lost").symlink_to("../versions/go1.9.9")
    elsewhere = person.home / "go"
    (elsewhere / "bin").mkdir(parents=True)
    (elsewhere / "bin" / "go").symlink_to("/bin/true")
    (person.root / "links" / "mine").symlink_to(elsewhere)
    lines = [line.split() for line in person.run("alias").stdout.splitlines()]
    assert lines == [
        ["NAME", "VERSION", "GOROOT"],
        ["lost", "-", "leads", "to", "no", "toolchain"],
        ["mine", "-", str(elsewhere)],
        ["work", NEW, str(person.root / "versions" / f"go{NEW}")],
    ]


def test_removed(person: User) -> None:
    person.run("alias", "work", NEW)
    assert person.run("alias", "--remove", "work").returncode == 0
    assert not os.path.lexists(person.root / "links" / "work")
    again = person.run("alias", "--remove", "work")
    assert again.returncode == 3
    assert "there is no alias `work`" in again.stderr


@pytest.mark.parametrize(
    "name", ["go", "system", "latest", "1.22", "go1", "../x", "a/b", "-", "", "1st", "a b"]
)
def test_names_that_are_taken_or_none(person: User, name: str) -> None:
    person.run("use", OLD, "--default")
    before = sorted(os.listdir(person.root / "links"))
    refused = person.run("alias", "--", name, NEW)
    assert refused.returncode == 2
    assert "cannot be the name of an alias" in refused.stderr
    assert sorted(os.listdir(person.root / "links")) == before
    assert os.readlink(person.root / "links" / "go") == f"../versions/go{OLD}"


def test_what_is_not_installed_or_no_version(person: User) -> None:
    assert person.run("alias", "work", "1.19.1").returncode == 3
    assert person.run("alias", "work", "system").returncode == 2
    assert person.run("alias", "work").returncode == 2
    assert person.run("alias", "--remove").returncode == 2
    assert person.run("alias", "--remove", "work", NEW).returncode == 2
    assert not os.path.lexists(person.root / "links" / "work")


def test_what_is_no_link_is_left_alone(person: User) -> None:
    person.run("alias", "other", NEW)
    place = person.root / "links" / "work"
    place.mkdir()
    for words in (["work", NEW], ["--remove", "work"]):
        refused = person.run("alias", *words)
        assert refused.returncode == 6
        assert "is not a link" in refused.stderr
    assert place.is_dir()
