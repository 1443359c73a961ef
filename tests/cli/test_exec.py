from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD
from tests.cli.ordinary import ordinary
from tests.support.mounts import run_with_noexec

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User


def run(person: User, *words: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        person.command("exec", *words),
        env=person.env | env,
        cwd=person.home,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
    )


class TestBecomes:
    @pytest.mark.parametrize("dashes", [(), ("--",)])
    @pytest.mark.parametrize(("request_", "version"), [("1.21", OLD), ("go1.22.3", NEW), ("latest", NEW)])
    def test_go_of_that_version(
        self, person: User, request_: str, version: str, dashes: tuple[str, ...]
    ) -> None:
        result = run(person, request_, *dashes, "go", "version")
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith(f"go version go{version} ".encode())

    @pytest.mark.parametrize("code", [0, 1, 7, 255])
    def test_exit_code(self, person: User, code: int) -> None:
        assert run(person, OLD, "sh", "-c", f"exit {code}").returncode == code

    def test_its_options_are_its_own(self, person: User) -> None:
        result = run(person, OLD, "printf", "%s|", "--json", "--help", "-h", "--", "a b", "", "$HOME")
        assert result.stdout == b"--json|--help|-h|--|a b||$HOME|"
        behind = run(person, OLD, "--", "printf", "%s|", "--", "--version")
        assert behind.stdout == b"--|--version|"

    def test_standard_input(self, person: User) -> None:
        data = bytes(range(256)) * 1000
        assert run(person, OLD, "cat", stdin=data).stdout == data

    def test_the_process_is_the_same(self, person: User) -> None:
        """No parent waits: what is started is what becomes of us."""
        process = subprocess.Popen(
            person.command("exec", OLD, "sh", "-c", "echo $$; read line"),
            env=person.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stdout, _ = process.communicate("\n", timeout=60)
        assert int(stdout) == process.pid

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
    def test_killed_by_a_signal(self, person: User, number: signal.Signals) -> None:
        process = self._ready(person, "echo ready; exec sleep 60")
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number

    def test_handled_signals(self, person: User) -> None:
        process = self._ready(person, 'trap "exit 7" INT; echo ready; while :; do sleep 0.05; done')
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 7

    def test_the_disposition_of_sigpipe_is_the_default(self, person: User) -> None:
        """Python ignores SIGPIPE, and what is ignored is inherited: `yes | head` would never end."""
        result = run(person, OLD, "bash", "-c", 'yes | head -n 1; echo "${PIPESTATUS[0]}"')
        assert result.stdout == b"y\n141\n"

    def _ready(self, person: User, script: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            person.command("exec", OLD, "sh", "-c", script),
            env=person.env,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process


class TestEnvironment:
    def test_nested_go_is_the_same(self, person: User) -> None:
        person.run("use", NEW, "--default")
        shims = str(person.root / "shims")
        for nested in (["go", "version"], ["sh", "-c", "go version"], [f"{shims}/go", "version"]):
            result = run(person, OLD, *nested, PATH=f"{shims}:/usr/bin:/bin", GVMPY_VERSION=NEW)
            assert result.stdout.startswith(f"go version go{OLD} ".encode()), nested

    def test_an_inherited_goroot_does_no_harm(self, person: User) -> None:
        result = run(person, OLD, "go", "env", "GOROOT", GOROOT="/nonexistent")
        assert result.stdout == f"{person.root}/versions/go{OLD}\n".encode()

    def test_the_rest_is_handed_on(self, person: User) -> None:
        result = run(
            person,
            OLD,
            "sh",
            "-c",
            'printf %s "$MINE:$PATH:$GVMPY_VERSION"',
            MINE="yes",
            PATH="/usr/bin:/bin",
        )
        assert result.stdout == f"yes:{person.root}/versions/go{OLD}/bin:/usr/bin:/bin:{OLD}".encode()

    def test_system(self, person: User, fast_path: Path) -> None:
        outside = fast_path / "outside"
        outside.mkdir()
        (outside / "go").write_text('#!/bin/sh\necho mine "$GVMPY_VERSION"\n')
        (outside / "go").chmod(0o755)
        result = run(person, "system", "go", PATH=f"{person.root}/shims:{outside}:/usr/bin:/bin")
        assert result.stdout == b"mine system\n"

    def test_system_keeps_the_order_of_all_other_commands(self, person: User, fast_path: Path) -> None:
        """The system's Go lies where everything lies: it must not come before a virtual environment."""
        for directory, names in (("venv", ["tool"]), ("usr", ["tool", "go"]), ("relative", ["go"])):
            (fast_path / directory).mkdir()
            for name in names:
                (fast_path / directory / name).write_text(f"#!/bin/sh\necho {directory}\n")
                (fast_path / directory / name).chmod(0o755)
        (person.home / "bin").symlink_to("../relative")
        (fast_path / "door").symlink_to(person.root / "shims")
        (person.root / "shims").mkdir(exist_ok=True)
        path = f"{fast_path}/door:bin:{fast_path}/venv:{person.root}/shims/:{fast_path}/usr:/usr/bin:/bin"
        result = run(person, "system", "sh", "-c", 'tool; go; echo "$PATH"', PATH=path)
        behind = f"{fast_path}/door:bin:{person.root}/shims/"
        expected = f"venv\nusr\n{fast_path}/venv:{fast_path}/usr:/usr/bin:/bin:{behind}\n"
        assert result.stdout == expected.encode()

    @pytest.mark.parametrize(
        "locale", [{}, {"LC_CTYPE": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}, {"LANG": "C"}]
    )
    def test_nothing_else_is_added_or_taken(self, person: User, locale: dict[str, str]) -> None:
        """Python sets LC_CTYPE for itself in the C locale; that is none of the command's business."""
        env = {"GVMPY_ROOT": str(person.root), "PATH": "/usr/bin:/bin", "ODD": "\udcff\n"} | locale
        result = subprocess.run(
            person.command("exec", OLD, "/usr/bin/env", "-0"), env=env, capture_output=True, check=True
        )
        seen = dict(entry.split(b"=", 1) for entry in result.stdout.split(b"\0")[:-1])
        path = f"{person.root}/versions/go{OLD}/bin:/usr/bin:/bin"
        expected = env | {"PATH": path, "GVMPY_VERSION": OLD}
        assert seen == {os.fsencode(name): os.fsencode(value) for name, value in expected.items()}

    def test_an_empty_path_gains_no_entry_for_the_current_directory(self, person: User) -> None:
        result = run(person, OLD, "/bin/sh", "-c", 'echo "$PATH"', PATH="")
        assert result.stdout == f"{person.root}/versions/go{OLD}/bin\n".encode()

    def test_an_alias(self, person: User) -> None:
        (person.root / "links").mkdir()
        (person.root / "links" / "work").symlink_to(f"../versions/go{OLD}")
        result = run(person, "work", "sh", "-c", 'echo "$GVMPY_VERSION"; exec go version')
        assert result.stdout.startswith(f"{OLD}\ngo version go{OLD} ".encode())

    def test_what_was_inherited(self, person: User) -> None:
        """Open files, the umask, the directory, ignored signals and the niceness pass."""
        (person.home / "in put").write_text("from the file")
        script = (
            "import os, signal\n"
            "print(os.read(3, 99), oct(os.umask(0)), os.getcwd(), os.nice(0),\n"
            "      signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
        )
        outer = 'umask 027; trap "" HUP; cd "$HOME" && exec 3<"in put" && exec "$@"'
        command = ["nice", "-n", "3", *person.command("exec", OLD, sys.executable, "-c", script)]
        result = subprocess.run(
            ["/bin/sh", "-c", outer, "sh", *command], env=person.env, capture_output=True, check=True
        )
        nice = os.nice(0) + 3
        expected = f"b'from the file' 0o27 {person.home} {nice} True\n"
        assert result.stdout.decode() == expected

    @pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}])
    def test_every_byte_and_a_mebibyte_of_arguments(self, person: User, locale: dict[str, str]) -> None:
        words = [bytes(range(1, 256)), b"", b"-", *[bytes([65 + n]) * 100_000 for n in range(11)]]
        env = {"GVMPY_ROOT": str(person.root), "PATH": "/usr/bin:/bin"} | locale
        command = [os.fsencode(word) for word in person.command("exec", OLD, "printf", r"%s\0")] + words
        result = subprocess.run(command, env=env, capture_output=True, check=True)
        assert result.stdout.split(b"\0")[:-1] == words


