"""What a shell pays at every start: some calls must not import what they do not need."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import gvmpy
from tests.conftest import PROGRAM

if TYPE_CHECKING:
    from tests.conftest import User

# Runs the console script as it is, and tells what it had imported at its end.
SPY = """
import atexit
before = set(sys.modules)
atexit.register(lambda: print(*(set(sys.modules) - before), file=sys.stderr))
sys.argv = sys.argv[1:]
from gvmpy.entry import main
raise SystemExit(main())
"""
HEAVY = {"click", "httpx", "tqdm", "cryptography", "filelock", "platformdirs", "isal", "packaging"}
BEYOND_INIT = {
    "re",
    "pathlib",
    "dataclasses",
    "json",
    "typing",
    "tomllib",
    "importlib.resources",
    "subprocess",
}


def imported(user: User, *arguments: str) -> tuple[str, set[str]]:
    """Return stdout, and the modules a run of gvmpy with `arguments` imported."""
    result = subprocess.run(
        # -S and -E: what site packages of this very environment import is not gvmpy's doing.
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path[:0] = {sys.path!r}\n{SPY}",
            "gvmpy",
            *arguments,
        ],
        env=user.env,
        cwd=user.home,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout, set(result.stderr.split())


def test_version(user: User) -> None:
    stdout, modules = imported(user, "--version")
    assert stdout == f"gvmpy {gvmpy.__version__}\n"
    assert not modules & (HEAVY | BEYOND_INIT)
    assert {name for name in modules if name.startswith("gvmpy")} == {"gvmpy", "gvmpy.entry"}


@pytest.mark.parametrize("shell", [[], ["bash"], ["zsh"], ["dash"], ["fish"]])
def test_init(user: User, shell: list[str]) -> None:
    stdout, modules = imported(user, "init", "-", *shell)
    assert f"'{user.root}'/shims" in stdout
    assert not modules & (HEAVY | BEYOND_INIT)
    assert list(user.home.iterdir()) == []


def test_current_and_which_do_without_click(user: User) -> None:
    tools = user.home / "tools"
    tools.mkdir()
    for tool in ("go", "gofmt"):
        (tools / tool).write_text("#!/bin/sh\n")
        (tools / tool).chmod(0o755)
    user.env["PATH"] = str(tools)
    for arguments in (["current"], ["which"], ["which", "gofmt"]):
        _, modules = imported(user, *arguments)
        assert not modules & HEAVY, arguments


def test_the_spy_sees_click(user: User) -> None:
    """The tests above can fail: where click is needed, it is seen."""
    _, modules = imported(user, "current", "--help")
    assert {"click", "re"} <= modules


def test_the_console_script_adds_nothing(user: User) -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", PROGRAM, "--version"],
        env=user.env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "gvmpy.entry" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize("arguments", [["--version"], ["init", "-"], ["--help"], ["list"]])
def test_as_a_module(user: User, arguments: list[str]) -> None:
    """`python -m gvmpy` is the same program."""
    result = subprocess.run(
        [sys.executable, "-m", "gvmpy", *arguments],
        env=user.env,
        cwd=user.home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    script = user.run(*arguments)
    assert (result.returncode, result.stdout, result.stderr) == (
        script.returncode,
        script.stdout,
        script.stderr,
    )
    assert result.returncode == 0


def test_unknown_shell(user: User) -> None:
    result = user.run("init", "-", "\x1b[31mfish")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: no init text for shell ")
    assert "\x1b" not in result.stderr
    assert "hint: known shells: " in result.stderr


def test_a_root_that_path_cannot_hold(user: User) -> None:
    result = user.run("init", "-", GVMPY_ROOT=f"{user.home}/a:b")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "colon" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii", "utf-16"])
def test_a_root_that_is_not_utf_8(user: User, encoding: str) -> None:
    root = os.fsencode(user.home) + b"/caf\xe9 $(touch x)"
    env = {os.fsencode(name): os.fsencode(value) for name, value in user.env.items()}
    env |= {b"GVMPY_ROOT": root, b"PYTHONIOENCODING": encoding.encode()}
    result = subprocess.run(user.command("init", "-"), env=env, capture_output=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    assert b"'" + root + b"'/shims" in result.stdout


QUICK = [["--version"], ["init", "-"]]


@pytest.mark.parametrize("arguments", QUICK)
def test_the_reader_may_leave(user: User, arguments: list[str]) -> None:
    result = shell(user, '"$@" | true; exit "${PIPESTATUS[0]}"', arguments)
    assert result.returncode in {0, 141}
    assert result.stderr == ""


@pytest.mark.parametrize("arguments", QUICK)
def test_a_full_disk(user: User, arguments: list[str]) -> None:
    result = shell(user, 'exec "$@" >/dev/full', arguments)
    assert result.returncode == 6
    assert result.stderr == "error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("arguments", QUICK)
def test_a_closed_stdout(user: User, arguments: list[str]) -> None:
    result = shell(user, 'exec "$@" >&-', arguments)
    assert result.returncode == 6
    assert result.stderr == "error: cannot write to standard output: Bad file descriptor\n"


def shell(user: User, script: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run `script` in bash, with gvmpy and `arguments` as its "$@"."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *user.command(*arguments)],
        env=user.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
