"""Where nothing is wrong, nothing is said; and looking changes nothing."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.cli.snapshot import snapshot
from tests.doctor.conftest import NEW, ordinary_user

if TYPE_CHECKING:
    from tests.conftest import User
    from tests.doctor.conftest import Healthy
    from tests.support.loopback import Site


def test_nothing_is_found(healthy: Healthy) -> None:
    result = healthy.doctor()
    assert (result.stdout, result.stderr, result.returncode) == ("nothing is wrong here\n", "", 0)
    assert healthy.data() == {
        "findings": [],
        "counts": {"error": 0, "warning": 0, "note": 0},
        "unchecked": [],
    }


def test_nothing_is_found_where_nothing_is_set_up(user: User) -> None:
    result = user.run("doctor")
    assert (result.stdout, result.returncode) == ("nothing is wrong here\n", 0)


def test_nor_after_go_was_used(healthy: Healthy) -> None:
    for words in (("env", "-w", "GOPRIVATE=corp.example"), ("env", "GOPATH"), ("version",)):
        assert healthy.go(*words).returncode == 0
    assert healthy.findings() == {}


def test_looking_writes_nothing_also_where_nothing_can_be_written(healthy: Healthy) -> None:
    healthy.set_go("GOROOT=/nonexistent\n")
    before = snapshot(healthy.user.home)
    assert "goroot-env-file" in healthy.findings()
    assert snapshot(healthy.user.home) == before
    subprocess.run(["chmod", "-R", "a-w", str(healthy.user.home)], check=True)
    before = snapshot(healthy.user.home)
    result = healthy.doctor()
    assert "Traceback" not in result.stderr
    assert result.returncode == 1
    assert snapshot(healthy.user.home) == before


def test_fixing_what_is_right_does_nothing(healthy: Healthy) -> None:
    before = snapshot(healthy.user.home)
    result = healthy.doctor("--fix")
    assert (result.stdout, result.returncode) == ("nothing is wrong here\n", 0)
    assert snapshot(healthy.user.home) == before


def test_an_ordinary_user_is_asked_for(healthy: Healthy) -> None:
    """What the other tests rest on: to this user, modes mean what they say."""
    (healthy.user.home / "locked").mkdir(mode=0o500)
    command = [*ordinary_user(), "touch", str(healthy.user.home / "locked" / "x")]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_nothing_is_wrong_after_a_real_installation(official: Site, user: User) -> None:
    """As after the first command of the README: no rc file knows of gvmpy, and another `go` may be there."""
    assert user.run("install", NEW).returncode == 0
    assert user.run("use", NEW, "--default").returncode == 0
    for path in ("/usr/bin:/bin", user.env["PATH"], f"{user.root}/shims:{user.env['PATH']}"):
        result = user.run("doctor", PATH=path)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.endswith("nothing is wrong here\n")
    assert user.run("init", "--install", SHELL="/bin/bash").returncode == 0
    assert user.run("doctor", SHELL="/bin/bash").returncode == 0
