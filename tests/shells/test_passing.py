"""What the shim hands on: all there is, since it becomes `go` and starts nothing."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from gvmpy.shells.shims import write_shims
from gvmpy.version import GoVersion
from tests.shells.real import HOSTILE, SH_SHELLS, as_sh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

every_shell = pytest.mark.parametrize("shell", SH_SHELLS)
# The quick way through the shim, by the default, and the long one, by a prefix that it has to look for.
both_ways = pytest.mark.parametrize("asked", ["", "1.21"], ids=["default", "prefix"])
LOCALES: tuple[dict[str, str], ...] = ({}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"})
WORDS = (bytes(range(1, 256)), b"", b"-", b"--", b"*", *[bytes([65 + n]) * 100_000 for n in range(11)])
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Installed:
    """A home below a hostile name whose default is a `go` that does what a test says."""

    home: Home
    shell: str
    environ: dict[str, str]

    def write(self, text: str) -> None:
        """Make `go` a script for sh."""
        self._put(f"#!/bin/sh\n{text}\n")

    def write_python(self, text: str) -> None:
        self._put(f"#!{sys.executable} -IS\n{text}\n")

    def _put(self, text: str) -> None:
        binary = self.home.default_link / "bin" / "go"
        binary.write_text(text)
        binary.chmod(0o755)

    @property
    def command(self) -> list[str]:
        return [*as_sh(self.shell), str(self.home.shims / "go")]

    def run(
        self,
        *arguments: bytes,
        stdin: bytes = b"",
        within: Sequence[str] = (),
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the shim; `within` is a command that runs it in turn."""
        return subprocess.run(
            [*map(os.fsencode, (*within, *self.command)), *arguments],
            env=self.environ | (env or {}),
            cwd=self.home.root,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command,
            env=self.environ,
            cwd=self.home.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def installed(tmp_path: Path, shell: str, asked: str) -> Installed:
    home = Home(tmp_path / HOSTILE)
    home.prepare()
    version = GoVersion.parse("1.21.6")
    (home.goroot(version) / "bin").mkdir(parents=True)
    home.receipt(version).write_text("{}")
    home.default_link.symlink_to("../versions/go1.21.6")
    write_shims(home)
    return Installed(home, shell, {"PATH": "/usr/bin:/bin"} | ({"GVMPY_VERSION": asked} if asked else {}))


@pytest.fixture
def started(installed: Installed) -> Iterator[subprocess.Popen[str]]:
    """A `go` that has said its process id, and waits."""
    installed.write("echo $$; exec sleep 60")
    with installed.start() as process:
        yield process
        process.kill()


@every_shell
@both_ways
class TestEnds:
    @pytest.mark.parametrize("code", [0, 1, 7, 126, 127, 128, 130, 255])
    def test_exit_code(self, installed: Installed, code: int) -> None:
        installed.write(f"exit {code}")
        finished = installed.run()
        assert (finished.returncode, finished.stdout, finished.stderr) == (code, b"", b"")

    @pytest.mark.parametrize("number", SIGNALS)
    def test_a_signal_reaches_it_in_the_same_process(
        self, started: subprocess.Popen[str], number: signal.Signals
    ) -> None:
        assert started.stdout is not None
        assert int(started.stdout.readline()) == started.pid
        started.send_signal(number)
        assert started.wait(60) == -number

    @pytest.mark.parametrize("number", SIGNALS)
    def test_its_own_answer_to_a_signal(self, installed: Installed, number: signal.Signals) -> None:
        name = number.name.removeprefix("SIG")
        installed.write(f'trap "exit 7" {name}; echo ready; while :; do sleep 0.05; done')
        with installed.start() as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            assert process.wait(60) == 7

    def test_it_dies_by_its_own_signal(self, installed: Installed) -> None:
        for number in (*SIGNALS, signal.SIGKILL, signal.SIGSEGV):
            installed.write(f"ulimit -c 0; kill -{number.value} $$; sleep 60")
            assert installed.run().returncode == -number


@every_shell
@both_ways
class TestSignalsInherited:
    def test_the_ignored_stay_ignored_and_the_others_do_not(self, installed: Installed) -> None:
        installed.write_python(
            "import signal\n"
            "for number in (1, 2, 3, 15, 10, 20):\n"
            "    if signal.getsignal(number) is signal.SIG_IGN:\n"
            "        print(number)\n"
        )
        assert installed.run().stdout == b""
        ignoring = ["/bin/sh", "-c", 'trap "" 1 2 15 10; exec "$@"', "sh"]
        assert installed.run(within=ignoring).stdout == b"1\n2\n15\n10\n"

    def test_none_is_blocked(self, installed: Installed) -> None:
        installed.write_python("import signal\nprint(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))")
        assert installed.run().stdout == b"0\n"


@every_shell
@both_ways
class TestInput:
    DATA = bytes(range(256)) * 1000

    def test_a_pipe(self, installed: Installed) -> None:
        installed.write("exec cat")
        assert installed.run(stdin=self.DATA).stdout == self.DATA

    def test_a_pipe_of_which_the_shim_reads_nothing_ahead(self, installed: Installed) -> None:
        """Even where the shell before it has read its own part."""
        installed.write("exec cat")
        within = ["/bin/sh", "-c", 'read -r line && exec "$@"', "sh"]
        assert installed.run(stdin=b"for sh\n" + self.DATA, within=within).stdout == self.DATA

    def test_a_file(self, installed: Installed, tmp_path: Path) -> None:
        installed.write("exec cat")
        (tmp_path / "data").write_bytes(self.DATA)
        with (tmp_path / "data").open("rb") as stream:
            os.lseek(stream.fileno(), 1000, os.SEEK_SET)
            finished = subprocess.run(
                installed.command,
                stdin=stream,
                env=installed.environ,
                capture_output=True,
                check=True,
            )
        assert finished.stdout == self.DATA[1000:]

    def test_closed(self, installed: Installed) -> None:
        installed.write_python("import os\ntry:\n    os.fstat(0)\nexcept OSError as e:\n    print(e.errno)")
        within = ["/bin/sh", "-c", 'exec "$@" <&-', "sh"]
        finished = installed.run(within=within)
        # The interpreter may open its script at the lowest free number, and closes it across exec.
        assert (finished.returncode, finished.stdout, finished.stderr) == (0, b"9\n", b"")


@every_shell
@both_ways
class TestArguments:
    @pytest.mark.parametrize("locale", LOCALES, ids=["none", "C", "UTF-8"])
    def test_every_byte_and_a_mebibyte(self, installed: Installed, locale: dict[str, str]) -> None:
        installed.write(r'exec printf "%s\0" "$@"')
        finished = installed.run(*WORDS, env=locale)
        assert finished.stderr == b""
        assert tuple(finished.stdout.split(b"\0")[:-1]) == WORDS

    def test_none(self, installed: Installed) -> None:
        installed.write('echo "$#"')
        assert installed.run().stdout == b"0\n"

    def test_its_name_is_its_path(self, installed: Installed) -> None:
        """Go finds its GOROOT by the file it is, and shows its name in messages."""
        binary = installed.home.default_link / "bin" / "go"
        shutil.copy("/bin/cat", binary)
        name = installed.run(b"/proc/self/cmdline", b"/dev/null").stdout.split(b"\0")[0]
        assert name.startswith(b"/")
        assert name.endswith(b"/bin/go")
        assert os.path.samefile(name, binary)


@every_shell
@both_ways
class TestSurroundings:
    def test_open_files(self, installed: Installed, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("".join(f"{number}\n" for number in range(10)))
        installed.write(
            "for n in 3 4 5 6 7 8 9; do eval \"read -r word <&$n\" && printf '%s ' $n:$word; done"
        )
        opened = " ".join(f'{number}<"$DATA"' for number in range(3, 10))
        within = ["/bin/sh", "-c", f'exec "$@" {opened}', "sh"]
        finished = installed.run(within=within, env={"DATA": str(tmp_path / "data")})
        assert (finished.stdout, finished.stderr) == (b"3:0 4:0 5:0 6:0 7:0 8:0 9:0 ", b"")

    def test_none_is_opened(self, installed: Installed) -> None:
        installed.write_python("import os\nprint(*sorted(map(int, os.listdir('/proc/self/fd'))))")
        # The directory itself is the fourth.
        assert installed.run().stdout == b"0 1 2 3\n"

    @pytest.mark.parametrize("mask", ["000", "027", "077"])
    def test_umask(self, installed: Installed, mask: str) -> None:
        installed.write_python("import os\nprint(format(os.umask(0), '03o'))")
        within = ["/bin/sh", "-c", f'umask {mask}; exec "$@"', "sh"]
        assert installed.run(within=within).stdout == f"{mask}\n".encode()

    def test_directory(self, installed: Installed, tmp_path: Path) -> None:
        """Both where it is and by which way one came there."""
        (tmp_path / "door").symlink_to(installed.home.versions)
        installed.write('printf "%s|%s" "$PWD" "$(pwd -P)"')
        within = ["/bin/sh", "-c", 'cd "$DOOR" && exec "$@"', "sh"]
        finished = installed.run(within=within, env={"DOOR": str(tmp_path / "door")})
        assert finished.stdout == f"{tmp_path}/door|{os.path.realpath(installed.home.versions)}".encode()

    def test_niceness(self, installed: Installed) -> None:
        installed.write_python("import os\nprint(os.nice(0))")
        assert installed.run(within=["nice", "-n", "3"]).stdout == f"{min(os.nice(0) + 3, 19)}\n".encode()

    def test_limits(self, installed: Installed) -> None:
        installed.write_python("import resource\nprint(*resource.getrlimit(resource.RLIMIT_NOFILE))")
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        within = ["/bin/sh", "-c", 'ulimit -S -n 77; exec "$@"', "sh"]
        assert installed.run(within=within).stdout == f"77 {hard}\n".encode()

    def test_session_and_group(self, installed: Installed) -> None:
        installed.write_python("import os\nprint(os.getpgid(0), os.getsid(0), os.getppid())")
        seen = installed.run().stdout.split()
        assert [int(word) for word in seen] == [os.getpgid(0), os.getsid(0), os.getpid()]
