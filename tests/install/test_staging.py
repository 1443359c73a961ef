from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gvmpy import locks
from gvmpy.errors import HostError
from gvmpy.home import Home
from gvmpy.install.staging import discard, lock_path, staged, sweep
from gvmpy.version import GoVersion
from tests.cli.ordinary import ordinary

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = GoVersion.parse("1.21.6"), GoVersion.parse("1.22.3")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "root")
    home.prepare()
    return home


def put(path: Path) -> Path:
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "go").write_text("#!/bin/sh\n")
    (path / "bin" / "go").chmod(0o755)
    return path


def install(home: Home, version: GoVersion) -> None:
    put(home.goroot(version))
    home.receipt(version).write_text("{}")


class TestStaged:
    def test_unique_and_gone_at_the_end(self, home: Home) -> None:
        with staged(home, NEW) as one, staged(home, NEW) as two:
            assert one != two
            assert one.parent == home.incoming
            assert not one.exists()
            put(one)
        assert os.listdir(home.incoming) == []

    def test_gone_after_a_failure(self, home: Home) -> None:
        def fail() -> None:
            with staged(home, NEW) as path:
                put(path)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert os.listdir(home.incoming) == []

    def test_what_was_moved_away_stays(self, home: Home) -> None:
        with staged(home, NEW) as path:
            put(path).rename(home.goroot(NEW))
        assert (home.goroot(NEW) / "bin" / "go").is_file()


class TestDiscard:
    def test_gone(self, home: Home) -> None:
        put(home.goroot(NEW))
        discard(home, NEW)
        discard(home, NEW)
        assert os.listdir(home.versions) == [".incoming"]
        assert os.listdir(home.incoming) == []

    def test_a_link_is_removed_and_not_followed(self, home: Home, tmp_path: Path) -> None:
        outside = put(tmp_path / "outside")
        home.goroot(NEW).symlink_to(outside)
        with pytest.raises(HostError, match="cannot remove"):
            discard(home, NEW)
        assert (outside / "bin" / "go").is_file()

    def test_read_only(self, home: Home) -> None:
        """To get another parent a directory must itself be writable: its `..` changes."""
        tree = put(home.goroot(NEW))
        for path in (tree / "bin" / "go", tree / "bin", tree):
            path.chmod(0o555)
        program = (
            "import pathlib, sys\nfrom gvmpy.home import Home\nfrom gvmpy.install.staging import discard\n"
            "from gvmpy.version import GoVersion\n"
            "discard(Home(pathlib.Path(sys.argv[1])), GoVersion.parse('1.22.3'))\n"
        )
        subprocess.run(ordinary([sys.executable, "-c", program, str(home.root)]), check=True, timeout=60)
        assert os.listdir(home.versions) == [".incoming"]
        assert os.listdir(home.incoming) == []


class TestSweep:
    def test_what_a_crash_left_goes(self, home: Home) -> None:
        put(home.incoming / "go1.22.3.4711.0a1b2c3d4e5f")
        put(home.incoming / "go1.21.6.12.aabbccddeeff")
        put(home.goroot(NEW))
        put(home.goroot(OLD))
        sweep(home, NEW)
        assert os.listdir(home.versions) == [".incoming"]
        assert os.listdir(home.incoming) == []

    def test_installed_ones_stay(self, home: Home) -> None:
        install(home, OLD)
        install(home, NEW)
        sweep(home, NEW)
        assert home.installed() == [OLD, NEW]

    def test_what_is_not_ours_stays(self, home: Home) -> None:
        names = ["notes", "go", "go1.22.3-mine", "1.22.3", "go1.20.0", "gotip", ".hidden"]
        for name in names:
            put(home.versions / name)
            put(home.incoming / name)
        sweep(home, NEW)
        assert sorted(os.listdir(home.versions)) == sorted([".incoming", *names])
        assert sorted(os.listdir(home.incoming)) == sorted(names)

    def test_others_at_work_are_left_alone(self, home: Home) -> None:
        """Whoever holds a version's lock is at work on it."""
        path = put(home.incoming / "go1.21.6.12.aabbccddeeff")
        put(home.goroot(OLD))
        with _held_elsewhere(lock_path(home, OLD)):
            sweep(home, NEW)
            assert (path / "bin" / "go").is_file()
            assert (home.goroot(OLD) / "bin" / "go").is_file()
        sweep(home, NEW)
        assert os.listdir(home.incoming) == []
        assert not home.goroot(OLD).exists()

    def test_without_locks_others_are_left_alone(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a file system has none, nobody can tell who is at work."""
        import filelock

        def refuse(self: object, *arguments: object, **named: object) -> None:
            raise NotImplementedError

        put(home.incoming / "go1.21.6.12.aabbccddeeff")
        put(home.incoming / "go1.22.3.12.aabbccddeeff")
        monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
        with locks.hold(lock_path(home, NEW), timeout=0) as held:
            assert held is False
        sweep(home, NEW)
        assert os.listdir(home.incoming) == ["go1.21.6.12.aabbccddeeff"]

    def test_links_are_not_followed(self, home: Home, tmp_path: Path) -> None:
        outside = put(tmp_path / "outside")
        (home.incoming / "go1.22.3.1.aabbccddeeff").symlink_to(outside)
        home.goroot(OLD).symlink_to(outside)
        sweep(home, NEW)
        assert (outside / "bin" / "go").is_file()


def _held_elsewhere(path: Path) -> _Holder:
    return _Holder(path)


class _Holder:
    """Another process that holds a lock for the length of the block."""

    def __init__(self, path: Path) -> None:
        program = (
            "import pathlib, sys\nfrom gvmpy import locks\n"
            "with locks.hold(pathlib.Path(sys.argv[1]), timeout=10):\n"
            "    print('held', flush=True)\n    sys.stdin.read()\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "held\n"

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)
