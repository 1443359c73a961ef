"""Shims, links, receipts, trees, staging, locks, the block: made ill, found, mended where that is safe."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.doctor.conftest import NEW, OLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.doctor.conftest import Healthy

REPAIR = f"gvmpy repair {OLD}"
STAGED = f"go{OLD}.4711.0123456789ab"
HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"


def remove_shim(healthy: Healthy) -> None:
    (healthy.home.shims / "gofmt").unlink()
    (healthy.home.shims / f"go{OLD}").unlink()


def lock_shims(healthy: Healthy) -> None:
    for name in ("go", "gofmt"):
        (healthy.home.shims / name).chmod(0o644)


def edit_shim(healthy: Healthy) -> None:
    path = healthy.home.shims / "go"
    path.write_bytes(path.read_bytes() + b"# more\n")


def orphan_program(healthy: Healthy) -> None:
    """A gvmpy that was moved: the shims start a program that is gone."""
    for path in healthy.home.shims.iterdir():
        path.write_bytes(path.read_bytes().replace(b"/bin/gvmpy'", b"/bin/gone'"))


def link_shim(healthy: Healthy) -> None:
    (healthy.home.shims / "gofmt").unlink()
    (healthy.home.shims / "gofmt").symlink_to("go")


def leave_shim(healthy: Healthy) -> None:
    (healthy.home.shims / "go1.9.7").write_bytes((healthy.home.shims / "go").read_bytes())
    (healthy.home.shims / "go1.9.7").chmod(0o755)


def edit_init(healthy: Healthy) -> None:
    (healthy.home.shell / "init.sh").write_text("# old\n")


def lose_init(healthy: Healthy) -> None:
    (healthy.home.shell / "init.fish").unlink()


def lose_receipt(healthy: Healthy) -> None:
    (healthy.home.receipts / f"go{OLD}.json").unlink()
    (healthy.home.shims / f"go{OLD}").unlink()


def leave_staging(healthy: Healthy) -> None:
    (healthy.home.incoming / STAGED / "bin").mkdir(parents=True)
    (healthy.home.incoming / STAGED / "bin").chmod(0o555)


def die_with_marker(healthy: Healthy) -> None:
    """What filelock leaves where there are no locks; such a file system cannot be had in a test."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    (healthy.home.locks / "default.lock").write_text(f"{ended.pid}\n{socket.gethostname()}\n")


def stain_block(healthy: Healthy) -> None:
    healthy.rc.write_text(healthy.rc.read_text().replace("if [ -r", "if [ -f"))


def add_login_file(healthy: Healthy) -> None:
    """One that a login bash reads in place of ~/.bashrc."""
    (healthy.user.home / ".bash_profile").write_text("export EDITOR=ed\n")


MENDED: dict[str, tuple[Callable[[Healthy], None], str, str]] = {
    "a shim is gone": (remove_shim, "shims-missing", "error"),
    "shims cannot be run": (lock_shims, "shims-mode", "error"),
    "a shim was edited": (edit_shim, "shims-outdated", "warning"),
    "a shim is a link": (link_shim, "shims-outdated", "warning"),
    "the program was moved": (orphan_program, "shims-outdated", "warning"),
    "a shim of no version": (leave_shim, "shims-left-over", "warning"),
    "an init text was edited": (edit_init, "init-text-outdated", "warning"),
    "an init text is gone": (lose_init, "init-text-outdated", "warning"),
    "a tree without a receipt": (lose_receipt, "tree-without-receipt", "warning"),
    "something in staging": (leave_staging, "staging-left-over", "warning"),
    "a dead process's lock": (die_with_marker, "lock-of-the-dead", "warning"),
    "a login file without the block": (add_login_file, "rc-block-outdated", "warning"),
    "the block was edited": (stain_block, "rc-block-outdated", "warning"),
}


@pytest.mark.parametrize(("spoil", "identity", "severity"), MENDED.values(), ids=MENDED)
def test_found_and_mended(
    healthy: Healthy, spoil: Callable[[Healthy], None], identity: str, severity: str
) -> None:
    spoil(healthy)
    found = healthy.findings()
    assert list(found) == [identity]
    assert found[identity]["severity"] == severity
    assert found[identity]["fix"]["safe"]
    mended = healthy.data("--fix", "--yes")
    assert mended["fixed"] == [identity]
    assert (mended["not_fixed"], mended["findings"]) == ([], [])


