"""Taking a version away, in the order that leaves no half of it to be seen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import HostError, NoSuchVersionError
from gvmpy.home import Home
from gvmpy.install import staging
from gvmpy.install.commit import manifest_path
from gvmpy.install.staging import sweep
from gvmpy.install.uninstall import uninstall
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = GoVersion.parse("1.21.6"), GoVersion.parse("1.22.3")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "root")
    home.prepare()
    for version in (OLD, NEW):
        (home.goroot(version) / "bin").mkdir(parents=True)
        (home.goroot(version) / "bin" / "go").write_text("#!/bin/sh\n")
        (home.goroot(version) / "bin" / "go").chmod(0o755)
        home.receipt(version).write_text("{}")
        manifest_path(home, version).write_text("x")
    return home


def test_one_goes_and_the_other_stays(home: Home) -> None:
    uninstall(home, OLD, lock_timeout=5)
    assert home.installed() == [NEW]
    assert sorted(os.listdir(home.receipts)) == ["go1.22.3.files", "go1.22.3.json"]
    assert sorted(os.listdir(home.versions)) == [".incoming", "go1.22.3"]
    assert os.listdir(home.incoming) == []


def test_twice(home: Home) -> None:
    uninstall(home, OLD, lock_timeout=5)
    with pytest.raises(NoSuchVersionError, match=r"go1\.21\.6 is not installed"):
        uninstall(home, OLD, lock_timeout=5)


def test_the_tree_is_out_of_sight_before_a_file_of_it_goes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being removed lies in staging, whole, and its receipt is gone already."""
    seen = []

    def look(path: Path) -> None:
        seen.append(
            (path.parent, (path / "bin" / "go").is_file(), home.goroot(OLD).exists(), home.installed())
        )

    monkeypatch.setattr(staging, "remove_tree", look)
    uninstall(home, OLD, lock_timeout=5)
    assert seen == [(home.incoming, True, False, [NEW])]


class _KilledError(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("point", ["receipt gone", "tree renamed"])
def test_a_crash_on_the_way_is_swept_up(home: Home, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    def die(*_: object) -> None:
        raise _KilledError

    with monkeypatch.context() as patched:
        if point == "receipt gone":
            patched.setattr(staging, "discard", die)
        else:
            patched.setattr(staging, "remove_tree", die)
        with pytest.raises(_KilledError):
            uninstall(home, OLD, lock_timeout=5)
    assert home.installed() == [NEW]
    sweep(home, NEW)
    assert sorted(os.listdir(home.versions)) == [".incoming", "go1.22.3"]
    assert os.listdir(home.incoming) == []


def test_a_refusal_of_the_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(staging, "remove_tree", refuse)
    with pytest.raises(HostError, match=r"cannot remove .*Input/output error"):
        uninstall(home, OLD, lock_timeout=5)
    assert home.installed() == [NEW]
