"""The bundled hook `settings`: a profile that is bound to a version comes and goes with it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.switching import NEW, OLD, put_hook
from tests.switch.test_transaction import default_of, start_with

if TYPE_CHECKING:
    from tests.conftest import User

CN = "GOPROXY=https://goproxy.cn,direct\nGOSUMDB=sum.golang.google.cn\n"


def go_env_of(person: User) -> str:
    file = person.home / ".config" / "go" / "env"
    return file.read_text() if file.exists() else ""


@pytest.fixture
def bound(person: User) -> User:
    assert person.run("profile", "bind", "cn", "--version", NEW).returncode == 0
    start_with(person, OLD)
    assert go_env_of(person) == ""
    return person


def test_it_comes_with_the_version_and_goes_with_an_undo(bound: User) -> None:
    start_with(bound, NEW)
    assert go_env_of(bound) == CN
    assert bound.run("undo").returncode == 0
    assert (default_of(bound), go_env_of(bound)) == (OLD, "")


def test_it_is_put_back_with_the_switch(bound: User) -> None:
    look = '[ "$GVMPY_STAGE" = roll-back ] || cat ~/.config/go/env; exit 1'
    put_hook(bound.root, "post-switch", "10-a", look)
    result = bound.run("use", NEW, "-d", GVMPY_HOOK_USER="block")
    assert result.returncode == 1
    assert "10-a: GOSUMDB=sum.golang.google.cn\n" in result.stderr
    assert (default_of(bound), go_env_of(bound)) == (OLD, "")


def test_it_is_put_back_after_a_crash(bound: User) -> None:
    put_hook(bound.root, "post-switch", "10-a", "kill -9 $PPID")
    assert bound.run("use", NEW, "-d").returncode == -signal.SIGKILL
    assert (default_of(bound), go_env_of(bound)) == (NEW, CN)
    put_hook(bound.root, "post-switch", "10-a", "")
    assert bound.run("hooks", "run", "goland").returncode == 0
    assert (default_of(bound), go_env_of(bound)) == (OLD, "")


def test_off_leaves_go_alone(bound: User) -> None:
    assert bound.run("use", NEW, "-d", GVMPY_HOOK_SETTINGS="off").returncode == 0
    assert go_env_of(bound) == ""


def test_without_a_default(person: User) -> None:
    """An undo of the very first switch."""
    assert person.run("profile", "bind", "cn", "--version", NEW).returncode == 0
    start_with(person, NEW)
    assert go_env_of(person) == CN
    assert person.run("undo").returncode == 0
    assert (default_of(person), go_env_of(person)) == (None, "")
