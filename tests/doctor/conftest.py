"""A healthy home, made quickly: a real `go`, shims, a default and an rc block as gvmpy itself writes them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy.files import replace_link
from gvmpy.home import Home
from gvmpy.shells.rcfile import apply, plan_install
from gvmpy.shells.rcplaces import places
from gvmpy.shells.shims import write_shims
from gvmpy.trust.receipt import Receipt
from tests.conftest import PROGRAM
from tests.support.goroots import COMMAND, put_goroot
from tests.support.mounts import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import User
    from tests.support.toolchains import Toolchain

OLD, NEW = "1.21.6", "1.22.3"
_COVER = """
while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 99; shift 2; done
shift
exec "$@"
"""


@pytest.fixture(scope="session")
def trees(real_toolchains: dict[str, Toolchain]) -> Iterator[Path]:
    """GOROOTs with a real `go` and little else, where homes are, to be linked to; not to be written to."""
    shm = Path("/dev/shm")  # noqa: S108 - a fresh private directory in it
    usable = shm.is_dir() and os.access(shm, os.W_OK) and not os.statvfs(shm).f_flag & os.ST_NOEXEC
    place = Path(tempfile.mkdtemp(prefix="gvmpy-test-", dir=shm if usable else None))
    for version in (OLD, NEW):
        put_goroot(real_toolchains[version], place / f"go{version}", COMMAND)
    yield place
    shutil.rmtree(place)


@dataclass
class Healthy:
    """Somebody whose gvmpy is as it should be, to be made ill."""

    user: User
    home: Home
    covered: dict[Path, str] = field(default_factory=dict)
    """What belongs to somebody else, and what lies there for it, where nothing can be given away."""

    @property
    def env(self) -> dict[str, str]:
        return self.user.env

    @property
    def env_file(self) -> Path:
        return self.user.home / ".config" / "go" / "env"

    @property
    def rc(self) -> Path:
        return self.user.home / ".bashrc"

    def go(self, *arguments: str, version: str = NEW) -> subprocess.CompletedProcess[str]:
        """Run the real `go` as a shell would that knows nothing of shims."""
        binary = self.home.root / "versions" / f"go{version}" / "bin" / "go"
        return subprocess.run(
            [str(binary), *arguments], env=self.env, capture_output=True, text=True, check=False
        )

    def set_go(self, text: str) -> None:
        self.env_file.parent.mkdir(parents=True, exist_ok=True)
        self.env_file.write_text(text, newline="")

    def doctor(self, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the program as somebody whom modes stop, also where the tests run as root."""
        return subprocess.run(
            [*self._covering(), *ordinary_user(), *self.user.command("doctor", *options)],
            env=self.env | env,
            cwd=self.user.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def give_away(self, path: Path, *, writable: bool = False) -> None:
        """Let `path` belong to somebody else.

        Who is not root cannot: something of the system's, which belongs to nobody in a user namespace,
        is mounted there while the doctor looks.
        """
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
            return
        cover = "/etc/passwd" if path.is_file() else "/tmp" if writable else "/usr"  # noqa: S108
        # Root under another number, in a namespace, could do harm to it.
        assert os.stat(cover).st_uid != os.geteuid()
        self.covered[path] = cover

    def _covering(self) -> list[str]:
        if not self.covered:
            return []
        pairs = [word for path, cover in self.covered.items() for word in (cover, str(path))]
        back = ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
        outer = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", _COVER, "sh"]
        return [*outer, *pairs, "--", *back]

    def data(self, *options: str, **env: str) -> Any:
        result = self.doctor("--json", *options, **env)
        assert result.returncode in {0, 1, 2}, result.stderr
        document = json.loads(result.stdout)
        assert document["exit_code"] == result.returncode
        assert document["errors"] == []
        return document["data"]

    def findings(self, *options: str, **env: str) -> dict[str, Any]:
        """Return what was found, by id; each id once."""
        found = self.data(*options, **env)
        assert found["unchecked"] == []
        assert len({each["id"] for each in found["findings"]}) == len(found["findings"])
        return {each["id"]: each for each in found["findings"]}


def ordinary_user() -> list[str]:
    """Return what comes before a command so that root runs it as user 1000, whose files all of root's are.

    In a user namespace: root's interpreter may lie in root's own home, which no other user can look into.
    """
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []


@pytest.fixture
def healthy(user: User, trees: Path, monkeypatch: pytest.MonkeyPatch) -> Healthy:
    home = Home(user.home / ".gvmpy")
    home.prepare()
    for version in (OLD, NEW):
        add_version(home, trees, version)
    # What the program would write, in this process, as it is quicker.
    monkeypatch.setattr(sys, "argv", [str(PROGRAM)])
    for name, value in user.env.items():
        monkeypatch.setenv(name, value)
    write_shims(home)
    replace_link(home.default_link, f"../versions/go{NEW}")
    user.env |= {"PATH": f"{home.shims}:/usr/bin:/bin", "SHELL": "/bin/bash"}
    (user.home / ".bashrc").write_text("# mine\nalias ll='ls -l'\n")
    apply(plan_install(places(("bash",), user.env), str(home.root), str(PROGRAM)), home.backups)
    return Healthy(user, home)


def add_version(home: Home, trees: Path, version: str) -> None:
    name = f"go{version}"
    subprocess.run(["cp", "-al", str(trees / name), str(home.versions / name)], check=True)
    receipt = Receipt(
        version, "linux-amd64", "official", "https://go.dev/", "0" * 64, 1, "origin-sha256", {}, "h1:", 1,
        "2024-05-07T16:06:09Z", "0.1",
    )  # fmt: skip
    (home.receipts / f"{name}.json").write_bytes(receipt.dumps())
