"""The user's own programs: what is run, what is not, and how far one can go."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.install.test_crash import until
from tests.support.mounts import NOBODY
from tests.support.switching import LOG, NEW, OLD, log_of, put_hook
from tests.switch.test_transaction import default_of, has_logged, nobody_works_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

STAGE = "post-switch"


def listed(person: User, name: str) -> dict[str, Any]:
    answer = person.run("hooks", "list", "--json")
    assert answer.returncode == 0, answer.stderr
    [found] = [hook for hook in json.loads(answer.stdout)["data"]["hooks"] if hook["name"] == name]
    return dict(found)


def is_refused(person: User, reason: str) -> None:
    """10-a is not run, that is told, and where hooks block it blocks."""
    found = listed(person, "10-a")
    assert found["state"] == "refused"
    assert reason in found["reason"]
    result = person.run("use", NEW, "-d", GVMPY_HOOK_USER="block")
    assert (result.returncode, default_of(person)) == (1, None)
    assert result.stderr.startswith("failed: hook `10-a` at post-switch: it was not run, as ")
    assert reason in result.stderr
    result = person.run("use", NEW, "-d")
    assert (result.returncode, default_of(person)) == (0, NEW)
    assert result.stderr.startswith("warning: hook `10-a` at post-switch: it was not run, as ")
    assert log_of(person.root) == []


class TestOthersCanWrite:
    @pytest.mark.parametrize(
        ("what", "mode"),
        [
            ("hooks/post-switch.d/10-a", 0o775),
            ("hooks/post-switch.d/10-a", 0o757),
            ("hooks/post-switch.d", 0o775),
            ("hooks/post-switch.d", 0o1777),
            ("hooks", 0o757),
            (".", 0o770),
            ("..", 0o777),
        ],
    )
    def test_by_mode(self, person: User, what: str, mode: int) -> None:
        put_hook(person.root, STAGE, "10-a", LOG)
        path = (person.root / what).resolve()
        path.chmod(mode)
        is_refused(person, f"others can write to `{path}`")

    @pytest.mark.parametrize("what", ["hooks/post-switch.d/10-a", "hooks/post-switch.d", "hooks"])
    def test_by_owner(self, person: User, what: str) -> None:
        """Root gives it away; for anybody else, in a user namespace of their own, root is a stranger."""
        put_hook(person.root, STAGE, "10-a", LOG)
        owner = str(NOBODY)
        command = person.command("use", NEW, "-d", "--json")
        if os.geteuid() == 0:
            os.chown(person.root / what, NOBODY, -1)
        else:
            command = ["unshare", "--user", f"--map-user={os.geteuid()}", *command]
        result = subprocess.run(
            command, env=person.env, cwd=person.home, capture_output=True, text=True, check=False, timeout=60
        )
        assert result.returncode == 0, result.stderr
        hook = json.loads(result.stdout)["data"]["hooks"][-1]
        assert (hook["name"], hook["status"]) == ("10-a", "warned")
        assert f"belongs to user {owner}" in hook["messages"][0]
        assert log_of(person.root) == []

    def test_a_sticky_directory_above_is_no_danger(self, person: User, fast_path: Path) -> None:
        shared = fast_path / "shared"
        shared.mkdir()
        shared.chmod(0o1777)
        program = put_hook(shared, STAGE, "real", LOG)
        put_hook(person.root, STAGE, "20-b", LOG)
        (person.root / "hooks" / "post-switch.d" / "10-a").symlink_to(program)
        assert person.run("use", NEW, "-d").stderr == ""
        assert [line.split()[0] for line in log_of(person.root)] == ["10-a", "20-b"]

    def test_by_a_link(self, person: User, fast_path: Path) -> None:
        """A link may lead anywhere; each directory on the way counts, also that of a link between."""
        program = put_hook(person.root, "own", "real", LOG)
        open_to_all = fast_path / "open"
        open_to_all.mkdir()
        open_to_all.chmod(0o777)
        (open_to_all / "between").symlink_to(program)
        hook = put_hook(person.root, STAGE, "10-a", "")
        hook.unlink()
        hook.symlink_to(os.path.relpath(program, hook.parent))
        assert person.run("use", OLD, "-d").stderr == ""
        assert log_of(person.root) == [f"10-a {STAGE} none {OLD}"]
        person.run("undo")
        log_of(person.root)
        hook.unlink()
        hook.symlink_to(os.path.relpath(open_to_all / "between", hook.parent))
        is_refused(person, f"others can write to `{open_to_all}`")

    @pytest.mark.parametrize("target", ["10-a", "nowhere"])
    def test_by_a_link_that_leads_nowhere(self, person: User, target: str) -> None:
        hook = put_hook(person.root, STAGE, "10-a", "")
        hook.unlink()
        hook.symlink_to(target)
        is_refused(person, "it cannot be looked at: ")

    def test_it_is_looked_at_when_it_runs(self, person: User) -> None:
        """What an earlier hook has opened to others since the list was made is not run."""
        put_hook(person.root, STAGE, "05-first", 'chmod o+w "$GVMPY_ROOT"/hooks/post-switch.d/10-a')
        put_hook(person.root, STAGE, "10-a", LOG)
        result = person.run("use", NEW, "-d")
        assert "hook `10-a` at post-switch: it was not run, as others can write to" in result.stderr
        assert log_of(person.root) == []


class TestPassedOver:
    @pytest.mark.parametrize("name", [".hidden", "10-a~", "10-a.bak", "#10-a#", "10-a.swp", "x.dpkg-old"])
    def test_leavings(self, person: User, name: str) -> None:
        put_hook(person.root, STAGE, name, LOG)
        assert listed(person, name)["reason"] == "its name is that of a leaving"
        assert person.run("use", NEW, "-d", GVMPY_HOOK_USER="block").returncode == 0
        assert log_of(person.root) == []

    def test_what_is_no_program(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", LOG).chmod(0o644)
        (person.root / "hooks" / "post-switch.d" / "lib").mkdir()
        os.mkfifo(person.root / "hooks" / "post-switch.d" / "pipe", 0o755)
        assert listed(person, "10-a")["reason"] == "it is not executable"
        assert listed(person, "lib")["reason"] == listed(person, "pipe")["reason"] == "it is no file"
        assert person.run("use", NEW, "-d", GVMPY_HOOK_USER="block").returncode == 0
        assert log_of(person.root) == []


class TestCannotRun:
    @pytest.mark.parametrize("text", [b"\x7fELF nonsense", b"no shebang", b"#!/nowhere/at/all\n", b""])
    def test_that_is_told(self, person: User, text: bytes) -> None:
        put_hook(person.root, STAGE, "10-a", "").write_bytes(text)
        result = person.run("use", NEW, "-d")
        assert (result.returncode, default_of(person)) == (0, NEW)
        assert result.stderr.startswith("warning: hook `10-a` at post-switch: the system refused `/")
        assert "Traceback" not in result.stderr

    def test_a_directory_that_cannot_be_read(self, person: User) -> None:
        (person.root / "hooks").mkdir()
        (person.root / "hooks" / "pre-switch.d").write_text("a file")
        result = person.run("use", NEW, "-d")
        assert (result.returncode, default_of(person)) == (6, None)
        assert "error: cannot read `" in result.stderr


class TestOutput:
    def test_line_by_line_with_the_name(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", r"printf 'one\ttwo\r\n\n\033[2Jred\n'; printf 'no newline' >&2")
        result = person.run("use", NEW, "-d")
        assert result.stderr.splitlines() == [
            "10-a: one     two",
            "10-a: ",
            r"10-a: \x1b[2Jred",
            "10-a: no newline",
        ]
        assert result.stdout.startswith("the default is now")

    def test_it_is_shown_while_the_hook_works(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", "echo started; until [ -e go ]; do sleep 0.05; done")
        process = person.start("use", NEW, "-d")
        assert process.stderr is not None
        assert process.stderr.readline() == "10-a: started\n"
        (person.root / "go").touch()
        process.communicate(timeout=60)
        assert process.returncode == 0

    def test_ten_megabytes(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", "head -c 10485760 /dev/zero | tr '\\0' x")
        result = person.run("use", NEW, "-d")
        assert result.returncode == 0
        *lines, last = result.stderr.splitlines()
        assert {line[:7] for line in lines} == {"10-a: x"}
        assert max(map(len, lines)) <= 4096 + 6
        shown = sum(len(line) - 6 for line in lines)
        assert shown < 2 << 20
        assert last == f"10-a: ({10485760 - shown} more bytes of output are not shown)"

    def test_bytes_that_are_no_text(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", "head -c 50000 /dev/urandom; printf '\\000\\377\\302\\233\\n'")
        result = subprocess.run(
            person.command("use", NEW, "-d"),
            env=person.env,
            cwd=person.home,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 0
        text = result.stderr.decode()
        assert all(char.isprintable() or char == "\n" for char in text)
        assert all(line.startswith("10-a: ") for line in text.splitlines())
        assert text.endswith("\\x00\\xff\\x9b\n")

    def test_nobody_listens(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", "echo hello")
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *person.command("use", NEW, "-d")]
        result = subprocess.run(command, env=person.env, cwd=person.home, check=False, timeout=60)
        assert (result.returncode, default_of(person)) == (0, NEW)


class TestTime:
    @pytest.mark.parametrize(
        "script",
        [
            "trap '' TERM; while :; do sleep 1; done",
            "exec >&- 2>&-; sleep 300",
            "exec yes",
            "(trap '' TERM; sleep 300) & sleep 300",
        ],
    )
    def test_one_that_never_ends(self, person: User, script: str) -> None:
        put_hook(person.root, STAGE, "10-a", f"echo $GVMPY_SWITCH >log; {script}")
        result = person.run("use", NEW, "-d", GVMPY_HOOK_TIMEOUT="0.3")
        assert (result.returncode, default_of(person)) == (0, NEW)
        assert "warning: hook `10-a` at post-switch: it did not end within 0.3 s\n" in result.stderr
        [switch] = log_of(person.root)
        assert nobody_works_for(switch)

    def test_one_that_leaves_something_in_the_background(self, person: User) -> None:
        """It holds the pipe, and neither keeps gvmpy waiting nor is ended; all that was printed is shown."""
        put_hook(person.root, STAGE, "10-a", "sleep 300 & echo $! >log; seq 2000")
        result = person.run("use", NEW, "-d", GVMPY_HOOK_TIMEOUT="200")
        assert result.returncode == 0
        assert result.stderr.splitlines() == [f"10-a: {number}" for number in range(1, 2001)]
        [child] = log_of(person.root)
        os.kill(int(child), signal.SIGKILL)


class TestEnvironment:
    def test_what_it_knows(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", "env >log")
        person.run("use", OLD, "-d")
        extra = {"GOROOT": "/x", "GVMPY_SHELL_FUNCTION": "1", "MINE": "a b", "GVMPY_VERSION": OLD}
        person.run("use", NEW, "-d", **extra)
        found = dict(line.split("=", 1) for line in log_of(person.root) if not line.startswith("_="))
        switch = found.pop("GVMPY_SWITCH")
        assert switch == json.loads(person.run("history", "--json").stdout)["data"]["switches"][0]["switch"]
        ours = {name: value for name, value in found.items() if name.startswith("GVMPY_")}
        assert ours == {
            "GVMPY_FROM": OLD,
            "GVMPY_TO": NEW,
            "GVMPY_SCOPE": "default",
            "GVMPY_STAGE": STAGE,
            "GVMPY_ROOT": str(person.root),
            "GVMPY_HOOK": "10-a",
            "GVMPY_VERSION": NEW,
        }
        assert (found["MINE"], found["HOME"]) == ("a b", str(person.home))
        assert "GOROOT" not in found

    def test_no_terminal_can_be_asked(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", "if (: </dev/tty) 2>/dev/null; then echo tty >log; fi")
        # script(1) gives it a terminal, to begin with.
        command = " ".join(["exec", *person.command("use", NEW, "-d")])
        subprocess.run(
            ["script", "-qec", command, "/dev/null"],
            env=person.env,
            cwd=person.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=60,
        )
        assert default_of(person) == NEW
        assert not (person.root / "log").exists()


class TestRun:
    def test_without_a_switch(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", f"{LOG}; exit ${{CODE-0}}")
        person.run("use", OLD, "-d", GVMPY_HOOK_USER="off")
        result = person.run("hooks", "run", "10-a", GVMPY_HOOK_USER="off")
        assert (result.returncode, result.stdout, result.stderr) == (0, "hook `10-a` is done\n", "")
        assert log_of(person.root) == [f"10-a {STAGE} {OLD} {OLD}"]
        result = person.run("hooks", "run", "10-a", CODE="4")
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "failed: hook `10-a` at post-switch: it ended with 4\n"
        document = json.loads(person.run("hooks", "run", "10-a", "--json", CODE="4").stdout)
        assert (document["status"], document["data"]["status"]) == ("no", "failed")
        assert len(json.loads(person.run("history", "--json").stdout)["data"]["switches"]) == 1

    def test_which_one(self, person: User) -> None:
        for stage in ("pre-switch", STAGE):
            put_hook(person.root, stage, "10-a", LOG)
        result = person.run("hooks", "run", "10-a")
        assert result.returncode == 2
        assert result.stderr.endswith("hint: gvmpy hooks run pre-switch/10-a\n")
        assert person.run("hooks", "run", "post-switch/10-a").returncode == 0
        assert log_of(person.root) == [f"10-a {STAGE} none none"]
        result = person.run("hooks", "run", "nonsense")
        assert (result.returncode, result.stderr) == (
            2,
            "error: there is no hook `nonsense`\nhint: gvmpy hooks list\n",
        )

    def test_one_with_nothing_to_do(self, person: User) -> None:
        result = person.run("hooks", "run", "goland")
        assert result.returncode == 0
        assert result.stderr.startswith("hook `goland` has nothing to do: ")

    def test_ctrl_c(self, person: User) -> None:
        put_hook(person.root, STAGE, "10-a", "echo $GVMPY_SWITCH >log; sleep 300")
        process = person.start("hooks", "run", "10-a")
        until(lambda: has_logged(person), process)
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        [switch] = log_of(person.root)
        assert nobody_works_for(switch)


def test_list(person: User) -> None:
    put_hook(person.root, "pre-switch", "10-check", "")
    put_hook(person.root, STAGE, "20-tell", "").chmod(0o775)
    answer = person.run("hooks", "list", GVMPY_HOOK_GOLAND="off", GVMPY_HOOK_USER="block")
    assert (answer.returncode, answer.stderr) == (0, "")
    header, first, *bundled, last = answer.stdout.splitlines()
    assert header.split() == ["HOOK", "STAGE", "KIND", "ON", "FAILURE", "STATE"]
    assert first.split() == ["10-check", "pre-switch", "user", "block", "ready"]
    assert [line.split()[0] for line in bundled] == ["settings", "secrets", "goland", "compliance"]
    assert bundled[2].split() == ["goland", STAGE, "bundled", "off", "off"]
    assert last.split()[:5] == ["20-tell", STAGE, "user", "block", "refused:"]
