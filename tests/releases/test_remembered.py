"""What sources list is kept for shells to complete."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.platform import host
from gvmpy.releases.sources.goproxy import MODULE
from tests.cli.ordinary import ordinary

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site

LISTED = ("1.9.2", "1.23rc1", "1.22.3", "1.10", "1.21.0")
KEPT = "1.23rc1\n1.22.3\n1.21.0\n1.10\n1.9.2\n"


@pytest.fixture
def lister(user: User, site: Site) -> User:
    """Somebody whose one source lists LISTED, and serves none of it."""
    listing(site, LISTED)
    user.env |= {"GVMPY_SOURCES": "goproxy", "GOPROXY": f"{site.base}/proxy", "PATH": "/usr/bin:/bin"}
    return user


def listing(site: Site, versions: Iterable[str]) -> None:
    lines = "".join(f"v0.0.1-go{version}.{host()}\n" for version in versions)
    site.body(f"/proxy/{MODULE}/@v/list", lines.encode(), "text/plain")


def kept(user: User) -> Path:
    return user.cache / "remote-versions"


def test_what_list_saw(lister: User, site: Site) -> None:
    assert [line.split()[0] for line in lister.run("list", "--remote").stdout.splitlines()] == [
        *("1.9.2", "1.10", "1.21.0", "1.22.3")
    ]
    assert kept(lister).read_text() == KEPT
    assert stat.S_IMODE(lister.cache.stat().st_mode) == 0o700
    listing(site, [*LISTED, "1.22.4"])
    lister.run("list", "--remote", "--refresh")
    assert kept(lister).read_text() == KEPT.replace("1.22.3", "1.22.4\n1.22.3")
    assert sorted(lister.cache.iterdir()) == [lister.cache / "indexes", kept(lister)]


@pytest.mark.parametrize("arguments", [["install", "1.22"], ["use", "--install", "latest"]])
def test_what_an_install_saw(lister: User, arguments: list[str]) -> None:
    assert lister.run(*arguments).returncode != 0
    assert kept(lister).read_text() == KEPT


def test_an_empty_list_takes_nothing_away(lister: User, site: Site) -> None:
    lister.run("list", "--remote")
    listing(site, [])
    assert lister.run("list", "--remote", "--refresh").returncode == 3
    assert kept(lister).read_text() == KEPT


def test_where_other_variables_put_it(lister: User) -> None:
    lister.run("list", "--remote", XDG_CACHE_HOME=f"{lister.home}/x")
    assert (lister.home / "x" / "gvmpy" / "remote-versions").read_text() == KEPT
    lister.run("list", "--remote", GVMPY_CACHE=f"{lister.home}/y")
    assert (lister.home / "y" / "remote-versions").read_text() == KEPT


def test_a_cache_that_takes_nothing_is_no_failure(lister: User) -> None:
    lister.cache.parent.mkdir()
    lister.cache.write_text("in the way")
    result = lister.run("list", "--remote")
    assert (result.returncode, result.stderr) == (0, "note: listed by goproxy\n")
    lister.cache.unlink()
    lister.home.chmod(0o555)
    lister.cache.parent.chmod(0o555)
    read_only = subprocess.run(
        ordinary(lister.command("list", "--remote")),
        env=lister.env,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (read_only.returncode, read_only.stdout) == (0, result.stdout)
    assert list(lister.cache.parent.iterdir()) == []


def test_root_leaves_nothing_in_somebody_elses_cache(lister: User) -> None:
    if os.geteuid() == 0:
        os.chown(lister.home, 65534, 65534)
    else:
        lister.home.chmod(0o555)
    assert lister.run("list", "--remote").returncode == 0
    assert list(lister.home.iterdir()) == []
