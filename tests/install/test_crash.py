"""Killed with kill -9 at the worst moments: nothing half counts, and a plain retry succeeds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import User
    from tests.support.loopback import Request, Site
    from tests.support.toolchains import Toolchain

VERSION = "1.22.3"


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look as fast as can be until `condition` holds; it must before `process` ends."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.0005)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the whole process group, as a closing container does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def nothing_is_half_there(user: User) -> None:
    listed = json.loads(user.run("list", "--json").stdout)
    assert listed["data"] == {"default": None, "versions": []}
    for command in (["which"], ["exec", VERSION, "true"]):
        result = user.run(*command, GVMPY_VERSION=VERSION)
        assert (result.returncode, result.stdout) == (127, "")
    assert user.run("use", VERSION, "--default").returncode == 3
    shim = subprocess.run(
        [user.root / "shims" / "go", "version"],
        env=user.env | {"GVMPY_VERSION": VERSION},
        cwd=user.home,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (shim.returncode, shim.stdout) == (127, b"")


def a_plain_retry_succeeds(user: User) -> None:
    result = user.run("install", VERSION)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"installed go{VERSION} ")
    assert user.installed() == [f"go{VERSION}"]
    assert user.leavings() == []
    assert sorted(os.listdir(user.root / "receipts")) == [f"go{VERSION}.files", f"go{VERSION}.json"]
    assert sorted(os.listdir(user.root / "versions")) == [".incoming", f"go{VERSION}"]
    assert user.run("verify", VERSION).returncode == 0
    assert list((user.cache / "partial").iterdir()) == []


def test_in_the_middle_of_a_download(
    user: User, official: Site, real_toolchains: dict[str, Toolchain]
) -> None:
    archive = real_toolchains[VERSION].archive
    path, sent, over = f"/mirror/{archive.name}", 5 << 20, threading.Event()

    def stall(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(archive.stat().st_size))
        request.end_headers()
        with archive.open("rb") as stream:
            request.wfile.write(stream.read(sent))
        request.wfile.flush()
        over.wait(60)

    official.faults[path] = [stall]
    process = user.start("install", VERSION)
    until(lambda: any(p.stat().st_size == sent for p in (user.cache / "partial").glob("*")), process)
    kill(process)
    over.set()
    nothing_is_half_there(user)
    assert user.leavings() == []
    a_plain_retry_succeeds(user)
    assert official.asked(path)[1]["Range"] == f"bytes={sent}-"


@pytest.mark.parametrize("seen", ["", "src", "src/runtime"])
def test_in_the_middle_of_unpacking(user: User, official: Site, seen: str) -> None:
    incoming = user.root / "versions" / ".incoming"
    process = user.start("install", VERSION)
    until(lambda: any((staged / seen).is_dir() for staged in incoming.glob("go*")), process)
    kill(process)
    nothing_is_half_there(user)
    [staged] = user.leavings()
    assert staged.startswith(f"go{VERSION}.")
    assert not (user.root / "versions" / f"go{VERSION}").exists()
    a_plain_retry_succeeds(user)


def test_in_the_middle_of_unpacking_a_module(user: User, goproxy: Site) -> None:
    incoming = user.root / "versions" / ".incoming"
    process = user.start("install", VERSION)
    until(lambda: any((staged / "src").is_dir() for staged in incoming.glob("go*")), process)
    kill(process)
    nothing_is_half_there(user)
    a_plain_retry_succeeds(user)


def test_workers_end_with_their_parent(user: User, official: Site) -> None:
    """Nobody goes on writing into a staged tree that a later install may sweep."""
    incoming = user.root / "versions" / ".incoming"
    process = user.start("install", VERSION)
    until(lambda: any((staged / "src").is_dir() for staged in incoming.glob("go*")), process)
    kill(process)
    for _ in range(200):
        if not _descendants_of(user):
            break
        time.sleep(0.05)
    assert _descendants_of(user) == []


def _descendants_of(user: User) -> list[str]:
    """Return the processes whose environment has this test's own HOME."""
    found = []
    mine = b"HOME=" + os.fsencode(user.home) + b"\0"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mine in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


# Runs gvmpy itself, with one function on the way replaced by one that kills the process group.
KILLED_AT = """
import os, signal, sys
import gvmpy.files, gvmpy.install.commit as commit

def die():
    os.killpg(0, signal.SIGKILL)

def instead(module, name, when):
    real = getattr(module, name)
    def function(*arguments, **named):
        if when(*arguments):
            die()
        return real(*arguments, **named)
    setattr(module, name, function)

point = sys.argv.pop(1)
if point == "manifest":
    instead(commit, "sync_directory", lambda path: ".incoming" in str(path))
elif point == "rename":
    instead(commit, "write_atomic", lambda path, data: path.suffix == ".json")
elif point == "receipt":
    instead(gvmpy.files.os, "replace", lambda old, new: str(new).endswith(".json"))
from gvmpy.entry import main
raise SystemExit(main())
"""


@pytest.mark.parametrize(
    ("point", "staged", "in_place"),
    [("manifest", 1, False), ("rename", 0, True), ("receipt", 0, True)],
)
def test_in_the_middle_of_the_commit(
    user: User, official: Site, point: str, staged: int, in_place: bool
) -> None:
    """After the list of files, after the rename, and with the receipt written but not yet at its place."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_AT, point, "install", VERSION],
        env=user.env,
        cwd=user.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, stderr
    nothing_is_half_there(user)
    assert len(user.leavings()) == staged
    assert (user.root / "versions" / f"go{VERSION}" / "bin" / "go").exists() is in_place
    a_plain_retry_succeeds(user)