def dangle_default(healthy: Healthy) -> None:
    healthy.home.default_link.unlink()
    healthy.home.default_link.symlink_to("../versions/go1.9.9")


def dangle_alias(healthy: Healthy) -> None:
    (healthy.home.links / "work").symlink_to("../versions/go1.9.9")


def lose_tree(healthy: Healthy) -> None:
    (healthy.home.versions / f"go{OLD}").rename(healthy.user.home / "away")
    (healthy.home.shims / f"go{OLD}").unlink()


def lock_go(healthy: Healthy) -> None:
    """By a copy: the tree's files are shared."""
    path = healthy.home.versions / f"go{OLD}" / "bin" / "go"
    path.unlink()
    path.write_bytes(b"")
    (healthy.home.shims / f"go{OLD}").unlink()


def spoil_receipt(healthy: Healthy) -> None:
    (healthy.home.receipts / f"go{OLD}.json").write_text("{}")


def put_stranger(healthy: Healthy) -> None:
    (healthy.home.shims / "git").write_text("#!/bin/sh\n")


def damage_block(healthy: Healthy) -> None:
    healthy.rc.write_text(healthy.rc.read_text().replace("# <<< gvmpy <<<", "# <<<"))


def spoil_config(healthy: Healthy) -> None:
    path = healthy.user.home / ".config" / "gvmpy" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[switch]\nmising = "install"\n')


TOLD: dict[str, tuple[Callable[[Healthy], None], str, str, str]] = {
    "dangling default": (dangle_default, "default-dangling", "error", f"gvmpy use {NEW} --default"),
    "dangling alias": (dangle_alias, "alias-dangling", "warning", "rm -- {home}/.gvmpy/links/work"),
    "no tree": (lose_tree, "receipt-without-tree", "error", f"gvmpy install {OLD}"),
    "no go": (lock_go, "tree-without-go", "error", REPAIR),
    "no receipt": (spoil_receipt, "receipt-unreadable", "error", REPAIR),
    "stranger": (put_stranger, "shims-stranger", "warning", "rm -- {home}/.gvmpy/shims/git"),
    "damaged block": (damage_block, "rc-block-damaged", "error", "vi {home}/.bashrc"),
    "configuration": (spoil_config, "config-invalid", "error", "did you mean `switch.missing`?"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "identity", "severity", "cure"), TOLD.values(), ids=TOLD)
def test_found_and_left_to_the_user(
    healthy: Healthy, spoil: Callable[[Healthy], None], identity: str, severity: str, cure: str
) -> None:
    spoil(healthy)
    found = healthy.findings()
    assert list(found) == [identity]
    assert found[identity]["severity"] == severity
    assert found[identity]["fix"] == {"command": cure.format(home=healthy.user.home), "safe": False}
    result = healthy.doctor("--fix", "--yes")
    assert result.returncode == 1
    assert f"[{identity}]" in result.stdout


class TestLocks:
    def test_one_that_is_held_is_a_note(self, healthy: Healthy) -> None:
        path = healthy.home.locks / f"go{OLD}.lock"
        path.touch()
        (healthy.home.incoming / STAGED).mkdir()
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            found = healthy.findings()
            assert list(found) == ["lock-held"]  # and what that process has in staging is its own affair
            assert found["lock-held"]["severity"] == "note"
            assert f"process {holder.pid} holds the lock" in found["lock-held"]["what"]
            assert healthy.doctor().returncode == 0
            holder.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WNOWAIT)
            stopped = healthy.findings()["lock-held"]
            assert (stopped["severity"], stopped["fix"]["command"]) == ("warning", f"kill -CONT {holder.pid}")
            holder.send_signal(signal.SIGCONT)
            holder.communicate(b"\n")
        assert list(healthy.findings()) == ["staging-left-over"]

    def test_looking_takes_none_away(self, healthy: Healthy) -> None:
        path = healthy.home.locks / "default.lock"
        path.touch()
        with path.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            assert list(healthy.findings()) == ["lock-held"]
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_the_marker_of_a_living_process_or_another_host_stays(self, healthy: Healthy) -> None:
        path = healthy.home.locks / "default.lock"
        for marker in (f"{os.getpid()}\n{socket.gethostname()}\n", "4711\nanother-host\n", "no\nmarker\n"):
            path.write_text(marker)
            assert healthy.findings() == {}


