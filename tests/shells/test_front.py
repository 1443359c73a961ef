"""`shims/gvmpy`, the front in sh: to the byte what the program in Python would answer, and without it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from gvmpy.shells.shims import render_shim, write_shim
from gvmpy.shells.static import write_init_files
from gvmpy.trust.receipt import Receipt
from gvmpy.version import GoVersion
from tests.conftest import PROGRAM
from tests.selection.trees import put_tools
from tests.shells.real import HOSTILE, SH_SHELLS, as_sh

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VERSIONS = ("1.9.7", "1.10", "1.20", "1.22beta1", "1.22rc1", "1.22rc12", "1.22.3", "1.22.10", "1.21.6")
QUESTIONS = (
    ("current",),
    ("which",),
    ("which", "gofmt"),
    ("list",),
    ("prompt",),
)
EVERYWHERE_ALIKE = (
    ("--version",),
    ("root",),
    ("init", "-"),
    ("init", "-", "bash"),
    ("init", "-", "fish"),
    ("init", "-", "nosuch"),
    ("init", "-", ""),
)
HANDED_OVER = (
    ("list", "--json"),
    ("list", "^1.21"),
    ("list", "1.99"),
    ("current", "--json"),
    ("which", "nosuch"),
    ("which", "go", "go"),
    ("root", "x"),
    ("init", "-", "bash", "more"),
    ("--version", "x"),
    ("nosuch", "a b", "", "*", "$(touch x)"),
    ("",),
)
# mksh has no builtin printf, so its front hands everything over.
QUICK = tuple(name for name in SH_SHELLS if name != "mksh")
Answer = tuple[int, bytes, bytes]


@dataclass
class Place:
    """A home with many versions, its front, and a directory to stand in."""

    home: Home
    project: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def front(self) -> Path:
        return self.home.shims / "gvmpy"

    def ask(self, command: list[str]) -> Answer:
        finished = subprocess.run(
            command, cwd=self.project, env=self.env, capture_output=True, check=False, timeout=60
        )
        return finished.returncode, finished.stdout, finished.stderr

    def python(self, *question: str) -> Answer:
        return self.ask([str(PROGRAM), *question])

    def check(self, *questions: tuple[str, ...], shells: tuple[str, ...] = QUICK) -> list[Answer]:
        """Every shell's front says what the program says; return that."""
        answers = []
        for question in questions:
            told = self.python(*question)
            for shell in shells:
                said = self.ask([*as_sh(shell), str(self.front), *question])
                assert said == told, (shell, question)
            answers.append(told)
        return answers

    def calls(self, *question: str) -> list[str]:
        """Return the calls by which a process begins or becomes another, in dash."""
        trace = self.home.root.parent / "trace"
        calls = "trace=execve,execveat,fork,vfork,clone,clone3"
        self.ask(
            ["strace", "-f", "-qq", "-e", calls, "-o", str(trace), "/bin/dash", str(self.front), *question]
        )
        return re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE)


def receipt(text: str, **changed: str) -> bytes:
    made = Receipt(
        version=text,
        platform="linux-amd64",
        source=changed.get("source", "goproxy"),
        url="https://proxy.example/x.zip",
        archive_sha256="0" * 64,
        archive_size=1,
        trust=changed.get("trust", "sumdb"),
        evidence={"a": "b", "n": 1},
        tree_h1="h1:x",
        file_count=1,
        installed_at=changed.get("installed_at", "2026-01-02T03:04:05Z"),
        gvmpy="0.1",
    )
    return made.dumps()


def put_version(home: Home, text: str, **changed: str) -> None:
    version = GoVersion.parse(text)
    put_tools(home.goroot(version) / "bin")
    (home.goroot(version) / "VERSION").write_text(f"{version.name}\ntime 2024-01-01T00:00:00Z\n")
    home.receipt(version).write_bytes(receipt(text, **changed))


def make_place(root: Path, top: Path, **env: str) -> Place:
    home = Home(root)
    home.prepare()
    for text in VERSIONS:
        put_version(home, text)
    put_version(home, "1.9.7", source="official", trust="origin-sha256")
    home.default_link.symlink_to("../versions/go1.21.6")
    write_front(home)
    project = top / "project"
    project.mkdir()
    return Place(home, project, {"HOME": str(top), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | env)


def write_front(home: Home, program: Path = PROGRAM) -> None:
    write_shim(home.shims / "gvmpy", render_shim(str(program), "error"))
    write_init_files(home, str(program))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path / ".gvmpy", tmp_path)


