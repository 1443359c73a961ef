"""Two real versions, installed once for all tests here that only look at them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import User
from tests.support import toolchains
from tests.support.loopback import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.toolchains import Toolchain

OLD, NEW = "1.21.6", "1.22.3"


@pytest.fixture(scope="session")
def shared_root(real_toolchains: dict[str, Toolchain]) -> Iterator[Path]:
    shm = Path("/dev/shm")  # noqa: S108 - a fresh private directory in it
    usable = shm.is_dir() and os.access(shm, os.W_OK) and not os.statvfs(shm).f_flag & os.ST_NOEXEC
    place = Path(tempfile.mkdtemp(prefix="gvmpy-test-", dir=shm if usable else None))
    with serve() as site:
        toolchains.serve_official(site, [real_toolchains[OLD], real_toolchains[NEW]])
        person = User(place, {"HOME": str(place), "PATH": os.defpath, "LC_ALL": "C.UTF-8"})
        person.env |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        person.env |= {"GVMPY_SOURCES": "official", "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/"}
        person.env |= {"GVMPY_OFFICIAL_TRUSTED": "127.0.0.1"}
        result = person.run("install", OLD, NEW, GVMPY_MIRRORS=f"{site.base}/mirror/")
    assert result.returncode == 0, result.stderr
    yield person.root
    subprocess.run(["chmod", "-R", "u+rwX", str(place)], check=True)
    shutil.rmtree(place)


@pytest.fixture
def person(user: User, shared_root: Path) -> User:
    """Somebody who has both versions, no default, and no Go besides. The trees are for looking only."""
    for directory in ("links", "state"):
        shutil.rmtree(shared_root / directory, ignore_errors=True)
    return replace(user, env=user.env | {"GVMPY_ROOT": str(shared_root), "PATH": "/usr/bin:/bin"})


@pytest.fixture
def owner(user: User, shared_root: Path) -> User:
    """Somebody who has 1.21.6 to do with as they like, file by file: each is a second link to a shared one,
    so it may be replaced or removed, but not written to.
    """
    user.root.mkdir(mode=0o700)
    for directory in ("receipts", "versions"):
        (user.root / directory).mkdir(mode=0o700)
    for name in (f"receipts/go{OLD}.json", f"receipts/go{OLD}.files", f"versions/go{OLD}"):
        subprocess.run(["cp", "-al", str(shared_root / name), str(user.root / name)], check=True)
    user.env["PATH"] = "/usr/bin:/bin"
    return user
