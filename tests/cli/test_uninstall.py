from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tests.cli.conftest import NEW, OLD
from tests.cli.ordinary import ordinary
from tests.cli.snapshot import snapshot

if TYPE_CHECKING:
    from tests.conftest import User


def gone(owner: User) -> bool:
    left = [path.name for path in (owner.root / "versions").iterdir() if path.name != ".incoming"]
    return not left and not list((owner.root / "receipts").iterdir()) and not owner.leavings()


def standing(owner: User) -> bool:
    return (
        owner.installed() == [f"go{OLD}"] and (owner.root / "versions" / f"go{OLD}" / "bin" / "go").exists()
    )


def test_all_of_it_goes(owner: User) -> None:
    result = owner.run("uninstall", "--yes", OLD)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"uninstalled go{OLD}\n", "")
    assert gone(owner)


def test_json(owner: User) -> None:
    result = owner.run("uninstall", "--yes", "--json", f"go{OLD}")
    assert json.loads(result.stdout)["data"] == {"version": OLD, "was_default": False}
    assert gone(owner)


@pytest.mark.parametrize("text", ["1.21", "1", "go1.21", "latest", "oldstable", "system", "-", "work"])
def test_only_exact_versions(owner: User, text: str) -> None:
    result = owner.run("uninstall", "--yes", "--force", "--", text)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"error: `{text}` is not one exact version\nhint: gvmpy list\n"
    assert standing(owner)


@pytest.mark.parametrize("text", ["..", "../versions/go1.21.6", "go1.21.6/", "", "1.21.6 "])
def test_no_versions_at_all(owner: User, text: str) -> None:
    result = owner.run("uninstall", "--yes", "--force", text)
    assert (result.returncode, result.stdout) == (2, "")
    assert standing(owner)


def test_not_installed(owner: User) -> None:
    result = owner.run("uninstall", "--yes", NEW)
    assert (result.returncode, result.stderr) == (3, f"error: go{NEW} is not installed\nhint: gvmpy list\n")
    assert standing(owner)


class TestInUse:
    def test_the_default(self, owner: User) -> None:
        owner.run("use", OLD, "--default")
        result = owner.run("uninstall", "--yes", OLD)
        assert result.returncode == 2
        assert result.stderr.startswith(f"error: go{OLD} is the default\nhint: gvmpy use VERSION --default")
        assert standing(owner)
        assert os.readlink(owner.root / "links" / "go") == f"../versions/go{OLD}"

    @pytest.mark.parametrize("chosen", ["1.21.6", "1.21", "go1.21.6"])
    def test_this_shells_choice(self, owner: User, chosen: str) -> None:
        result = owner.run("uninstall", "--yes", OLD, GVMPY_VERSION=chosen)
        assert result.returncode == 2
        assert result.stderr.startswith(f"error: go{OLD} is in use here, set by $GVMPY_VERSION\n")
        assert standing(owner)

    def test_a_projects_choice(self, owner: User) -> None:
        (owner.home / ".go-version").write_text("1.21\n")
        result = owner.run("uninstall", "--yes", OLD)
        assert result.returncode == 2
        pin = owner.home / ".go-version"
        assert result.stderr.startswith(f"error: go{OLD} is in use here, set by `{pin}` line 1\n")
        assert standing(owner)

    @pytest.mark.parametrize("chosen", ["1.22.3", "system", "nobody", "\x1b[31m"])
    def test_another_choice(self, owner: User, chosen: str) -> None:
        assert owner.run("uninstall", "--yes", OLD, GVMPY_VERSION=chosen).returncode == 0
        assert gone(owner)

    def test_force(self, owner: User) -> None:
        owner.run("use", OLD, "--default")
        result = owner.run("uninstall", "--yes", "--force", OLD, GVMPY_VERSION=OLD)
        assert result.returncode == 0
        assert result.stderr == "note: there is no default now\nhint: gvmpy use VERSION --default\n"
        assert gone(owner)
        assert not os.path.lexists(owner.root / "links" / "go")


