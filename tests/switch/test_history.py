"""What the default was: kept, bounded, and enough to take a switch back."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from gvmpy.switch import history
from gvmpy.switch.default import Choice
from gvmpy.switch.history import KEPT, Record
from gvmpy.version import GoVersion
from tests.cli.ordinary import ordinary
from tests.support.switching import LOG, NEW, OLD, log_of, put_hook
from tests.switch.test_transaction import default_of, history_of, start_with, told

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

ONE, TWO = (Choice.version(GoVersion.parse(text)) for text in (OLD, NEW))


def file_of(person: User) -> Path:
    return person.root / "state" / "history.jsonl"


def record(number: int) -> Record:
    return Record(f"{number:016x}", "2026-01-01T00:00:00Z", ONE, TWO, "use", "done")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "root")
    home.prepare()
    return home


class TestFile:
    @pytest.mark.parametrize("torn", [b"{", b'{"switch": "00', b"\xff\0", b"null", b"[]", b'{"hooks": 7}'])
    def test_a_torn_last_line(self, home: Home, torn: bytes) -> None:
        history.append(home, record(1))
        file = home.state / "history.jsonl"
        file.write_bytes(file.read_bytes() + torn)
        assert history.read(home) == [record(1)]
        history.append(home, record(2))
        assert history.read(home) == [record(1), record(2)]

    def test_any_line_cut_anywhere(self, home: Home) -> None:
        history.append(home, record(1))
        file = home.state / "history.jsonl"
        line = file.read_bytes()
        for end in range(len(line)):
            file.write_bytes(line + line[:end])
            assert history.read(home) in ([record(1)], [record(1)] * 2)

    def test_it_is_bounded(self, home: Home) -> None:
        for number in range(2 * KEPT + 1):
            history.append(home, record(number))
        kept = history.read(home)
        assert [one.switch for one in kept] == [
            record(number).switch for number in range(KEPT + 1, 2 * KEPT + 1)
        ]
        assert os.listdir(home.state) == ["history.jsonl"]

    def test_one_switch_is_told_once(self, home: Home) -> None:
        for number in (1, 2, 1, 2):
            history.append(home, record(number))
        assert history.read(home) == [record(1), record(2)]

    def test_it_is_private(self, person: User) -> None:
        subprocess.run(
            ["sh", "-c", 'umask 0; exec "$@"', "sh", *person.command("use", OLD, "-d")],
            env=person.env,
            check=True,
            capture_output=True,
        )
        assert file_of(person).stat().st_mode & 0o7777 == 0o600


class TestHistory:
    def test_table(self, person: User) -> None:
        nothing = person.run("history")
        assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "no switch yet\n")
        for version in (OLD, NEW, OLD):
            start_with(person, version)
        header, newest, second = person.run("history", "-n", "2").stdout.splitlines()
        assert header.split() == ["TIME", "FROM", "TO", "BY", "OUTCOME", "HOOKS"]
        assert newest.split()[1:5] == [NEW, OLD, "use", "done"]
        assert second.split()[1:5] == [OLD, NEW, "use", "done"]
        assert person.run("history", "-n", "0").returncode == 2

    def test_an_uninstall_is_told(self, person: User) -> None:
        start_with(person, NEW)
        assert person.run("uninstall", "--force", "--yes", NEW).returncode == 0
        assert told(history_of(person)[0]) == (NEW, None, "uninstall", "done")

    def test_on_a_read_only_home(self, person: User) -> None:
        start_with(person, OLD)
        for directory in (person.root, person.root / "state", person.root / "links", person.root / "locks"):
            directory.chmod(0o500)
        for command, code in (["history"], 0), (["hooks", "list"], 0), (["use", NEW, "-d"], 6), (["undo"], 6):
            result = subprocess.run(
                ordinary(person.command(*command)),
                env=person.env,
                cwd=person.home,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert result.returncode == code, (command, result.stderr)
            assert "Traceback" not in result.stderr
        assert default_of(person) == OLD

    def test_a_disk_that_takes_nothing(self, person: User) -> None:
        """Without a journal nothing begins."""
        start_with(person, OLD)
        put_hook(person.root, "pre-switch", "10-a", LOG)
        result = subprocess.run(
            ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *person.command("use", NEW, "-d")],
            env=person.env,
            cwd=person.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (result.returncode, default_of(person), log_of(person.root)) == (6, OLD, [])
        assert "journal.json`: File too large" in result.stderr
        assert person.run("use", NEW, "-d").returncode == 0


class TestUndo:
    def test_nothing_to_undo(self, person: User) -> None:
        result = person.run("undo")
        assert result.returncode == 2
        assert result.stderr == "error: there is no switch to undo\nhint: gvmpy history\n"

    def test_an_undo_is_a_switch(self, person: User) -> None:
        start_with(person, OLD)
        start_with(person, NEW)
        put_hook(person.root, "post-switch", "10-a", LOG)
        for now, before in ((OLD, NEW), (NEW, OLD), (OLD, NEW)):
            result = person.run("undo")
            assert (result.returncode, result.stderr) == (0, "")
            assert result.stdout.startswith(f"the default is now {now} ")
            assert log_of(person.root) == [f"10-a post-switch {before} {now}"]
        assert told(history_of(person)[0]) == (NEW, OLD, "undo", "done")

    def test_switches_that_changed_nothing_do_not_count(self, person: User) -> None:
        start_with(person, OLD)
        start_with(person, NEW)
        start_with(person, NEW)
        put_hook(person.root, "pre-switch", "10-a", "exit 1")
        assert person.run("use", OLD, "-d", GVMPY_HOOK_USER="block").returncode == 1
        assert person.run("undo", GVMPY_HOOK_USER="off").returncode == 0
        assert default_of(person) == OLD

    def test_the_first_one(self, person: User) -> None:
        start_with(person, OLD)
        result = person.run("undo", "--json")
        document = json.loads(result.stdout)
        assert (result.returncode, document["data"]["default"], document["data"]["before"]) == (0, None, OLD)
        assert not os.path.lexists(person.root / "links" / "go")
        assert person.run("undo").stdout.startswith(f"the default is now {OLD} ")

    def test_hooks_can_refuse_it(self, person: User) -> None:
        start_with(person, OLD)
        start_with(person, NEW)
        put_hook(person.root, "post-switch", "10-a", f"{LOG}; exit 1")
        result = person.run("undo", GVMPY_HOOK_USER="block")
        assert (result.returncode, default_of(person)) == (1, NEW)
        assert result.stderr.endswith(f"the default is {NEW} as before\n")
        assert log_of(person.root) == [f"10-a post-switch {NEW} {OLD}", f"10-a roll-back {OLD} {NEW}"]

    def test_the_very_link_comes_back(self, person: User, tmp_path: Path) -> None:
        """A Go outside gvmpy, wherever PATH leads by now."""
        goroot = tmp_path / "go"
        start_with(person, OLD)
        link = person.root / "links" / "go"
        link.unlink()
        link.symlink_to(goroot)
        start_with(person, NEW)
        assert person.run("undo").returncode == 0
        assert os.readlink(link) == str(goroot)

    def test_somebody_else_changed_it(self, person: User) -> None:
        start_with(person, OLD)
        link = person.root / "links" / "go"
        link.unlink()
        link.symlink_to("/opt/go")
        result = person.run("undo")
        assert (result.returncode, os.readlink(link)) == (2, "/opt/go")
        assert f"the default is system, and the last switch in the history made it {OLD}" in result.stderr

    def test_to_a_version_that_is_gone(self, person: User) -> None:
        start_with(person, OLD)
        start_with(person, NEW)
        assert person.run("uninstall", "--yes", OLD).returncode == 0
        result = person.run("undo")
        assert (result.returncode, default_of(person)) == (3, NEW)
        assert result.stderr.endswith(f"hint: gvmpy install {OLD}\n")
