"""The init text for fish, in fish: what test_init.py asks of the other shells."""

from __future__ import annotations

import os
import pty
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gvmpy.shells.init import render
from gvmpy.shells.quote import quote_fish
from tests.shells.real import HOSTILE, interpreter
from tests.shells.test_init import HOOKS, NOT_PLAIN, PLAIN, PROGRAM, UTF8

if TYPE_CHECKING:
    from pathlib import Path

TELL = "set -q GVMPY_VERSION; and echo $GVMPY_VERSION; or echo none"


@dataclass
class Fish:
    """A fish about to start below a hostile name, which is its home as well."""

    top: Path

    @property
    def root(self) -> Path:
        return self.top / HOSTILE

    @property
    def program(self) -> Path:
        return self.root / "gvmpy"

    def put(self, *versions: str) -> None:
        for text in versions:
            receipt = self.root / "receipts" / f"go{text}.json"
            receipt.parent.mkdir(exist_ok=True)
            receipt.write_text("{}")
            binary = self.root / "versions" / f"go{text}" / "bin" / "go"
            binary.parent.mkdir(parents=True, exist_ok=True)
            binary.write_text("#!/bin/sh\n")
            binary.chmod(0o755)

    def command(self, script: str) -> list[str]:
        """Return the command that runs `script`, in which `@init` stands for sourcing the text."""
        (self.top / "init.fish").write_text(render(str(self.root), str(self.program), "fish"))
        (self.top / "script").write_text(
            script.replace("@init", f"source {quote_fish(str(self.top))}/init.fish")
        )
        return [*interpreter("fish"), str(self.top / "script")]

    def environment(self, **env: str) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.root)} | UTF8 | env

    def run(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(script),
            cwd=self.top,
            env=self.environment(**env),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def lines(self, script: str, **env: str) -> list[str]:
        finished = self.run(script, **env)
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout.splitlines()


@pytest.fixture
def fish(tmp_path: Path) -> Fish:
    fish = Fish(tmp_path)
    fish.root.mkdir()
    fish.program.write_text(PROGRAM)
    fish.program.chmod(0o755)
    return fish


@pytest.fixture(autouse=True)
def _nothing_runs_what_a_name_says(tmp_path: Path) -> object:
    yield
    assert not list(tmp_path.rglob("x"))


EVERY_BYTE = b"".join(bytes([number]) for number in range(1, 256))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"plain",
        HOSTILE.encode(),
        *(b"a%cb" % number for number in range(1, 256)),
        *(bytes([number]) for number in b"\\'\"\n\r\t $~*?({[<>|&;#^%"),
        EVERY_BYTE,
        EVERY_BYTE[::-1],
        b"\n",
        b"\n\n",
        b"a\n",
        b"\na",
        b"\\\n",
        b"a\\",
        b"a\\\\",
        b"\\'",
        b"'\\",
        b"''",
        b"\\n",
        b"-n",
        "é🚒".encode(),
    ],
)
def test_a_quoted_word_comes_back(fish: Fish, raw: bytes) -> None:
    script = b"/usr/bin/printf '%s.' " + os.fsencode(quote_fish(os.fsdecode(raw)))
    command = [*map(os.fsencode, interpreter("fish")), b"--no-config", b"-c", script]
    finished = subprocess.run(command, env=fish.environment(), capture_output=True, check=True)
    assert finished.stdout == raw + b"."


def test_what_fish_cannot_hold() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote_fish("a\0b")


def test_values_that_look_like_marks() -> None:
    text = render("/__GVMPY_PROGRAM__", "/__GVMPY_ROOT__", "fish")
    assert "    set -l _gvmpy_shims '/__GVMPY_PROGRAM__'/shims\n" in text
    assert "    else if test -x '/__GVMPY_ROOT__'\n" in text


PATHS = {
    "plain": ("/usr/bin:/bin", "/usr/bin:/bin"),
    "sunk and repeated": ("/usr/bin:@:/bin:@/:@", "/usr/bin:/bin"),
    "in front": ("@:/usr/bin:/bin", "/usr/bin:/bin"),
    "with blanks and stars": ("/usr/bin:/a b:/*:/$x:/bin", "/usr/bin:/a b:/*:/$x:/bin"),
}