def test_the_plain_home(place: Place) -> None:
    answers = place.check(*QUESTIONS, *EVERYWHERE_ALIKE, shells=SH_SHELLS)
    assert answers[0] == (0, b"1.21.6 (set by the default, links/go)\n", b"")
    assert [line.split()[-4] for line in answers[3][1].decode().splitlines()] == [
        *("VERSION", "1.9.7", "1.10", "1.20", "1.21.6"),
        *("1.22beta1", "1.22rc1", "1.22rc12", "1.22.3", "1.22.10"),
    ]
    assert b"*  1.21.6 " in answers[3][1]
    assert answers[4] == (0, b"1.21.6 (default)\n", b"")
    assert answers[10] == (2, b"", answers[10][2])


def test_what_is_no_quick_question_goes_to_the_program(place: Place) -> None:
    place.check(*HANDED_OVER, shells=("dash", "mksh"))
    assert not list(place.project.iterdir())
    assert place.calls("list", "--json")[:2] == ["execve", "execve"]


def test_no_question_at_all_is_one_for_help(place: Place) -> None:
    place.check((), shells=("dash", "zsh"))


@pytest.mark.parametrize(
    "question", [*QUESTIONS, ("--version",), ("root",), ("init", "-", "bash")], ids=" ".join
)
def test_an_answer_is_one_process(place: Place, question: tuple[str, ...]) -> None:
    assert place.calls(*question) == ["execve"]


@pytest.mark.parametrize("shell", [name for name in SH_SHELLS if name not in {"mksh", "busybox"}])
def test_init_knows_the_shell_that_asks(place: Place, shell: str) -> None:
    caller = [*as_sh(shell)[:1], "-c", '"$0" init -; :']
    told = place.ask([*caller, str(PROGRAM)])
    assert told == (0, f". '{place.home.shell}/init.sh'\n".encode(), b"")
    assert place.ask([*caller, str(place.front)]) == told


def test_init_of_an_asking_shell_is_one_process(place: Place) -> None:
    trace = place.home.root.parent / "trace"
    place.ask(
        [
            "strace",
            "-f",
            "-qq",
            "-e",
            "trace=execve",
            "-o",
            str(trace),
            "dash",
            "-c",
            f"{place.front} init -; :",
        ]
    )
    assert trace.read_text().count(" execve(") == len(["the shell", "the front"])


def pin(text: bytes, name: str = ".go-version") -> Callable[[Place], None]:
    def change(place: Place) -> None:
        (place.project / name).write_bytes(text)

    return change


def default(target: str | None) -> Callable[[Place], None]:
    def change(place: Place) -> None:
        place.home.default_link.unlink()
        if target is not None:
            place.home.default_link.symlink_to(target.replace("@", str(place.home.root)))

    return change


def environ(**changed: str) -> Callable[[Place], None]:
    return lambda place: place.env.update(
        {name: value.replace("@", str(place.home.root)) for name, value in changed.items()}
    )


def alias(place: Place) -> None:
    (place.home.links / "work").symlink_to("../versions/go1.22.3")
    pin(b"work\n")(place)


def foreign(place: Place) -> None:
    put_tools(place.home.root.parent / "usr" / "bin")
    (place.home.root.parent / "usr" / "VERSION").write_text("go1.22.3\n")


def system(place: Place) -> None:
    foreign(place)
    default(None)(place)
    place.env["PATH"] = f"rel:{place.home.shims}:{place.home.root.parent}/usr/bin:/bin"


def system_pin(place: Place) -> None:
    system(place)
    pin(b"system\n")(place)


def system_default(place: Place) -> None:
    foreign(place)
    default(str(place.home.root.parent / "usr"))(place)


def linked_version(place: Place) -> None:
    foreign(place)
    shutil.rmtree(place.home.versions / "go1.22.3")
    (place.home.versions / "go1.22.3").symlink_to(place.home.root.parent / "usr")
    default("../versions/go1.22.3")(place)


def damaged(place: Place) -> None:
    (place.home.receipts / "go1.22.3.json").write_bytes(b"{}\n")


def wrong_version(place: Place) -> None:
    (place.home.receipts / "go1.22.3.json").write_bytes(receipt("1.22.4"))


def no_receipts(place: Place) -> None:
    shutil.rmtree(place.home.receipts)


def no_gofmt(place: Place) -> None:
    (place.home.versions / "go1.21.6" / "bin" / "gofmt").unlink()


def barred(place: Place) -> None:
    (place.home.versions / "go1.21.6" / "bin" / "go").chmod(0o644)


def hostile_directory(place: Place) -> None:
    place.project /= HOSTILE
    place.project.mkdir()
    pin(b"1.22\n")(place)


def odd_directory(place: Place) -> None:
    place.project /= "a b'\"`x`$(y)*[z]"
    place.project.mkdir()
    pin(b"# why\n\n1.22\n")(place)


def moved_versions(place: Place) -> None:
    place.home.versions.rename(place.home.root.parent / "big")
    place.home.versions.symlink_to(place.home.root.parent / "big")