class TestAsking:
    def test_without_a_terminal_nothing_is_done(self, healthy: Healthy) -> None:
        remove_shim(healthy)
        for options in (["--fix"], ["--fix", "--json"]):
            result = healthy.doctor(*options)
            assert result.returncode == 2
            assert "not asked, because this is no terminal" in result.stdout + result.stderr
        assert not (healthy.home.shims / "gofmt").exists()
        assert healthy.doctor("--yes").returncode == 2

    @pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
    def test_each_is_asked_for_on_a_terminal(self, healthy: Healthy, answer: str, code: int) -> None:
        lose_receipt(healthy)
        result = self.answered(healthy, f"{answer}\n")
        assert f"Remove `{healthy.home.versions}/go{OLD}`? [y/N]" in result.stdout
        assert result.returncode == code
        assert (healthy.home.versions / f"go{OLD}").exists() is (answer == "n")

    def test_no_means_no(self, healthy: Healthy) -> None:
        """Of two things that the next install would remove, one stays."""
        lose_receipt(healthy)
        leave_staging(healthy)
        staged, tree = healthy.home.incoming / STAGED, healthy.home.versions / f"go{OLD}"
        self.answered(healthy, "y\nn\n")
        assert (staged.exists(), tree.exists()) == (False, True)

    def answered(self, healthy: Healthy, answers: str) -> subprocess.CompletedProcess[str]:
        command = healthy.user.command("doctor", "--fix")
        script = f"import pty, sys; sys.exit(pty.spawn({command!r}) >> 8)"
        return subprocess.run(
            [sys.executable, "-c", script],
            env=healthy.env,
            cwd=healthy.user.home,
            input=answers,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_each_is_shown_before(self, healthy: Healthy) -> None:
        lose_receipt(healthy)
        result = healthy.doctor("--fix", "--yes")
        assert result.stderr == f"fix: remove `{healthy.home.versions}/go{OLD}`\n"
        assert (result.stdout, result.returncode) == ("nothing is wrong here\n", 0)

    def test_what_does_not_work_is_told(self, healthy: Healthy) -> None:
        remove_shim(healthy)
        healthy.home.shims.chmod(0o500)
        # The directory itself is below the root, which is all that is looked at.
        result = healthy.doctor("--fix", "--yes", "--json")
        document = json.loads(result.stdout)
        assert result.returncode == 1
        assert [each["id"] for each in document["data"]["not_fixed"]] == ["shims-missing"]
        assert "Permission denied" in document["data"]["not_fixed"][0]["reason"]


class TestInterruptedSwitch:
    def write(self, healthy: Healthy, process: int) -> None:
        """What the switch transaction writes before it touches the link."""
        choices = [{"name": version, "link": f"../versions/go{version}"} for version in (NEW, OLD)]
        record = {
            "switch": "1", "time": "2026-01-01T00:00:00Z", "by": "use", "outcome": "done", "hooks": [],
            "from": choices[0], "to": choices[1],
        }  # fmt: skip
        journal = {"schema": 1, "phase": "applying", "process": process, "switch": record}
        (healthy.home.state / "journal.json").write_text(json.dumps(journal))

    def test_one_whose_writer_is_gone(self, healthy: Healthy) -> None:
        with subprocess.Popen(["true"]) as ended:
            ended.wait()
        self.write(healthy, ended.pid)
        found = healthy.findings()
        assert list(found) == ["switch-interrupted"]
        assert found["switch-interrupted"]["fix"]["command"] == f"gvmpy use {OLD} --default"

    def test_one_that_is_under_way(self, healthy: Healthy) -> None:
        self.write(healthy, os.getpid())
        assert healthy.findings() == {}
