"""Completion, in the real shells."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

from gvmpy.cli.main import gvmpy
from gvmpy.config import KEYS
from tests.cli.ordinary import ordinary
from tests.cli.snapshot import snapshot
from tests.shells.completing import FILES, SCRIPTS, SHELLS, Terminal, Typist
from tests.shells.real import HOSTILE, REPOSITORY, interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import User

INSTALLED = {"1.21.6", "1.22.3"}
ALIASES = {"work", "my_go-1"}
REMOTE = ["1.23rc1", "1.22.4", "1.22.3", "1.21.6"]
CHANNELS = {"latest", "stable", "oldstable", "unstable"}
COMMANDS = set(gvmpy.list_commands(click.Context(gvmpy)))
EVIL = (
    "$(touch x)",
    "`touch x`",
    "1;touch x",
    "1 2",
    "a b",
    "'",
    '"',
    "\\",
    "*",
    "-n",
    "é",
    "1\ntouch x",
    "~",
)

every_shell = pytest.mark.parametrize("shell", SHELLS)
sorted_alike = pytest.mark.parametrize("shell", ["bash", "fish", "zsh", "zsh in fpath"])


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    """Somebody with two versions, two aliases, and a list of what could be had. Nothing may run `touch x`."""
    typist = Typist(tmp_path / "home", tmp_path / "work")
    typist.directory.mkdir()
    fill(typist.home / ".gvmpy")
    remember(typist.home / ".cache" / "gvmpy")
    own = (typist.home / ".gvmpy", typist.home / ".cache" / "gvmpy")
    before = snapshot(*own)
    yield typist
    assert snapshot(*own) == before
    assert not list(tmp_path.rglob("x"))


def fill(root: Path, versions: set[str] | None = None) -> None:
    for directory in ("receipts", "links"):
        (root / directory).mkdir(parents=True)
    for version in INSTALLED if versions is None else versions:
        (root / "receipts" / f"go{version}.json").touch()
        (root / "receipts" / f"go{version}.files").touch()
    for name in ("go", *ALIASES):
        (root / "links" / name).symlink_to("../versions/go1.21.6")


def remember(cache: Path, versions: list[str] | None = None) -> None:
    cache.mkdir(parents=True)
    lines = REMOTE if versions is None else versions
    (cache / "remote-versions").write_text("".join(f"{line}\n" for line in lines))


def tree(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner is not None
            yield from tree(inner, f"{path} {name}".strip())


class TestNothingDrifts:
    def test_the_files_are_what_the_commands_say(self) -> None:
        script = REPOSITORY / "docs" / "generate.py"
        checked = subprocess.run(
            [sys.executable, script, "--check"], capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

    @pytest.mark.parametrize("shell", FILES)
    def test_the_program_prints_the_files(self, user: User, shell: str) -> None:
        printed = user.run("completion", shell)
        assert (printed.returncode, printed.stderr) == (0, "")
        assert printed.stdout == (SCRIPTS / FILES[shell]).read_text()

    @every_shell
    def test_every_command_and_option_is_offered(self, typist: Typist, shell: str) -> None:
        everything = dict(tree(gvmpy))
        assert {"", "install", "config set"} <= set(everything)
        words = typist.offered(shell, *(f"gvmpy {path} ".replace("  ", " ") for path in everything))
        options = typist.offered(shell, *(f"gvmpy {path} -".replace("  ", " ") for path in everything))
        for (path, command), inner, own in zip(everything.items(), words, options, strict=True):
            if isinstance(command, click.Group):
                assert set(inner) == set(command.list_commands(click.Context(command))), path
            context = click.Context(command, info_name=path, **gvmpy.context_settings)
            wanted = {
                name
                for one in command.get_params(context)
                if isinstance(one, click.Option)
                for name in one.opts
            }
            assert {"-h", "--help"} <= wanted
            assert set(own) - {"-"} == wanted, path

    @every_shell
    def test_a_command_that_has_other_shapes(self, typist: Typist, shell: str, tmp_path: Path) -> None:
        """Options with values stand in no command yet; the tables and the walk over them are ready."""

        @click.group(context_settings={"help_option_names": ["-h", "--help"]})
        def top() -> None: ...

        @top.command()
        @click.option("--level", "-l", type=click.Choice(["low", "high"]), help="What's `loud` ($x).")
        @click.option("--name")
        @click.argument("many", type=click.Choice(["a", "b"]), nargs=-1)
        @click.argument("last", metavar="VERSION")
        def shape(level: str, name: str, many: str, last: str) -> None: ...

        typist.scripts = tmp_path / "scripts"
        typist.scripts.mkdir()
        for path, text in generator().pages(top):
            (typist.scripts / path.name).write_text(text)
        lines = (
            "shape --level ",
            "shape -l ",
            "shape --name x ",
            "shape --name ",
            "shape a b ",
            "shape -l low -",
        )
        found = typist.offered(shell, *(f"gvmpy {line}" for line in lines))
        options = ["--help", "--level", "--name", "-h", "-l"]
        assert [sorted(words) for words in found] == [
            ["high", "low"],
            ["high", "low"],
            ["a", "b"],
            [],
            ["a", "b"],
            options,
        ]


def generator() -> Any:
    specification = importlib.util.spec_from_file_location(
        "completions", REPOSITORY / "docs" / "completions.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = sys.modules["completions"] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class TestWhatIsOffered:
    @every_shell
    def test_commands(self, typist: Typist, shell: str) -> None:
        everything, some, none, below = typist.offered(shell, "gvmpy ", "gvmpy uni", "gvmpy zz", "gvmpy zz ")
        assert set(everything) == COMMANDS
        assert (some, none, below) == (["uninstall"], [], [])

    @every_shell
    def test_versions(self, typist: Typist, shell: str) -> None:
        found = typist.offered(
            shell,
            *("gvmpy use ", "gvmpy use 1.2", "gvmpy use 1.22", "gvmpy use --default wo", "gvmpy use 1.21.6 "),
            *("gvmpy uninstall --force ", "gvmpy verify ", "gvmpy exec ", "gvmpy use -- 1.21"),
        )
        assert set(found[0]) == INSTALLED | ALIASES | CHANNELS | {"system", "-"}
        assert set(found[1]) == INSTALLED
        assert found[2:5] == [["1.22.3"], ["work"], []]
        assert set(found[5]) == INSTALLED
        assert set(found[6]) == INSTALLED | ALIASES | CHANNELS
        assert set(found[7]) == INSTALLED | ALIASES | CHANNELS | {"system"}
        assert found[8] == ["1.21.6"]

    @every_shell
    def test_remote_versions(self, typist: Typist, shell: str) -> None:
        found = typist.offered(
            shell, "gvmpy install ", "gvmpy install 1.22.3 1.2", "gvmpy use --install 1.2", "gvmpy use 1.23"
        )
        assert set(found[0]) == {*REMOTE, *CHANNELS}
        assert set(found[1]) == set(found[2]) == set(REMOTE)
        assert len(found[2]) == len(REMOTE)
        assert "1.23rc1" not in found[3]

    @sorted_alike
    def test_the_newest_comes_first(self, typist: Typist, shell: str) -> None:
        assert typist.offered(shell, "gvmpy install 1") == [REMOTE]

    def test_readline_does_not_sort_them(self) -> None:
        script = f'source "{SCRIPTS}/gvmpy.bash"; complete -p gvmpy'
        told = subprocess.run(
            [*interpreter("bash"), "-c", script], capture_output=True, text=True, check=True
        )
        assert told.stdout == "complete -o nosort -F _gvmpy_complete gvmpy\n"

    @every_shell
    def test_fixed_words(self, typist: Typist, shell: str) -> None:
        found = typist.offered(
            shell,
            *("gvmpy which ", "gvmpy completion ", "gvmpy init ", "gvmpy init - b", "gvmpy which go "),
            *("gvmpy config ", "gvmpy config get ", "gvmpy config set trust.m", "gvmpy config set missing "),
            *("gvmpy config set switch.missing ", "gvmpy config set trust.minimum p"),
        )
        assert [set(words) for words in found[:6]] == [
            {"go", "gofmt"},
            {"bash", "zsh", "fish"},
            {"-"},
            {"bash", "busybox"},
            set(),
            {"list", "get", "set", "unset", "edit"},
        ]
        assert set(found[6]) == {key.name for key in KEYS}
        assert found[7:9] == [["trust.minimum"], []]
        assert set(found[9]) == {"error", "install"}
        assert found[10] == ["pinned"]

    @every_shell
    def test_the_command_behind_exec(self, typist: Typist, shell: str) -> None:
        tool, other = typist.directory / "my-tool", typist.directory / "my-text"
        tool.touch(mode=0o755)
        other.touch()
        typist.env["PATH"] = f"{typist.directory}:/usr/bin:/bin"
        found = typist.offered(
            shell, "gvmpy exec 1.21.6 my-", "gvmpy exec 1.21.6 -- my-", "gvmpy exec 1.21.6 -- ls -l my-"
        )
        # fish offers files to run, too, wherever it offers commands.
        assert {word for word in found[0] if word != "my-text"} == {"my-tool"}
        assert found[1] == found[0]
        assert set(found[2]) == {"my-text", "my-tool"}


class TestSurroundings:
    @every_shell
    def test_nothing_is_there(self, typist: Typist, shell: str) -> None:
        typist.env["GVMPY_ROOT"] = f"{typist.home}/nowhere"
        typist.env["GVMPY_CACHE"] = f"{typist.home}/nowhere"
        found = typist.offered(shell, "gvmpy use ", "gvmpy install ", "gvmpy uninstall ")
        assert set(found[0]) == CHANNELS | {"system", "-"}
        assert (set(found[1]), found[2]) == (CHANNELS, [])

    @every_shell
    @pytest.mark.parametrize("kind", ["directory", "unreadable", "empty", "loop"])
    def test_a_list_that_cannot_be_read(self, typist: Typist, shell: str, kind: str, tmp_path: Path) -> None:
        cache = tmp_path / "home" / ".cache" / "odd"
        typist.env["GVMPY_CACHE"] = str(cache)
        cache.mkdir()
        file = cache / "remote-versions"
        if kind == "directory":
            file.mkdir()
        elif kind == "loop":
            file.symlink_to(file)
        else:
            file.touch(mode=0o000)
        assert [set(words) for words in typist.offered(shell, "gvmpy install ")] == [CHANNELS]

    @every_shell
    def test_where_variables_put_things(self, typist: Typist, shell: str, tmp_path: Path) -> None:
        """Below names that are hostile; an empty variable counts as unset."""
        place = tmp_path / HOSTILE
        fill(place / "root", {"1.25.5"})
        remember(place / "cache", ["1.26.0"])
        remember(place / "gvmpy", ["1.27.0"])
        typist.env |= {"GVMPY_ROOT": str(place / "root"), "XDG_CACHE_HOME": str(place)}
        assert typist.offered(shell, "gvmpy use 1", "gvmpy install 1") == [["1.25.5"], ["1.27.0"]]
        typist.env["GVMPY_CACHE"] = str(place / "cache")
        assert typist.offered(shell, "gvmpy use 1", "gvmpy install 1") == [["1.25.5"], ["1.26.0"]]
        typist.env |= {"GVMPY_ROOT": "", "GVMPY_CACHE": "", "XDG_CACHE_HOME": ""}
        assert [set(words) for words in typist.offered(shell, "gvmpy use 1", "gvmpy install 1")] == [
            INSTALLED,
            set(REMOTE),
        ]

    @every_shell
    def test_hostile_names(self, typist: Typist, shell: str, tmp_path: Path) -> None:
        root = tmp_path / "evil"
        fill(root)
        for name in EVIL:
            (root / "receipts" / f"go{name}.json").touch()
            (root / "links" / name).symlink_to("nowhere")
        (root / "links" / "go1.22").symlink_to("nowhere")
        remember(root / "cache", [*EVIL, *REMOTE])
        typist.env |= {"GVMPY_ROOT": str(root), "GVMPY_CACHE": str(root / "cache")}
        found = typist.offered(
            shell,
            "gvmpy use ",
            "gvmpy install ",
            "gvmpy uninstall ",
            "gvmpy use $(touch x",
            "gvmpy $(touch x) ",
        )
        assert set(found[0]) == INSTALLED | ALIASES | CHANNELS | {"system", "-"}
        assert set(found[1]) == {*REMOTE, *CHANNELS, "1"}  # `1` begins a line that says more in the next
        assert set(found[2]) == INSTALLED
        assert found[3] == []

    @pytest.mark.parametrize(
        "options",
        [
            "set -u",
            "set -e",
            "set -f",
            "shopt -s failglob",
            "shopt -s nullglob",
            "IFS=1",
            "shopt -s nocasematch",
        ],
    )
    def test_bash_options(self, typist: Typist, options: str) -> None:
        typist.env["FIRST"] = options
        before, after = (f'{options}; set +o; shopt -p; echo "$IFS"' for _ in range(2))
        assert before == after
        [found] = typist.offered("bash", "gvmpy use --install 1.2")
        assert set(found) == set(REMOTE)
        typist.env["GVMPY_ROOT"] = "/nowhere"
        assert typist.offered("bash", "gvmpy uninstall ") == [[]]

    def test_bash_options_are_left_as_they_were(self, typist: Typist) -> None:
        script = """
        source "$SCRIPT"
        for options in 'set -f' 'shopt -s failglob' ':'; do
          set +f; shopt -u failglob; eval "$options"
          before=$(set +o; shopt -p; echo "$IFS")
          COMP_WORDS=(gvmpy use '') COMP_CWORD=2
          _gvmpy_complete gvmpy
          [ "$before" = "$(set +o; shopt -p; echo "$IFS")" ] || echo "$options"
        done
        """
        told = subprocess.run(
            [*interpreter("bash"), "-c", script],
            env=typist.environment("bash"),
            capture_output=True,
            check=True,
        )
        assert (told.stdout, told.stderr) == (b"", b"")

    @pytest.mark.parametrize("shell", FILES)
    def test_sourced_twice(self, typist: Typist, shell: str, tmp_path: Path) -> None:
        typist.scripts = tmp_path / "twice"
        typist.scripts.mkdir()
        text = (SCRIPTS / FILES[shell]).read_text()
        (typist.scripts / FILES[shell]).write_text(f"{text}\n{text}")
        found = typist.offered(shell, "gvmpy wh")
        assert found == [["which"]]


def alone(shell: str, line: str) -> list[str]:
    """Return the command of a shell that prints what it offers after `line`, and does nothing besides."""
    words, last = line.split(), line.count(" ")
    script = {
        "bash": f'source "$SCRIPT"; COMP_WORDS=({line} "") COMP_CWORD={last}; _gvmpy_complete gvmpy; '
        'printf "%s\\n" "${COMPREPLY[@]}"',
        "zsh": f'source "$SCRIPT"; _gvmpy_complete_answer {last + 1} "" {line} ""; print -rl -- $answer',
        "fish": f"source $SCRIPT; complete -C '{line}'",
    }[shell]
    assert last == len(words)
    return [*interpreter(shell), {"bash": "-c", "zsh": "-fc", "fish": "-Nc"}[shell], script]


class TestCost:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_no_process(self, typist: Typist, shell: str, tmp_path: Path) -> None:
        trace = tmp_path / "trace"
        calls = "trace=execve,fork,vfork,clone,clone3"
        told = subprocess.run(
            ["strace", "-f", "-qq", "-e", calls, "-o", trace, *alone(shell, "gvmpy use --install ")],
            env=typist.environment(shell),
            cwd=typist.directory,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        seen = trace.read_text().splitlines()
        assert {*INSTALLED, *REMOTE, *ALIASES} <= set(told.stdout.split())
        # fish reads its files in threads.
        started = [line for line in seen if "CLONE_THREAD" not in line and "resumed>" not in line]
        assert ["execve(" in line for line in started] == [True], started

    @pytest.mark.parametrize("shell", FILES)
    def test_a_home_that_takes_nothing(self, typist: Typist, shell: str) -> None:
        root = typist.home / "locked"
        fill(root)
        remember(root / "cache")
        subprocess.run(["chmod", "-R", "a-w", str(root)], check=True)
        typist.env |= {"GVMPY_ROOT": str(root), "GVMPY_CACHE": str(root / "cache")}
        told = subprocess.run(
            ordinary(alone(shell, "gvmpy use --install ")),
            env=typist.environment(shell),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=True)
        assert (told.returncode, told.stderr) == (0, "")
        assert set(told.stdout.split()) == {*REMOTE, *ALIASES, *CHANNELS, "system", "-"}


class TestOnATerminal:
    @pytest.mark.parametrize("shell", ["bash", "zsh"])
    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("gvmpy us\t1.22\t", "<use><1.22.3>"),
            ("gvmpy inst\t1.23\t1.22.4", "<install><1.23rc1><1.22.4>"),
            ("gvmpy use my\t", "<use><my_go-1>"),
            ("gvmpy exec 1.21\tmy-t\t", "<exec><1.21.6><my-t $(touch x)>"),
            ("gvmpy exec 1.21\t-- ls my-f\t", "<exec><1.21.6><--><ls><my-f `touch x`>"),
        ],
    )
    def test_tab_and_enter(self, typist: Typist, shell: str, typed: str, words: str) -> None:
        (typist.directory / "my-t $(touch x)").touch(mode=0o755)
        (typist.directory / "my-f `touch x`").touch()
        env = typist.environment(shell) | {"PATH": f"{typist.directory}:/usr/bin:/bin"}
        flags = ["--norc", "--noprofile", "-i"] if shell == "bash" else ["-fi"]
        setup = "" if shell == "bash" else "autoload -Uz compinit; compinit -D -u; "
        with Terminal([*interpreter(shell), *flags], env, typist.directory) as terminal:
            terminal.type(f"HISTFILE=; {setup}source $SCRIPT; gvmpy() {{ printf '<%s>' \"$@\"; echo; }}\n")
            terminal.ready()
            terminal.type(f"{typed}\n")
            shown = terminal.until(b">\r\n")
        assert f"\n{words}\r\n" in shown
