"""A switch with its hooks: it holds wholly, or everything is as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy import locks
from gvmpy.errors import HostError
from gvmpy.home import Home
from gvmpy.signals import Signals
from gvmpy.switch import journal
from gvmpy.switch.default import Choice
from gvmpy.switch.history import Record
from gvmpy.switch.journal import Journal, Phase
from gvmpy.switch.transaction import Switcher
from gvmpy.version import GoVersion
from tests.cli.snapshot import snapshot
from tests.install.test_crash import until
from tests.support.switching import LOG, NEW, OLD, log_of, put_hook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import User


def default_of(person: User) -> str | None:
    link = person.root / "links" / "go"
    return os.readlink(link).removeprefix("../versions/go") if link.is_symlink() else None


def history_of(person: User) -> list[dict[str, Any]]:
    """Return the switches, the newest first."""
    answer = person.run("history", "--json")
    assert answer.returncode == 0, answer.stderr
    switches: list[dict[str, Any]] = json.loads(answer.stdout)["data"]["switches"]
    return switches


def told(switch: dict[str, Any]) -> tuple[str | None, str | None, str, str]:
    return switch["from"], switch["to"], switch["by"], switch["outcome"]


def start_with(person: User, version: str) -> None:
    result = person.run("use", version, "--default")
    assert result.returncode == 0, result.stderr
    log_of(person.root)


class TestOrder:
    def test_before_and_after_the_flip(self, person: User) -> None:
        look = f'{LOG}; readlink links/go >>log; [ "$PWD" = "$GVMPY_ROOT" ] || exit 9'
        put_hook(person.root, "pre-switch", "20-b", look)
        put_hook(person.root, "pre-switch", "10-a", look)
        put_hook(person.root, "post-switch", "10-c", f"{look}; shims/go version >>log")
        start_with(person, OLD)
        result = person.run("use", NEW, "-d", GVMPY_VERSION=OLD)
        assert result.returncode == 0, result.stderr
        assert log_of(person.root) == [
            f"10-a pre-switch {OLD} {NEW}",
            f"../versions/go{OLD}",
            f"20-b pre-switch {OLD} {NEW}",
            f"../versions/go{OLD}",
            f"10-c post-switch {OLD} {NEW}",
            f"../versions/go{NEW}",
            f"go version go{NEW}",  # whatever the shell that asked has chosen
        ]

    def test_what_it_is_told_of(self, person: User) -> None:
        put_hook(person.root, "post-switch", "10-c", 'echo "$GVMPY_SCOPE ${GVMPY_VERSION-unset}"; cat')
        start_with(person, OLD)
        document = json.loads(person.run("use", NEW, "-d", "--json").stdout)
        assert document["data"]["default"] == NEW
        assert document["data"]["outcome"] == "done"
        *bundled, mine = document["data"]["hooks"]
        assert [hook["name"] for hook in bundled] == ["settings", "secrets", "goland", "compliance"]
        assert {hook["status"] for hook in bundled[1:]} == {"skipped"}
        assert mine == {
            "name": "10-c",
            "stage": "post-switch",
            "status": "ok",
            "messages": [],
            "output": [f"default {NEW}"],
        }
        [newest, first] = history_of(person)
        assert told(newest) == (OLD, NEW, "use", "done")
        assert newest["hooks"][-1] == {"name": "10-c", "stage": "post-switch", "status": "ok", "message": ""}
        assert told(first) == (None, OLD, "use", "done")


class TestFailures:
    @pytest.mark.parametrize("stage", ["pre-switch", "post-switch"])
    def test_warn_goes_on(self, person: User, stage: str) -> None:
        put_hook(person.root, stage, "10-a", "exit 3")
        put_hook(person.root, stage, "20-b", LOG)
        result = person.run("use", NEW, "-d")
        assert (result.returncode, default_of(person)) == (0, NEW)
        assert result.stderr == f"warning: hook `10-a` at {stage}: it ended with 3\n"
        assert log_of(person.root) == [f"20-b {stage} none {NEW}"]

    def test_off_runs_nothing(self, person: User) -> None:
        put_hook(person.root, "post-switch", "10-a", LOG)
        result = person.run("use", NEW, "-d", GVMPY_HOOK_USER="off")
        assert (result.returncode, result.stderr, log_of(person.root)) == (0, "", [])

    def test_a_blocking_check_changes_nothing(self, person: User) -> None:
        start_with(person, OLD)
        put_hook(person.root, "pre-switch", "10-a", "kill -TERM $$")
        put_hook(person.root, "pre-switch", "20-b", LOG)
        put_hook(person.root, "post-switch", "30-c", LOG)
        before = snapshot(person.root / "links")
        result = person.run("use", NEW, "-d", GVMPY_HOOK_USER="block")
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == (
            f"failed: hook `10-a` at pre-switch: it was ended by SIGTERM\nthe default is {OLD} as before\n"
        )
        assert snapshot(person.root / "links") == before
        assert log_of(person.root) == []
        assert told(history_of(person)[0]) == (OLD, NEW, "use", "refused")

    def test_a_blocking_failure_puts_everything_back(self, person: User) -> None:
        """The hooks that had begun are run anew for the old default; the one that never ran is not."""
        start_with(person, OLD)
        put_hook(person.root, "post-switch", "10-a", LOG)
        put_hook(person.root, "post-switch", "20-b", f'{LOG}; [ "$GVMPY_TO" != {NEW} ]')
        put_hook(person.root, "post-switch", "30-c", LOG)
        result = person.run("use", NEW, "-d", "--json", GVMPY_HOOK_USER="block")
        document = json.loads(result.stdout)
        assert (result.returncode, result.stderr, document["status"]) == (1, "", "no")
        assert document["data"]["default"] == default_of(person) == OLD
        assert document["data"]["outcome"] == "rolled-back"
        assert log_of(person.root) == [
            f"10-a post-switch {OLD} {NEW}",
            f"20-b post-switch {OLD} {NEW}",
            f"10-a roll-back {NEW} {OLD}",
            f"20-b roll-back {NEW} {OLD}",
        ]
        assert told(history_of(person)[0]) == (OLD, NEW, "use", "rolled-back")
        assert sorted(os.listdir(person.root / "state")) == ["history.jsonl"]

    def test_back_to_no_default_at_all(self, person: User) -> None:
        put_hook(person.root, "post-switch", "10-a", f"{LOG}; exit 1")
        result = person.run("use", NEW, "-d", GVMPY_HOOK_USER="block")
        assert (result.returncode, default_of(person)) == (1, None)
        assert result.stderr.endswith("\nthere is no default, as before\n")
        assert log_of(person.root) == [f"10-a post-switch none {NEW}", f"10-a roll-back {NEW} none"]

    def test_a_link_that_cannot_be_replaced(self, person: User) -> None:
        (person.root / "links" / "go").mkdir(parents=True)
        result = person.run("use", NEW, "-d")
        assert result.returncode == 6
        assert "cannot replace" in result.stderr
        assert not (person.root / "state" / "journal.json").exists()


class TestInterruption:
    @pytest.mark.parametrize(
        ("number", "code"),
        [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)],
    )
    def test_in_the_middle_of_a_hook(self, person: User, number: int, code: int) -> None:
        start_with(person, OLD)
        waits = f'{LOG}; [ "$GVMPY_STAGE" = roll-back ] || {{ sleep 300 & wait; }}'
        put_hook(person.root, "post-switch", "10-a", waits)
        process = person.start("use", NEW, "-d")
        until(lambda: has_logged(person), process)
        os.kill(process.pid, number)
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stdout) == (code, "")
        assert f"the default is {OLD} as before\n" in stderr
        assert "Traceback" not in stderr
        assert default_of(person) == OLD
        assert log_of(person.root) == [f"10-a post-switch {OLD} {NEW}", f"10-a roll-back {NEW} {OLD}"]
        newest = history_of(person)[0]
        assert told(newest) == (OLD, NEW, "use", "interrupted")
        assert nobody_works_for(newest["switch"])

    def test_again_while_it_is_put_back(self, person: User) -> None:
        """The second Ctrl-C ends the hook that hangs, and the link is back all the same."""
        start_with(person, OLD)
        put_hook(person.root, "post-switch", "10-a", f"{LOG}; trap '' TERM; sleep 300")
        process = person.start("use", NEW, "-d")
        for stage in ("post-switch", "roll-back"):
            until(lambda: has_logged(person) and stage in (person.root / "log").read_text(), process)  # noqa: B023 - called at once
            os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert (process.returncode, default_of(person)) == (130, OLD)
        assert nobody_works_for(history_of(person)[0]["switch"])

    def test_in_the_middle_of_a_check(self, person: User) -> None:
        put_hook(person.root, "pre-switch", "10-a", f"{LOG}; sleep 300")
        put_hook(person.root, "post-switch", "10-b", LOG)
        process = person.start("use", NEW, "-d")
        until(lambda: has_logged(person), process)
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert (process.returncode, default_of(person)) == (130, None)
        assert log_of(person.root) == [f"10-a pre-switch none {NEW}"]

    def test_what_nohup_keeps_out_stays_out(self, person: User) -> None:
        put_hook(person.root, "pre-switch", "10-a", f"{LOG}; until [ -e go ]; do sleep 0.05; done")
        process = subprocess.Popen(
            ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *person.command("use", NEW, "-d")],
            env=person.env,
            cwd=person.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: has_logged(person), process)
        os.kill(process.pid, signal.SIGHUP)
        (person.root / "go").touch()
        process.communicate(timeout=60)
        assert (process.returncode, default_of(person)) == (0, NEW)


def has_logged(person: User) -> bool:
    """Whether a hook has said a line; the file is there a moment before."""
    path = person.root / "log"
    return path.exists() and path.stat().st_size > 0


def nobody_works_for(switch: str) -> bool:
    mark = f"GVMPY_SWITCH={switch}".encode()
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/environ", "rb") as stream:
                if mark in stream.read().split(b"\0"):
                    return False
        except OSError:
            continue
    return True


# Runs gvmpy itself, with one function on the way replaced by one that kills the process.
KILLED_AT = """
import os, signal, sys
import gvmpy.files as files, gvmpy.switch.transaction as transaction

