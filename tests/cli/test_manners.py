"""What holds for every command: its output, its errors, and what it leaves alone."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD
from tests.cli.ordinary import ordinary
from tests.cli.snapshot import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site

ENVELOPE = ["schema", "command", "status", "exit_code", "data", "errors"]
COMMANDS = [
    *("install", "uninstall", "use", "list", "current", "which", "exec", "verify", "config", "init"),
    *("completion", "undo", "history", "hooks", "profile", "sbom", "lock", "bundle", "alias", "repair"),
]
READERS = [
    *(
        ["list"],
        ["list", "--json"],
        ["current"],
        ["current", "--json"],
        ["which"],
        ["which", "gofmt", "--json"],
    ),
    *(
        ["list", "^1.21"],
        ["verify", OLD],
        ["repair", "--dry-run", OLD],
        ["--help"],
        ["init"],
        ["init", "-"],
        ["exec", "1.21", "true"],
        ["use", "1.21"],
    ),
    *(["history"], ["history", "--json"], ["hooks", "list"], ["hooks", "list", "--json"]),
    *(["profile", "list"], ["profile", "show", "cn", "--json"]),
]


class TestUsage:
    def test_unknown_command(self, user: User) -> None:
        result = user.run("lsit")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("error: no such command 'lsit'")
        assert result.stderr.endswith("\nhint: gvmpy --help\n")

    def test_help_names_every_command(self, user: User) -> None:
        for arguments in (["--help"], ["-h"]):
            result = user.run(*arguments)
            assert (result.returncode, result.stderr) == (0, "")
            assert [name for name in COMMANDS if f"\n  {name} " not in result.stdout] == []

    @pytest.mark.parametrize("command", COMMANDS)
    def test_help_of_each(self, user: User, command: str) -> None:
        result = user.run(command, "--help")
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith(f"Usage: gvmpy {command} ")
        assert list(user.home.iterdir()) == []

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--json", "lsit"],
            ["lsit", "--json"],
            ["list", "--nonsense", "--json"],
            ["install", "--json"],
            ["uninstall", "--json"],
            ["install", "1..2", "--json"],
            ["which", "--json", "vet"],
        ],
    )
    def test_a_usage_error_is_json_too(self, user: User, arguments: list[str]) -> None:
        result = user.run(*arguments)
        document = json.loads(result.stdout)
        assert result.stderr == ""
        assert list(document) == ENVELOPE
        assert result.returncode == document["exit_code"] == 2
        assert (document["status"], document["data"]) == ("error", None)
        [error] = document["errors"]
        assert list(error) == ["kind", "message", "details", "hint"]
        assert error["kind"] == "usage"

    @pytest.mark.parametrize(
        "text", ["\x1b[2J", "1.22\n", "../../etc", "$(touch x)", "", "1.22.3.4", "9" * 5000, "caf\udce9"]
    )
    @pytest.mark.parametrize("command", ["install", "uninstall", "verify", "repair", "list", "exec", "use"])
    def test_hostile_requests(self, user: User, command: str, text: str) -> None:
        result = subprocess.run(
            user.command(command, text, *(["true"] if command == "exec" else [])),
            env=user.env,
            cwd=user.home,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 2
        assert result.stdout == b""
        assert b"Traceback" not in result.stderr
        assert b"\x1b" not in result.stderr
        assert len(result.stderr) < 1000
        assert list(user.home.iterdir()) == []

    def test_a_bad_setting_is_the_users_mistake(self, user: User) -> None:
        config = user.home / "config.toml"
        config.write_text("[sources]\nordre = []\n")
        result = user.run("install", "1.22.3", GVMPY_CONFIG=str(config))
        assert result.returncode == 2
        assert result.stderr.startswith(
            f"error: unknown key `sources.ordre` in `{config}` line 2\nhint: did you mean"
        )


class TestOutput:
    def test_broken_pipe(self, person: User) -> None:
        for arguments in (
            ["list"],
            ["list", "--json"],
            ["--help"],
            ["install", "--help"],
            ["current"],
            ["which"],
        ):
            script = '"$@" | true; exit "${PIPESTATUS[0]}"'
            command = ["bash", "-c", script, "bash", *person.command(*arguments)]
            env = person.env | {"GVMPY_VERSION": OLD}
            result = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
            assert result.returncode in {0, 141}, arguments
            assert result.stderr == "", arguments

    @pytest.mark.parametrize(
        ("redirection", "code"), [(">/dev/full", 6), (">&-", 6), ("2>&-", 0), ("<&-", 0)]
    )
    @pytest.mark.parametrize("arguments", [["list"], ["which"], ["list", "--json"]])
    def test_closed_or_full(self, person: User, redirection: str, code: int, arguments: list[str]) -> None:
        result = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirection}', "sh", *person.command(*arguments)],
            env=person.env | {"GVMPY_VERSION": OLD},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
        assert "Exception ignored" not in result.stderr

    def test_an_error_without_stderr_stays_off_stdout(self, person: User) -> None:
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *person.command("verify", "1.99")]
        result = subprocess.run(
            command, env=person.env, capture_output=True, text=True, check=False, timeout=60
        )
        assert (result.returncode, result.stdout) == (3, "")

    @pytest.mark.parametrize(
        ("variable", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
    )
    def test_colour(self, person: User, variable: dict[str, str], coloured: bool) -> None:
        env = {name: value for name, value in person.env.items() if name != "NO_COLOR"}
        shown = on_a_terminal(person, env | {"TERM": "xterm"} | variable, "verify", "1.99")
        assert (b"\x1b[31merror:\x1b[0m no installed Go" in shown) is coloured
        assert (b"\x1b" in shown) is coloured
        assert b"error:" in shown


def on_a_terminal(person: User, env: dict[str, str], *arguments: str) -> bytes:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(person.command()[0], person.command(*arguments), env)  # noqa: S606 - no shell is the point
    shown = b""
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # what Linux says when the last one has closed the other end
            break
        if not data:
            break
        shown += data
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown


class TestReadsNeverWrite:
    @pytest.mark.parametrize("arguments", READERS)
    def test_nothing_changes(self, person: User, arguments: list[str]) -> None:
        before = snapshot(person.root, person.home)
        result = person.run(*arguments, GVMPY_VERSION=OLD)
        assert result.returncode == (2 if arguments[0] == "use" else 0), result.stderr
        assert snapshot(person.root, person.home) == before

    @pytest.mark.parametrize(
        "arguments", [["list"], ["current"], ["which"], ["verify"], ["list", "--remote"]]
    )
    def test_on_a_file_system_that_takes_nothing(
        self, owner: User, official: Site, arguments: list[str]
    ) -> None:
        subprocess.run(["chmod", "-R", "a-w", str(owner.home)], check=True)
        result = subprocess.run(
            ordinary(owner.command(*arguments)),
            env=owner.env | {"GVMPY_VERSION": OLD},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        # The files are shared with other tests.
        subprocess.run(["chmod", "-R", "u+w", str(owner.home)], check=True)
        assert result.stderr == ("note: listed by official\n" if "--remote" in arguments else "")
        assert result.returncode == 0

    def test_a_writing_command_says_what_is_in_the_way(self, owner: User) -> None:
        owner.home.chmod(0o555)
        owner.root.chmod(0o555)
        result = subprocess.run(
            ordinary(owner.command("use", OLD, "--default")),
            env=owner.env,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 6
        assert result.stderr == (
            f"error: cannot write below `{owner.root}`: Permission denied\n"
            "hint: set GVMPY_ROOT to a directory you may write to\n"
        )


class TestSomebodyElsesHome:
    def test_root_does_not_write_there(self, user: User) -> None:
        """`sudo gvmpy` must not leave files the user cannot change; for others it is a matter of modes."""
        if os.geteuid() == 0:
            os.chown(user.home, 65534, 65534)
            expected = f"error: running as root, but `{user.home}` belongs to user 65534\n"
        else:
            user.home.chmod(0o555)
            expected = f"error: cannot write below `{user.root}`: Permission denied\n"
        for arguments in (["install", "1.22.3"], ["use", "system", "--default"]):
            result = user.run(
                *arguments,
                PATH=os.environ["PATH"],
                GVMPY_OFFLINE="1",
                GVMPY_CACHE=f"{user.home.parent}/cache",
            )
            assert result.returncode in {6, 127}, result.stderr
            if result.returncode == 6:
                assert result.stderr.startswith(expected)
            assert list(user.home.iterdir()) == []
        installing = user.run("install", "1.22.3", GVMPY_OFFLINE="1")
        assert (installing.returncode, installing.stdout) == (6, "")
        assert installing.stderr.startswith(expected)

    def test_looking_is_allowed(self, owner: User) -> None:
        if os.geteuid() == 0:
            subprocess.run(["chown", "-h", "65534:65534", str(owner.home), str(owner.root)], check=True)
        assert owner.run("list").stdout.split()[4:5] == [OLD]


class TestPoorEnvironments:
    @pytest.mark.parametrize("arguments", READERS)
    def test_no_home(self, person: User, arguments: list[str], shared_root: Path) -> None:
        env = {"GVMPY_ROOT": str(shared_root), "GVMPY_VERSION": OLD, "PATH": "/usr/bin:/bin"}
        result = subprocess.run(
            person.command(*arguments),
            env=env,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == (2 if arguments[0] == "use" else 0), result.stderr
        assert "Traceback" not in result.stderr

    def test_nothing_at_all(self, person: User, shared_root: Path) -> None:
        """`env -i`: not even PATH."""
        result = subprocess.run(
            person.command("list"),
            env={"GVMPY_ROOT": str(shared_root)},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert NEW in result.stdout

    @pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "xx_XX"])
    def test_any_locale(self, user: User, locale: str) -> None:
        result = user.run("list", GVMPY_ROOT=f"{user.home}/f\u00fcr", LC_ALL=locale, LANG=locale)
        assert (result.returncode, result.stdout) == (0, "")

    def test_a_directory_that_is_gone(self, person: User) -> None:
        script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
        for arguments in (["list"], ["verify", OLD], ["use", OLD, "--default"], ["exec", OLD, "true"]):
            result = subprocess.run(
                ["sh", "-c", script, "sh", *person.command(*arguments)],
                env=person.env,
                cwd=person.home,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert result.returncode == 0, (arguments, result.stderr)
