"""One shell's choice, and the hooks that want to know of it: the real program, the real shells."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.shells.real import SHELLS, interpreter
from tests.support.switching import NEW, OLD, log_of, put_hook, put_versions

if TYPE_CHECKING:
    from tests.conftest import User

WORDS = 'echo "$GVMPY_HOOK $GVMPY_STAGE $GVMPY_SCOPE ${GVMPY_FROM:-none} ${GVMPY_TO:-none}" >>log'


TOUR = (f"gvmpy use go{OLD}", "show", f"gvmpy use {NEW}", "gvmpy use -", "show", "gvmpy use --unset", "show")


@pytest.fixture(params=[*SHELLS, "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def person(user: User) -> User:
    put_versions(user.root, OLD, NEW)
    assert user.run("use", NEW, "--default").returncode == 0
    return user


def script_of(person: User, shell: str, *lines: str) -> list[str]:
    """Return the command that runs `lines`, `show` among them, in a shell that has loaded gvmpy."""
    fish = shell == "fish"
    load = f"source {person.root}/shell/init.fish" if fish else f". {person.root}/shell/init.sh"
    show = (
        "function show; echo (set -q GVMPY_VERSION; and echo $GVMPY_VERSION; or echo none); end"
        if fish
        else 'show() { echo "${GVMPY_VERSION-none}"; }'
    )
    return [*interpreter(shell), "-c", "\n".join((load, show, *lines))]


def run(person: User, shell: str, *lines: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        script_of(person, shell, *lines),
        env=person.env | env,
        cwd=person.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_no_process_where_there_is_no_hook(person: User, shell: str) -> None:
    """Nor for going back, and for dropping the choice; directories without anything in them are no hooks."""
    for stage in ("pre-switch", "post-switch"):
        put_hook(person.root, stage, "10-a", "").unlink()
    trace, calls = person.home / "trace", "trace=execve,vfork,fork,clone,clone3"
    result = subprocess.run(
        ["strace", "-f", "-qq", "-e", calls, "-o", trace, *script_of(person, shell, *TOUR)],
        env=person.env,
        cwd=person.home,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout.split() == [OLD, OLD, "none"]
    processes = [line for line in trace.read_text().splitlines() if "CLONE_THREAD" not in line]  # fish's own
    assert [re.sub(r"^\d+ +(<... )?", "", line).split("(")[0] for line in processes] == ["execve"]


def test_every_choice_is_told(person: User, shell: str) -> None:
    put_hook(person.root, "pre-switch", "10-a", WORDS)
    put_hook(person.root, "post-switch", "20-b", f"{WORDS}; echo hello")
    lines = (
        f"gvmpy use {OLD}",
        "show",
        f"gvmpy use {NEW}",
        "gvmpy use -",
        "show",
        "gvmpy use --unset",
        "show",
    )
    result = run(person, shell, *lines)
    assert (result.returncode, result.stdout.split()) == (0, [OLD, OLD, "none"]), result.stderr
    moves = [f"none {OLD}", f"{OLD} {NEW}", f"{NEW} {OLD}", f"{OLD} none"]
    assert log_of(person.root) == [
        line for move in moves for line in (f"10-a pre-switch shell {move}", f"20-b post-switch shell {move}")
    ]
    assert result.stderr.count("20-b: hello\n") == 4


def test_a_hook_can_refuse(person: User, shell: str) -> None:
    put_hook(person.root, "pre-switch", "10-a", '[ "$GVMPY_TO" = 1.21.6 ]')
    put_hook(person.root, "post-switch", "20-b", WORDS)
    otherwise = "; or echo refused" if shell == "fish" else "|| echo refused"
    lines = (f"gvmpy use {OLD}", f"gvmpy use {NEW} {otherwise}", f"gvmpy use --unset {otherwise}", "show")
    result = run(person, shell, *lines, GVMPY_HOOK_USER="block")
    assert result.stdout.split() == ["refused", "refused", OLD]
    assert f"this shell's choice stays {OLD}\n" in result.stderr
    assert log_of(person.root) == [f"20-b post-switch shell none {OLD}"]
    result = run(person, shell, f"gvmpy use {NEW}", "show", GVMPY_HOOK_USER="warn")
    assert result.stdout.split() == [NEW]
    assert "warning: hook `10-a` at pre-switch: it ended with 1\n" in result.stderr


def test_what_had_begun_is_put_right(person: User) -> None:
    put_hook(person.root, "post-switch", "10-a", WORDS)
    put_hook(person.root, "post-switch", "20-b", f'{WORDS}; [ "$GVMPY_STAGE" = roll-back ]')
    result = run(person, "bash", f"gvmpy use {OLD}", "show", GVMPY_HOOK_USER="block")
    assert result.stdout.split() == ["none"]
    assert log_of(person.root) == [
        f"10-a post-switch shell none {OLD}",
        f"20-b post-switch shell none {OLD}",
        f"10-a roll-back shell {OLD} none",
        f"20-b roll-back shell {OLD} none",
    ]


def test_a_hook_is_told_of_choices_only(person: User) -> None:
    """Whatever else the variable may have held."""
    put_hook(person.root, "pre-switch", "10-a", WORDS)
    run(person, "bash", f"gvmpy use {OLD}", GVMPY_VERSION="$(touch x); a b")
    run(person, "bash", f"gvmpy use {OLD}", GVMPY_VERSION="1.22")
    assert log_of(person.root) == [
        f"10-a pre-switch shell none {OLD}",
        f"10-a pre-switch shell 1.22 {OLD}",
    ]


def test_whoever_only_asks_for_the_line_runs_no_hook(person: User) -> None:
    """JSON, and a shell without the function: neither makes a choice."""
    put_hook(person.root, "pre-switch", "10-a", WORDS)
    assert person.run("use", OLD, "--json").returncode == 0
    assert person.run("use", OLD).returncode == 2
    assert log_of(person.root) == []
