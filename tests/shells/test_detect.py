"""Which shell asked: real ones, under the names that logins, links and wrappers give them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gvmpy.shells.detect import _exe, _ps, shell_name
from gvmpy.shells.quote import quote_fish, quote_posix
from tests.shells.real import REPOSITORY, SHELLS, interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

HERE = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})"
ASK = f"{HERE}; from gvmpy.shells.detect import parent_shell; print(parent_shell())"


def asked_from(command: list[str], *, name: str | None = None) -> str:
    """Return what a Python finds out that `command`, a shell with its -c, started; `name` is argv[0]."""
    quote = quote_fish if "fish" in command[0] else quote_posix
    # Something stands behind it, or the shell would become the program and be its parent no more.
    script = f"{quote(sys.executable)} -IS -c {quote(ASK)}; echo end"
    arguments = [name or command[0], *command[1:], "-c", script]
    finished = subprocess.run(arguments, executable=command[0], capture_output=True, text=True, check=True)
    found, end = finished.stdout.split()
    assert end == "end"
    return found


@pytest.mark.parametrize("shell", [*SHELLS, "fish"])
@pytest.mark.parametrize("login", [False, True])
def test_the_parent_is_found(shell: str, login: bool) -> None:
    command = interpreter(shell)
    name = f"-{shell}" if login and shell != "busybox" else None  # busybox goes by its name
    # Debian's ksh is a link to ksh93; the kernel knows either name.
    assert asked_from(command, name=name) in {shell, os.path.basename(os.path.realpath(command[0]))}


@pytest.mark.parametrize("shell", ["fish", "bash", "zsh"])
def test_a_link_by_another_name_is_seen_through(tmp_path: Path, shell: str) -> None:
    link = tmp_path / f"my-{shell}"
    link.symlink_to(interpreter(shell)[0])
    assert asked_from([str(link)]) == shell


def test_an_unknown_parent_counts_as_posix() -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-IS', '-c', {ASK!r}])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout == "sh\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bash", "bash"),
        ("-bash", "bash"),
        ("/bin/zsh", "zsh"),
        ("-/usr/local/bin/fish", "fish"),
        ("/opt/a b/-ksh93\n", "ksh93"),
        ("", None),
        ("-", None),
        ("/", None),
        ("--help", None),
        ("python3", None),
        ("bash\nfish x", None),
        ("\x1b[31mfish", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    assert shell_name(text) == name


def test_where_there_is_no_proc() -> None:
    """The command ps answers what /proc does; where even ps is missing, nothing is known."""
    assert os.path.basename(_ps(os.getpid()).strip()).startswith("py")
    assert _exe(os.getpid()) == os.path.realpath(sys.executable)
    finished = subprocess.run(
        [sys.executable, "-IS", "-c", f"{HERE}; from gvmpy.shells.detect import _ps; print([_ps(1)])"],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (finished.stdout, finished.stderr) == ("['']\n", "")


@pytest.mark.parametrize(("shell", "is_fish"), [("fish", True), ("bash", False), ("dash", False)])
def test_the_program_prints_for_the_shell_that_asks(user: User, shell: str, is_fish: bool) -> None:
    quote = quote_fish if is_fish else quote_posix
    script = f"{quote(user.command()[0])} init -; echo end"
    finished = subprocess.run(
        [*interpreter(shell), "-c", script], env=user.env, capture_output=True, text=True, check=True
    )
    assert ("set -gx PATH" in finished.stdout) is is_fish
    named = user.run("init", "-", f"/bin/{shell}").stdout
    assert finished.stdout == f"{named}end\n"