class TestCannot:
    def test_not_installed(self, person: User) -> None:
        result = run(person, "1.99", "go", "version")
        assert (result.returncode, result.stdout) == (127, b"")
        assert result.stderr == b"error: no installed Go matches `1.99`\nhint: gvmpy install 1.99\n"

    def test_no_system_go(self, person: User) -> None:
        result = run(person, "system", "go", PATH="/nonexistent")
        assert result.returncode == 127
        assert b"no `go` is on PATH outside gvmpy" in result.stderr

    def test_no_such_command(self, person: User) -> None:
        result = run(person, OLD, "no-such-command")
        assert (result.returncode, result.stderr) == (127, b"error: there is no command `no-such-command`\n")

    def test_not_executable(self, person: User) -> None:
        (person.home / "file").write_text("x")
        (person.home / "file").chmod(0o644)
        result = run(person, OLD, "./file")
        assert (result.returncode, result.stderr) == (126, b"error: cannot run `./file`: Permission denied\n")

    def test_a_command_of_go(self, person: User) -> None:
        result = run(person, "1.21", "build", "./...")
        assert result.returncode == 127
        assert result.stderr.endswith(b"error: there is no command `build`\nhint: gvmpy run 1.21 build\n")

    def test_a_script_without_its_first_line_is_for_sh(self, person: User) -> None:
        """As env, nice and nohup have it."""
        (person.home / "script").write_text('echo "$0|$1|$2"; exit 7')
        (person.home / "script").chmod(0o755)
        result = run(person, OLD, "./script", "a b", "*")
        assert (result.returncode, result.stdout) == (7, b"./script|a b|*\n")

    def test_a_binary_for_another_machine(self, person: User) -> None:
        (person.home / "binary").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(100))
        (person.home / "binary").chmod(0o755)
        result = run(person, OLD, "./binary")
        assert (result.returncode, result.stdout) == (126, b"")
        assert result.stderr.startswith(b"error: cannot run `./binary`: Exec format error")

    def test_a_missing_interpreter(self, person: User) -> None:
        (person.home / "script").write_text("#!/nonexistent/sh\n")
        (person.home / "script").chmod(0o755)
        result = run(person, OLD, "./script")
        message = b"error: cannot run `./script`: the interpreter it names is not there\n"
        assert (result.returncode, result.stderr) == (126, message)

    def test_a_directory_on_path_that_is_closed_does_not_change_the_answer(self, person: User) -> None:
        (person.home / "closed").mkdir(mode=0)
        env = person.env | {"PATH": f"{person.home}/closed:/usr/bin"}
        command = ordinary(person.command("exec", OLD, "no-such-command"))
        result = subprocess.run(command, env=env, capture_output=True, check=False)
        assert (result.returncode, result.stderr) == (127, b"error: there is no command `no-such-command`\n")

    def test_a_colon_in_the_root(self, person: User) -> None:
        (person.home / "a:b").symlink_to(person.root)
        result = run(person, OLD, "go", "version", GVMPY_ROOT=f"{person.home}/a:b")
        assert (result.returncode, result.stdout) == (6, b"")
        assert b"a colon in gvmpy's root" in result.stderr

    def test_a_command_on_a_noexec_mount(self, person: User) -> None:
        place = person.home / "mounted"
        put = f"cp /bin/true {shlex.quote(str(place))}/tool"
        result = run_with_noexec(place, put, person.command("exec", OLD, f"{place}/tool"), person.env)
        assert result.returncode == 126
        message = f"error: cannot run `{place}/tool`: its file system is mounted noexec\n"
        assert result.stderr == message.encode()

    def test_toolchains_on_a_noexec_mount(self, person: User) -> None:
        place = person.home / "mounted"
        put = "mkdir {0}/versions {0}/receipts".format(shlex.quote(str(place)))
        env = person.env | {"GVMPY_ROOT": str(place)}
        for words in (["exec", OLD, "go", "version"], ["run", OLD, "version"]):
            result = run_with_noexec(place, put, person.command(*words), env)
            assert (result.returncode, result.stdout) == (126, b"")
            assert b"its file system is mounted noexec\nhint: export GVMPY_ROOT=" in result.stderr

    def test_a_directory(self, person: User) -> None:
        assert run(person, OLD, "/").returncode == 126

    @pytest.mark.parametrize("words", [(), (OLD,), (OLD, "--"), ("--",), ("1..2", "go"), ("-", "go")])
    def test_usage(self, person: User, words: tuple[str, ...]) -> None:
        result = run(person, *words)
        assert (result.returncode, result.stdout) == (2, b"")
        assert result.stderr.startswith(b"error: ")
        assert b"Traceback" not in result.stderr

    def test_options_of_our_own(self, person: User) -> None:
        result = run(person, "--help")
        assert result.returncode == 0
        assert result.stdout.startswith(b"Usage: gvmpy exec ")