def instead(module, name, nth=1, after=False):
    real, calls = getattr(module, name), []
    def function(*arguments, **named):
        calls.append(1)
        result = real(*arguments, **named) if len(calls) < nth or after else None
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(module, name, function)

point = sys.argv.pop(1)
if point == "journal begun": instead(transaction.journal, "write", after=True)
elif point == "before the flip": instead(transaction, "put")
elif point == "after the flip": instead(transaction, "put", after=True)
elif point == "before done": instead(transaction.journal, "write", nth=3)
elif point == "before the history": instead(transaction.history, "append")
elif point == "after the history": instead(transaction.history, "append", after=True)
elif point == "journal closed": instead(transaction.journal, "clear", after=True)
elif point == "temporary": instead(files.os, "replace", nth=int(os.environ["NTH"]))
from gvmpy.entry import main
raise SystemExit(main())
"""


class TestCrash:
    @pytest.mark.parametrize(
        ("point", "holds"),
        [
            ("journal begun", OLD),
            ("before the flip", OLD),
            ("after the flip", OLD),
            ("before done", OLD),
            ("before the history", NEW),
            ("after the history", NEW),
            ("journal closed", NEW),
        ],
    )
    def test_killed_in_each_step(self, person: User, point: str, holds: str) -> None:
        start_with(person, OLD)
        put_hook(person.root, "post-switch", "10-a", LOG)
        process = subprocess.run(
            [sys.executable, "-c", KILLED_AT, point, "use", NEW, "-d"],
            env=person.env,
            cwd=person.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert process.returncode == -signal.SIGKILL, process.stderr
        link = default_of(person)
        assert link in {OLD, NEW}
        log_of(person.root)
        readers_change_nothing(person, str(link))
        a_retry_puts_it_right(person, holds, applied=point not in {"journal begun", "journal closed"})

    @pytest.mark.parametrize(
        ("stage", "shown"), [("pre-switch", OLD), ("post-switch", NEW), ("roll-back", OLD)]
    )
    def test_killed_while_a_hook_runs(self, person: User, stage: str, shown: str) -> None:
        """The orphan does not go on working for a switch that is put back."""
        start_with(person, OLD)
        directory = "pre-switch" if stage == "pre-switch" else "post-switch"
        fail = f"[ $GVMPY_STAGE = {stage} ] || exit 1"
        once = f"rm $0; kill -9 $PPID; sleep 300 & wait; {LOG}"
        hook = put_hook(person.root, directory, "10-a", f"{fail}; {once}")
        result = person.run("use", NEW, "-d", GVMPY_HOOK_USER="block")
        assert result.returncode == -signal.SIGKILL, result.stderr
        assert not hook.exists()
        assert default_of(person) == shown
        cut_short = json.loads(person.run("history", "--json").stdout)["data"]["pending"]["switch"]
        assert not nobody_works_for(cut_short)
        readers_change_nothing(person, shown)
        put_hook(person.root, "post-switch", "10-a", LOG)
        a_retry_puts_it_right(person, OLD, applied=stage != "pre-switch")
        assert nobody_works_for(cut_short)

    def test_an_uninstall_puts_it_right_first(self, person: User) -> None:
        """What comes back must not be removed for not being the default now."""
        start_with(person, OLD)
        put_hook(person.root, "post-switch", "10-a", "kill -9 $PPID")
        assert person.run("use", NEW, "-d").returncode == -signal.SIGKILL
        put_hook(person.root, "post-switch", "10-a", f"{LOG}; exit 1")
        result = person.run("uninstall", "--yes", OLD)
        assert result.returncode == 2
        assert result.stderr.startswith(f"note: a switch to {NEW} was cut short at ")
        assert f"the default is {OLD} as before\nwarning: hook `10-a` at roll-back: it ended" in result.stderr
        assert f"error: go{OLD} is the default\n" in result.stderr
        assert default_of(person) == OLD
        assert log_of(person.root) == [f"10-a roll-back {NEW} {OLD}"]
        assert person.run("uninstall", "--yes", NEW).returncode == 0

    def test_the_one_before_is_meant_as_things_will_be(self, person: User) -> None:
        """`-` is looked up after the crashed switch was put back, not before."""
        start_with(person, NEW)
        start_with(person, OLD)
        put_hook(person.root, "post-switch", "10-a", "kill -9 $PPID")
        assert person.run("use", NEW, "-d").returncode == -signal.SIGKILL
        put_hook(person.root, "post-switch", "10-a", LOG)
        assert person.run("use", "-", "-d").stdout.startswith(f"the default is now {NEW} ")
        assert log_of(person.root) == [f"10-a roll-back {NEW} {OLD}", f"10-a post-switch {OLD} {NEW}"]

    def test_ctrl_c_while_it_is_put_right(self, person: User) -> None:
        """Then the switch that was asked for does not begin."""
        start_with(person, OLD)
        put_hook(person.root, "post-switch", "10-a", "kill -9 $PPID")
        assert person.run("use", NEW, "-d").returncode == -signal.SIGKILL
        put_hook(person.root, "post-switch", "10-a", f"{LOG}; sleep 300")
        process = person.start("use", NEW, "-d")
        until(lambda: has_logged(person), process)
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert (process.returncode, default_of(person)) == (130, OLD)
        assert log_of(person.root) == [f"10-a roll-back {NEW} {OLD}"]
        assert [told(switch)[3] for switch in history_of(person)] == ["interrupted", "done"]
        assert os.listdir(person.root / "state") == ["history.jsonl"]

    @pytest.mark.parametrize("nth", [1, 2, 3, 4])
    def test_killed_with_a_file_not_yet_in_place(self, person: User, nth: int) -> None:
        start_with(person, OLD)
        process = subprocess.run(
            [sys.executable, "-c", KILLED_AT, "temporary", "use", NEW, "-d"],
            env=person.env | {"NTH": str(nth)},
            cwd=person.home,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert process.returncode == -signal.SIGKILL, process.stderr
        assert person.run("use", NEW, "-d").returncode == 0
        assert default_of(person) == NEW
        assert os.listdir(person.root / "state") == ["history.jsonl"]
        assert os.listdir(person.root / "links") == ["go"]

    def test_an_illegible_journal_is_told_and_dropped(self, person: User) -> None:
        start_with(person, OLD)
        (person.root / "state" / "journal.json").write_bytes(b'{"schema": 1, "phase": "app\xff')
        assert person.run("history").returncode == 0
        result = person.run("use", NEW, "-d")
        assert result.returncode == 0
        assert "note: the journal of a switch was illegible; the default stays as it is\n" in result.stderr
        assert default_of(person) == NEW


def readers_change_nothing(person: User, shown: str) -> None:
    """What only reads sees the old default or the new one, wholly, and leaves the rest to others."""
    before = snapshot(person.root)
    assert person.run("current").stdout.startswith(f"{shown} (set by the default")
    assert json.loads(person.run("list", "--json").stdout)["data"]["default"] == shown
    assert person.run("history").returncode == 0
    assert person.run("hooks", "list").returncode == 0
    answer = subprocess.check_output([person.root / "shims" / "go"], env=person.env, cwd=person.home)
    assert answer.decode() == f"go version go{shown}\n"
    assert snapshot(person.root) == before


def a_retry_puts_it_right(person: User, holds: str, *, applied: bool) -> None:
    """The next switch starts from `holds`, after the hooks were run for it where they may have begun."""
    other = OLD if holds == NEW else NEW
    result = person.run("use", other, "-d")
    assert result.returncode == 0, result.stderr
    assert default_of(person) == other
    assert ("was cut short" in result.stderr) is (holds == OLD)
    back = [f"10-a roll-back {NEW} {OLD}"] if applied and holds == OLD else []
    assert log_of(person.root) == [*back, f"10-a post-switch {holds} {other}"]
    newest, crashed, first = history_of(person)
    assert told(newest) == (holds, other, "use", "done")
    assert told(crashed) == (OLD, NEW, "use", "interrupted" if holds == OLD else "done")
    assert told(first) == (None, OLD, "use", "done")
    assert sorted(os.listdir(person.root / "state")) == ["history.jsonl"]


class TestWithoutLocks:
    """Some network file systems have none. None can be had here, so the lock alone is a stand-in."""

    @pytest.fixture(autouse=True)
    def _no_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        @contextmanager
        def hold(path: Path, **rest: object) -> Iterator[bool]:
            yield False

        monkeypatch.setattr(locks, "hold", hold)

    def test_a_running_switch_is_none_to_put_right(self, person: User) -> None:
        home = Home(person.root)
        home.prepare()
        one, two = (Choice.version(GoVersion.parse(text)) for text in (OLD, NEW))
        switcher = Switcher(home, (), Signals(), lock_timeout=5)
        switcher.switch(one)
        record = Record("0123", "2026-01-01T00:00:00Z", one, two, "use", "done")
        with subprocess.Popen(["sleep", "300"]) as process:
            journal.write(home, Journal(Phase.APPLYING, process.pid, record))
            with pytest.raises(HostError, match=f"another gvmpy, process {process.pid}, is changing"):
                switcher.switch(two)
            process.kill()
        outcome = switcher.switch(two)
        assert outcome.notes[0].startswith(f"note: a switch to {NEW} was cut short")
        assert default_of(person) == NEW


class TestTwoAtOnce:
    def test_one_waits_for_the_other(self, person: User) -> None:
        put_hook(person.root, "pre-switch", "10-a", f"{LOG}; until [ -e go ]; do sleep 0.05; done")
        put_hook(person.root, "post-switch", "10-b", LOG)
        first = person.start("use", OLD, "-d")
        until(lambda: has_logged(person), first)
        second = person.start("use", NEW, "-d")
        impatient = person.run("use", NEW, "-d", GVMPY_LOCK_TIMEOUT="0.2")
        assert impatient.returncode == 6
        assert "another gvmpy has held" in impatient.stderr
        assert json.loads(person.run("history", "--json").stdout)["data"]["pending"]["to"] == OLD
        assert "is under way" in person.run("history").stderr
        third = person.start("use", NEW, "-d")
        assert third.stderr is not None
        assert third.stderr.readline() == "waiting for another switch to end\n"
        os.kill(third.pid, signal.SIGINT)
        assert third.communicate(timeout=60)[1].endswith("interrupted\n")
        assert third.returncode == 130
        (person.root / "go").touch()
        for process, said in ((first, ""), (second, "waiting for another switch to end\n")):
            _, stderr = process.communicate(timeout=60)
            assert (process.returncode, stderr) == (0, said)
        assert log_of(person.root) == [
            f"10-a pre-switch none {OLD}",
            f"10-b post-switch none {OLD}",
            f"10-a pre-switch {OLD} {NEW}",
            f"10-b post-switch {OLD} {NEW}",
        ]
        assert [told(switch) for switch in history_of(person)] == [
            (OLD, NEW, "use", "done"),
            (None, OLD, "use", "done"),
        ]

    @pytest.mark.parametrize(
        "command",
        [f"use {OLD} -d", f"use {OLD}", "use --unset", "undo", f"uninstall -y {OLD}", "hooks run settings"],
    )
    def test_a_hook_does_not_wait_for_itself(self, person: User, command: str) -> None:
        call = " ".join(f"'{word}'" for word in person.command())
        put_hook(person.root, "post-switch", "10-a", f"GVMPY_SHELL_FUNCTION=1 {call} {command}")
        result = person.run("use", NEW, "-d")
        assert (result.returncode, default_of(person)) == (0, NEW)
        name = " ".join(command.split()[: 2 if command.startswith("hooks") else 1])
        assert f"10-a: error: the hook `10-a` may not call `gvmpy {name}`" in result.stderr
        assert "warning: hook `10-a` at post-switch: it ended with 2\n" in result.stderr