def strange_names(place: Place) -> None:
    for name in ("go1.20.0", "go1.21", "go01.2", "gox", "go1.22.3x", "go 1.22"):
        shutil.copytree(place.home.versions / "go1.22.3", place.home.versions / name)
        (place.home.receipts / f"{name}.json").write_bytes(receipt(name.removeprefix("go")))


def homeless(place: Place) -> None:
    del place.env["HOME"]


SCENES: dict[str, Callable[[Place], None]] = {
    "pin": pin(b"1.22.3\n"),
    "pin prefix": pin(b"1.22\n"),
    "pin old": pin(b"go1.20.0\n"),
    "pin prerelease": pin(b"1.22rc1\n"),
    "pin missing": pin(b"1.19.1\n"),
    "pin prefix missing": pin(b"1.19\n"),
    "pin bad": pin(b"../../x\n"),
    "pin empty": pin(b"\n"),
    "pin not utf-8": pin(b"\xff\n"),
    "tools": pin(b"nodejs 20\ngolang 1.22.3\n", ".tool-versions"),
    "go.mod": pin(b"module m\n\ngo 1.22.4\n", "go.mod"),
    "go.mod toolchain": pin(b"module m\n\ngo 1.20\ntoolchain go1.22.3\n", "go.mod"),
    "go.mod too new": pin(b"module m\n\ngo 1.99\n", "go.mod"),
    "go.work": pin(b"go 1.22rc1\n\nuse .\n", "go.work"),
    "alias": alias,
    "alias nowhere": pin(b"work\n"),
    "shell": environ(GVMPY_VERSION="1.22.3"),
    "shell bad": environ(GVMPY_VERSION="\x1b[31m"),
    "system": system,
    "system pin": system_pin,
    "system pin missing": pin(b"system\n"),
    "default system": system_default,
    "default absolute": default("@/versions/go1.22.3"),
    "default dangling": default("../versions/go1.19"),
    "default none": default(None),
    "version linked": linked_version,
    "versions moved": moved_versions,
    "receipt damaged": damaged,
    "receipt of another": wrong_version,
    "receipts gone": no_receipts,
    "gofmt gone": no_gofmt,
    "go barred": barred,
    "names strange": strange_names,
    "directory hostile": hostile_directory,
    "directory odd": odd_directory,
    "root named": environ(GVMPY_ROOT="@"),
    "root with a slash": environ(GVMPY_ROOT="@/"),
    "root elsewhere": environ(GVMPY_ROOT="@/../elsewhere"),
    "home elsewhere": environ(HOME="/nowhere"),
    "home empty": environ(HOME=""),
    "home unset": homeless,
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_same_in_every_scene(place: Place, scene: str) -> None:
    SCENES[scene](place)
    more = (("root",), ("init", "-", "bash")) if scene.startswith(("root", "home")) else ()
    place.check(*QUESTIONS, *more)


@pytest.mark.parametrize("name", ["a b", "a 'b' c", "é", "back\\slash", "co:lon", HOSTILE], ids=ascii)
def test_a_root_of_an_odd_name(tmp_path: Path, name: str) -> None:
    root = tmp_path / name / ".gvmpy"
    place = make_place(root, tmp_path, GVMPY_ROOT=str(root))
    place.check(*QUESTIONS, *EVERYWHERE_ALIKE)


def test_a_receipt_is_looked_at_no_further_than_it_is_shown(place: Place) -> None:
    path = place.home.receipts / "go1.22.3.json"
    told = place.python("list")
    path.write_bytes(path.read_bytes()[:-40])
    assert place.ask(["dash", str(place.front), "list"]) == told
    assert b"go1.22.3.json` is not a receipt" in place.python("list")[2]


def test_a_program_newer_than_the_front_speaks_for_itself(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\nprintf "%s\\n" program "$@"\n')
    program.chmod(0o755)
    write_front(place.home, program)
    os.utime(program, (1, 1))
    for shell in SH_SHELLS:
        words = b"program\ncurrent\n" if shell == "mksh" else b"1.21.6 (set by the default, links/go)\n"
        assert place.ask([*as_sh(shell), str(place.front), "current"]) == (0, words, b"")
    os.utime(program, (2**32, 2**32))
    for shell in SH_SHELLS:
        for question in ("--version", "current", "list", "root"):
            assert place.ask([*as_sh(shell), str(place.front), question]) == (
                0,
                f"program\n{question}\n".encode(),
                b"",
            )


@pytest.mark.parametrize("shell", SH_SHELLS)
def test_a_program_that_is_gone_is_told(place: Place, tmp_path: Path, shell: str) -> None:
    gone = tmp_path / "go'ne" / "gvmpy"
    write_front(place.home, gone)
    for question in ("current", "install"):
        assert place.ask([*as_sh(shell), str(place.front), question]) == (
            127,
            b"",
            f"gvmpy: its program is gone: `{gone}`\n"
            "hint: install gvmpy again, from its checkout: sh shell/install.sh\n".encode(),
        )