@pytest.mark.parametrize("case", PATHS)
def test_the_shims_are_on_path_once_and_first(fish: Fish, case: str) -> None:
    before, rest = PATHS[case]
    finished = fish.run(
        "@init\n@init\n/usr/bin/printenv PATH", PATH=before.replace("@", f"{fish.root}/shims")
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"{fish.root}/shims:{rest}\n"


def test_an_empty_path_gains_nothing(fish: Fish) -> None:
    script = "set -gx PATH\n@init\n/usr/bin/printenv PATH"
    assert fish.run(script).stdout == f"{fish.root}/shims\n"


def test_it_leaves_no_variables(fish: Fish) -> None:
    use = "gvmpy use 1.22.3; gvmpy use -h >/dev/null; gvmpy use - 2>/dev/null"
    for script, left in (("@init", []), (f"@init\n{use}", ["_gvmpy_previous"])):
        tell = "for name in (set --names); contains $name $before before; or echo $name; end"
        assert fish.lines(f"set before (set --names)\n{script}\n{tell}") == left
    assert fish.lines("@init\ngvmpy use 1.22.3; env | string match '*_gvmpy*'; true") == []


def test_nothing_is_universal(fish: Fish) -> None:
    """What is universal would reach shells that never loaded this, and outlive all of them."""
    fish.lines("@init\ngvmpy use 1.22.3")
    assert fish.lines("set -U --names | string match -ri 'gvmpy|path|goroot'; true") == []
    assert fish.lines("printenv PATH") == ["/usr/bin:/bin"]


def test_goroot_is_unset_in_silence_off_a_terminal(fish: Fish) -> None:
    assert fish.lines("@init\nset -q GOROOT; or echo none; printenv GOROOT; true", GOROOT="/stale") == [
        "none"
    ]


def test_a_universal_goroot_is_hidden_and_kept(fish: Fish) -> None:
    fish.lines("set -Ux GOROOT /stale")
    assert fish.lines("@init\n@init\nprintenv GOROOT; true") == [""]
    assert fish.lines("printenv GOROOT") == ["/stale"]


def test_goroot_is_mentioned_once_on_a_terminal(fish: Fish) -> None:
    ours, theirs = pty.openpty()
    command = fish.command("@init\n@init")
    subprocess.run(command, env=fish.environment(GOROOT="/st%sale"), stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert said.count("GOROOT was set to /st%sale") == 1


def test_use_exports_the_answer(fish: Fish) -> None:
    script = "@init\ngvmpy use 1.22.3\nenv | grep ^GVMPY\ngvmpy use system\nenv | grep ^GVMPY"
    assert fish.lines(script) == ["GVMPY_VERSION=1.22.3", "GVMPY_VERSION=system"]


def test_use_dash_swaps_without_a_process(fish: Fish) -> None:
    script = f"""@init
gvmpy use 1.22.3; gvmpy use 1.21.6
set -gx PATH /nowhere
{TELL}; gvmpy use - 2>/dev/null; {TELL}; gvmpy use - 2>/dev/null; {TELL}
gvmpy use --unset; {TELL}; gvmpy use - 2>/dev/null; {TELL}; gvmpy use - 2>/dev/null; {TELL}"""
    assert fish.lines(script) == ["1.21.6", "1.22.3", "1.21.6", "none", "1.21.6", "none"]


def test_use_dash_without_a_choice_yet(fish: Fish) -> None:
    finished = fish.run('@init\ngvmpy use -; or echo "code $status"')
    assert finished.stdout == "code 2\n"
    assert "hint: gvmpy use VERSION" in finished.stderr


@pytest.mark.parametrize(("word", "code"), [("bad", 3), ("evil", 2), ("silent", 2)])
def test_use_changes_nothing_when_it_fails(fish: Fish, word: str, code: int) -> None:
    script = f'@init\ngvmpy use 1.22.3\ngvmpy use {word}; or echo "code $status"\necho "$GVMPY_VERSION"'
    assert fish.run(script).stdout.splitlines() == [f"code {code}", "1.22.3"]


@pytest.mark.parametrize(
    "arguments",
    ["", "list --json", "use", "use 1.22.3 --default", "use -d 1.22.3", "use --help", "use 1.22 --json"],
)
def test_everything_else_goes_to_the_program(fish: Fish, arguments: str) -> None:
    script = f'@init\ngvmpy {arguments}; or echo "code $status"\n{TELL}'
    assert fish.lines(script) == [f"program: {arguments}", "code 7", "none"]


def test_a_program_that_moved_is_looked_up(fish: Fish) -> None:
    moved = fish.top / "elsewhere"
    moved.mkdir()
    fish.program.rename(moved / "gvmpy")
    path = f"{moved}:/usr/bin:/bin"
    assert fish.lines('@init\ngvmpy list "a b"; or echo $status', PATH=path) == ["program: list a b", "7"]
    assert fish.lines("@init\ngvmpy use 1.22.3; echo $GVMPY_VERSION", PATH=path) == ["1.22.3"]


def test_the_front_answers_before_the_program(fish: Fish) -> None:
    front = fish.root / "shims" / "gvmpy"
    front.parent.mkdir()
    front.write_text("#!/bin/sh\nprintf 'front: %s.' \"$@\"\n")
    assert fish.lines('@init\ngvmpy list "a b"; or echo $status') == ["program: list a b", "7"]
    front.chmod(0o755)
    assert fish.lines('@init\ngvmpy list "a b"') == ["front: list.front: a b."]


def test_functions_of_the_user_stay_out(fish: Fish) -> None:
    script = """alias gvmpy='echo alias gvmpy'
for name in printf contains count echo
    function $name; command echo "function"; end
end
@init
gvmpy use 1.22.3
command printenv GVMPY_VERSION
gvmpy use - 2>/dev/null
gvmpy list
"""
    finished = fish.run(script)
    assert (finished.stdout.splitlines(), finished.returncode) == (["1.22.3", "program: list"], 7)


@pytest.mark.parametrize(("asked", "chosen"), PLAIN.items())
def test_use_of_an_installed_version_starts_no_process(fish: Fish, asked: str, chosen: str) -> None:
    fish.put(*PLAIN.values())
    fish.program.chmod(0o644)
    script = f"@init\nset -gx PATH /nowhere\ngvmpy use {asked}\n/usr/bin/printenv GVMPY_VERSION"
    assert fish.lines(script) == [chosen]


@pytest.mark.parametrize("asked", NOT_PLAIN)
def test_use_asks_the_program_about_all_else(fish: Fish, asked: str) -> None:
    fish.put(*(text.strip("'").removeprefix("go") for text in NOT_PLAIN if "/" not in text))
    fish.program.write_text("#!/bin/sh\necho asked >&2\nexit 3\n")
    finished = fish.run(f"@init\ngvmpy use {asked}; or echo $status")
    assert (finished.stdout, finished.stderr) == ("3\n", "asked\n")


@pytest.mark.parametrize("gone", ["receipts/go1.22.3.json", "versions/go1.22.3/bin/go"])
def test_use_asks_about_what_is_not_whole(fish: Fish, gone: str) -> None:
    fish.put("1.22.3")
    (fish.root / gone).unlink()
    fish.program.write_text("#!/bin/sh\nexit 3\n")
    assert fish.lines("@init\ngvmpy use 1.22.3; or echo $status") == ["3"]


@pytest.mark.parametrize("hook", HOOKS)
def test_use_leaves_hooks_to_the_program(fish: Fish, hook: str) -> None:
    fish.put("1.22.3")
    entry = fish.root / "hooks" / hook
    entry.parent.mkdir(parents=True)
    fish.program.write_text("#!/bin/sh\nexit 3\n")
    script = f"@init\ngvmpy use 1.22.3; or echo $status\n{TELL}"
    assert fish.lines(script) == ["1.22.3"]
    entry.symlink_to("nowhere")
    assert fish.lines(script) == ["3", "none"]


def test_eval_serves_as_well(fish: Fish) -> None:
    fish.command("")
    script = f"eval (string collect < {quote_fish(str(fish.top))}/init.fish)\ngvmpy use 1.22.3\n{TELL}"
    assert fish.lines(script) == ["1.22.3"]