class TestAsking:
    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_nobody_to_ask(self, owner: User, options: tuple[str, ...]) -> None:
        result = owner.run("uninstall", OLD, *options)
        assert result.returncode == 2
        text = result.stderr if not options else json.loads(result.stdout)["errors"][0]["message"]
        assert "not asked, because this is no terminal" in text
        assert standing(owner)

    def test_a_pipe_full_of_yes_is_nobody(self, owner: User) -> None:
        result = subprocess.run(
            owner.command("uninstall", OLD),
            env=owner.env,
            input="y\n" * 10,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 2
        assert standing(owner)

    @pytest.mark.parametrize(
        ("typed", "code", "removed"),
        [(b"y\n", 0, True), (b"n\n", 2, False), (b"\n", 2, False), (b"\x03", 130, False)],
    )
    def test_on_a_terminal(self, owner: User, typed: bytes, code: int, removed: bool) -> None:
        returned, shown = on_a_terminal(owner, typed)
        assert returned == code, shown
        assert f"Remove go{OLD}? [y/N]:".encode() in shown
        assert b"Traceback" not in shown
        assert gone(owner) if removed else standing(owner)


def on_a_terminal(owner: User, typed: bytes) -> tuple[int, bytes]:
    """Run `uninstall` on a terminal of its own, typing once it has asked."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(owner.home)
        os.execve(owner.command()[0], owner.command("uninstall", OLD), owner.env)  # noqa: S606 - no shell
    shown, asked = b"", False
    for turn in range(600):
        # A key pressed in the instant before the program waits for one can be lost, as with any program in
        # Python: it is pressed again.
        if asked and turn % 20 == 0:
            os.write(terminal, typed)
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # what Linux says when the last one has closed the other end
            data = b""
        if not data:
            break
        shown += data
        if b"]: " in shown and not asked:
            os.write(terminal, typed)
            asked = True
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def test_read_only_trees_go_too(owner: User) -> None:
    """As the go command leaves them in its module cache: 0444 files in 0555 directories."""
    goroot = owner.root / "versions" / f"go{OLD}"
    own = goroot.with_name("copy")
    subprocess.run(["cp", "-r", str(goroot), str(own)], check=True)
    subprocess.run(["rm", "-r", str(goroot)], check=True)
    own.rename(goroot)
    subprocess.run(["chmod", "-R", "a-w", str(goroot)], check=True)
    result = subprocess.run(
        ordinary(owner.command("uninstall", "--yes", OLD)),
        env=owner.env,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert gone(owner)


def test_a_tree_that_cannot_be_removed_is_no_version_any_more(owner: User) -> None:
    """The receipt goes first: what remains after a failure is neither listed nor run, and a retry says so."""
    binary = owner.root / "versions" / f"go{OLD}" / "bin" / "go"
    assert binary.exists()
    versions = owner.root / "versions"
    (versions / ".incoming").write_text("in the way")
    result = owner.run("uninstall", "--yes", OLD)
    assert result.returncode == 6
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
    (versions / ".incoming").unlink()
    assert owner.run("uninstall", "--yes", OLD).returncode in {0, 3}


def test_a_build_under_way_keeps_its_files(owner: User) -> None:
    """The tree is renamed away first, and an open file stays open."""
    with (owner.root / "versions" / f"go{OLD}" / "VERSION").open() as stream:
        assert owner.run("uninstall", "--yes", OLD).returncode == 0
        assert stream.readline() == f"go{OLD}\n"


def test_others_are_left_alone(owner: User) -> None:
    neighbour = owner.root / "versions" / f"go{NEW}"
    (neighbour / "bin").mkdir(parents=True)
    (neighbour / "bin" / "go").write_text("#!/bin/sh\n")
    (neighbour / "bin" / "go").chmod(0o755)
    (owner.root / "receipts" / f"go{NEW}.json").write_text("{}")
    before = snapshot(neighbour)
    assert owner.run("uninstall", "--yes", OLD).returncode == 0
    assert snapshot(neighbour) == before
    assert owner.installed() == [f"go{NEW}"]


def test_two_at_once(owner: User) -> None:
    processes = [owner.start("uninstall", "--yes", OLD) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    codes = sorted(process.returncode for process in processes)
    assert codes[0] == 0, outputs
    assert set(codes) <= {0, 3}
    assert codes.count(0) == 1
    assert not any("Traceback" in stderr for _, stderr in outputs)
    assert gone(owner)


def test_waits_for_nobody_longer_than_told(owner: User) -> None:
    from filelock import FileLock

    locks = owner.root / "locks"
    locks.mkdir()
    with FileLock(locks / f"go{OLD}.lock"):
        started = time.monotonic()
        result = owner.run("uninstall", "--yes", OLD, GVMPY_LOCK_TIMEOUT="0.2")
        assert time.monotonic() - started < 60
    assert result.returncode == 6
    assert result.stderr.startswith("error: another gvmpy has held ")
    assert standing(owner)


def test_the_default_stays_when_the_version_does(owner: User) -> None:
    assert owner.run("use", OLD, "--default").returncode == 0
    locks = owner.root / "locks"
    with FileLock(locks / f"go{OLD}.lock"):
        result = owner.run("uninstall", "--force", "--yes", OLD, GVMPY_LOCK_TIMEOUT="0.2")
    assert result.returncode == 6, result.stderr
    assert standing(owner)
    assert os.readlink(owner.root / "links" / "go") == f"../versions/go{OLD}"
