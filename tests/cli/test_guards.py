"""What the program refuses before it does harm: names that mean something else, homes of somebody else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD
from tests.support.mounts import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site

RESERVED = ("gvmpy", "sh", "env", "python", "git")


class TestNames:
    """Whatever is first on PATH is run by everybody: no name of a user's or a server's may get there."""

    @pytest.fixture
    def names(self, owner: User) -> set[str]:
        """What stands in the shims when every link and every receipt that could be there is there."""
        owner.run("use", OLD, "--default")
        before = self.shims(owner)
        for name in (*RESERVED, "make", "go1", "go1.22.3", "gofmt"):
            (owner.root / "links" / name).symlink_to(f"../versions/go{OLD}")
            for stem in (name, f"go{name}", f"go1.{name}"):
                (owner.root / "versions" / stem / "bin").mkdir(parents=True, exist_ok=True)
                shutil.copy("/bin/true", owner.root / "versions" / stem / "bin" / "go")
                (owner.root / "receipts" / f"{stem}.json").write_text("{}")
        return before

    @staticmethod
    def shims(owner: User) -> set[str]:
        return {path.name for path in (owner.root / "shims").iterdir()}

    def test_only_fixed_names_and_versions_become_shims(self, owner: User, names: set[str]) -> None:
        assert {"go", "gofmt"} <= names
        for name in (*RESERVED, OLD):
            owner.run("use", name, "--default")
        added = self.shims(owner) - names
        assert all(re.fullmatch(r"go1(\.[0-9]+(\.[0-9]+|rc[0-9]+|beta[0-9]+)?)?", name) for name in added)
        assert not self.shims(owner) & set(RESERVED) - {"gvmpy"}

    def test_each_shim_is_ours(self, owner: User, names: set[str]) -> None:
        """No link leads from there to anything, and all are one and the same file."""
        owner.run("use", OLD, "--default")
        shims = [owner.root / "shims" / name for name in self.shims(owner)]
        assert not any(path.is_symlink() for path in shims)
        assert len({path.read_bytes() for path in shims}) == 1

    @pytest.mark.parametrize("name", RESERVED)
    def test_an_alias_of_that_name_stays_an_alias(self, owner: User, names: set[str], name: str) -> None:
        """It may be asked for, and shadows nothing on PATH."""
        result = owner.run("exec", name, "/bin/sh", "-c", f"command -v {name} || echo none; go version")
        found, version = result.stdout.splitlines()
        assert not found.startswith(str(owner.root))
        assert version.startswith(f"go version go{OLD} ")


class TestSomebodyElsesHome:
    """`sudo gvmpy` must not leave files of root's in a user's home."""

    def test_root_writes_nothing(self, official: Site, user: User) -> None:
        before_command, env = self.as_root(user)
        for words in (
            ["install", NEW],
            ["use", NEW, "--default", "--install"],
            ["exec", "--install", NEW, "go"],
        ):
            result = subprocess.run(
                [*before_command, *user.command(*words)],
                env=user.env | env,
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert (result.returncode, result.stdout) == (6, ""), result.stderr
            assert "error: running as root, but `" in result.stderr
            assert (
                "hint: run gvmpy as that user, or set GVMPY_ROOT to a directory of root's own"
                in result.stderr
            )
            assert self.roots_files(user.home) == []

    def test_root_may_read_there(self, person: User) -> None:
        """`sudo "$(gvmpy which go)"`, and exec, write nothing."""
        before_command, _ = self.as_root(person)
        for words in (["run", OLD, "version"], ["list"], ["exec", OLD, "true"]):
            result = subprocess.run(
                [*before_command, *person.command(*words)], env=person.env, capture_output=True, check=False
            )
            assert result.returncode == 0, result.stderr
            assert self.roots_files(person.home) == []

    def as_root(self, user: User) -> tuple[list[str], dict[str, str]]:
        """Let root run in the home of another: with root's means it is given away; who is not root becomes
        root of a user namespace, where the directories of the real one belong to nobody.
        """
        if os.geteuid() == 0:
            user.home.parent.chmod(0o711)
            os.chown(user.home, NOBODY, NOBODY)
            return [], {}
        return ["unshare", "--user", "--map-root-user"], {"GVMPY_ROOT": "/usr/gvmpy"}

    def roots_files(self, home: Path) -> list[str]:
        return [str(path) for path in home.rglob("*")] if os.geteuid() == 0 else []
