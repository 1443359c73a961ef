from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gvmpy import locks
from gvmpy.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = """
import pathlib, sys
from gvmpy import locks
with locks.hold(pathlib.Path(sys.argv[1]), timeout=10):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold `path` in another process until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.communicate(timeout=30)


def test_held_and_released(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    for _ in range(2):
        with locks.hold(path, timeout=0) as held:
            assert held is True
    assert path.stat().st_mode & 0o077 == 0


def test_released_by_an_exception(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with pytest.raises(ZeroDivisionError), locks.hold(path, timeout=0):
        raise ZeroDivisionError
    with locks.try_hold(path) as held:
        assert held is True


def test_held_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with held_elsewhere(path):
        with pytest.raises(HostError) as caught, locks.hold(path, timeout=0):
            pytest.fail("two hold it")
        assert caught.value.message == f"another gvmpy has held `{path}` for 0 s"
        with locks.try_hold(path) as held:
            assert held is False
    with locks.try_hold(path) as held:
        assert held is True


def test_waiting_ends_when_the_holder_does(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with held_elsewhere(path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        with locks.hold(path, timeout=60) as held:
            assert held is True
        holder.stdin = None


def test_a_killed_holder_leaves_it_free(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with held_elsewhere(path) as holder:
        holder.kill()
        holder.wait(30)
        with locks.hold(path, timeout=0) as held:
            assert held is True


def test_errors_inside_are_not_taken_for_a_missing_lock(tmp_path: Path) -> None:
    for error in (OSError(28, "full"), PermissionError(13, "no"), NotImplementedError()):
        with pytest.raises(type(error)) as caught, locks.hold(tmp_path / "x.lock", timeout=0):
            raise error
        assert caught.value is error
        with pytest.raises(type(error)) as caught, locks.try_hold(tmp_path / "x.lock"):
            raise error
        assert caught.value is error
