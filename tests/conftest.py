from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import toolchains
from tests.support.loopback import Site, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.toolchains import Toolchain

PROGRAM = Path(sys.executable).with_name("gvmpy")

# How long an example takes says more of the machine than of the code.
settings.register_profile("gvmpy", deadline=None)
settings.load_profile("gvmpy")

# A test run started in the background, or by nohup, inherits signals ignored and would hand that on.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@dataclass
class User:
    """Somebody with an empty home directory, who runs the real program."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return Path(self.env["GVMPY_ROOT"]) if "GVMPY_ROOT" in self.env else self.home / ".gvmpy"

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "gvmpy"

    def command(self, *arguments: str) -> list[str]:
        return [str(PROGRAM), *arguments]

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.env | env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.env | env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def installed(self) -> list[str]:
        return sorted(path.stem for path in (self.root / "receipts").glob("*.json"))

    def leavings(self) -> list[str]:
        """Return what lies in staging."""
        return sorted(path.name for path in (self.root / "versions" / ".incoming").glob("*"))


@pytest.fixture
def fast_path() -> Iterator[Path]:
    """A directory on tmpfs: on ext4, unpacking soon after deleting a GOROOT is several times slower."""
    shm = Path("/dev/shm")  # noqa: S108 - a fresh private directory in it
    usable = shm.is_dir() and os.access(shm, os.W_OK) and not os.statvfs(shm).f_flag & os.ST_NOEXEC
    path = Path(tempfile.mkdtemp(prefix="gvmpy-test-", dir=shm if usable else None))
    yield path
    subprocess.run(["chmod", "-R", "u+rwX", str(path)], check=True)
    shutil.rmtree(path)


@pytest.fixture
def user(fast_path: Path) -> User:
    home = fast_path / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    env = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    return User(home, env | kept | coverage)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def real_toolchains() -> dict[str, Toolchain]:
    """Three real releases; the first run fetches them over the machine's own GOPROXY."""
    return {version: toolchains.fetch(version) for version in toolchains.VERSIONS}


@pytest.fixture
def official(site: Site, user: User, real_toolchains: dict[str, Toolchain]) -> Site:
    """An official origin on loopback, which `user` is set up to use alone."""
    toolchains.serve_official(site, list(real_toolchains.values()))
    user.env |= {
        "GVMPY_SOURCES": "official",
        "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/?mode=json&include=all",
        "GVMPY_MIRRORS": f"{site.base}/mirror/",
        "GVMPY_OFFICIAL_TRUSTED": "127.0.0.1",
    }
    return site


@pytest.fixture
def goproxy(site: Site, user: User, real_toolchains: dict[str, Toolchain]) -> Site:
    """A GOPROXY on loopback with a recorded checksum database, which `user` is set up to use alone."""
    toolchains.serve_goproxy(site, list(real_toolchains.values()))
    user.env |= {"GVMPY_SOURCES": "goproxy", "GOPROXY": f"{site.base}/proxy"}
    return site
