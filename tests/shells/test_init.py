"""The init text, in the real shells."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gvmpy.shells.init import render
from gvmpy.shells.quote import quote_posix
from tests.shells.real import HOSTILE, REPOSITORY, SHELLS, interpreter

UTF8 = {"LC_ALL": "C.UTF-8"}
every_shell = pytest.mark.parametrize("shell", SHELLS)

# Answers as `gvmpy use` does, and says how it was called.
PROGRAM = r"""#!/bin/sh
case "${GVMPY_SHELL_FUNCTION-},$1,${2-}" in
1,use,bad) echo 'refused' >&2; exit 3 ;;
1,use,evil) printf '%s\n' '1.22;touch x' ;;
1,use,silent) ;;
1,use,*) printf '%s\n' "$2" ;;
*) printf 'program: %s\n' "$*"; exit 7 ;;
esac
"""


# What is asked for, and what is then chosen.
PLAIN = {
    "1.22.3": "1.22.3",
    "go1.22.3": "1.22.3",
    "1.23rc1": "1.23rc1",
    "go1.9beta2": "1.9beta2",
    "1.21.0": "1.21.0",
    "1.20.14": "1.20.14",
}
# Each would have a directory, if it went by the spelling alone.
NOT_PLAIN = [
    "1.20.0",
    "go1.4.0",
    "1.22",
    "1",
    "01.22.3",
    "1.022.3",
    "1.22.03",
    "1.22.3.4",
    "1.22.3rc1",
    "1.23rc",
    "1.23rc01",
    "1.12345.1",
    "1.23RC1",
    "gogo1.22.3",
    "v1.22.3",
    "1.22.",
    "'1.22.3 '",
    "'*'",
    "''",
    "1.22.٣",
    "1.22.3/../go1.22.3",
    "--install",
    "1.22.3 --install",
]


@dataclass
class Session:
    """A shell about to start below a hostile name; `text` is what `gvmpy init -` prints there."""

    top: Path
    shell: str

    @classmethod
    def start(cls, top: Path, shell: str) -> Session:
        session = cls(top, shell)
        session.program.parent.mkdir()
        session.program.write_text(PROGRAM)
        session.program.chmod(0o755)
        return session

    def put(self, *versions: str) -> None:
        """Have `versions` installed, as far as the function looks."""
        for text in versions:
            receipt = self.top / HOSTILE / "receipts" / f"go{text}.json"
            receipt.parent.mkdir(exist_ok=True)
            receipt.write_text("{}")
            binary = self.top / HOSTILE / "versions" / f"go{text}" / "bin" / "go"
            binary.parent.mkdir(parents=True, exist_ok=True)
            binary.write_text("#!/bin/sh\n")
            binary.chmod(0o755)

    @property
    def shims(self) -> str:
        return str(self.top / HOSTILE / "shims")

    @property
    def program(self) -> Path:
        return self.top / HOSTILE / "gvmpy"

    @property
    def text(self) -> str:
        return render(str(self.top / HOSTILE), str(self.program))

    def run(self, script: str, *, options: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run `script`, in which `init` stands for evaluating the text."""
        (self.top / "init.sh").write_text(self.text)
        # Read from a file: an argument of several lines would be a different way to evaluate.
        (self.top / "script").write_text(script.replace("@init", 'eval "$(cat init.sh)"'))
        arguments = [f"-{options}"] if options else []
        return subprocess.run(
            [*interpreter(self.shell), *arguments, "script"],
            cwd=self.top,
            env={"PATH": "/usr/bin:/bin"} | UTF8 | env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def lines(self, script: str, *, options: str = "eu", **env: str) -> list[str]:
        finished = self.run(script, options=options, **env)
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout.splitlines()


@pytest.fixture(params=SHELLS)
def session(tmp_path: Path, request: pytest.FixtureRequest) -> Session:
    return Session.start(tmp_path, request.param)


@pytest.fixture(autouse=True)
def _nothing_runs_what_a_name_says(tmp_path: Path) -> object:
    yield
    assert not list(tmp_path.rglob("x"))


@every_shell
@pytest.mark.parametrize(
    "text", ["", "plain", HOSTILE, "'", "''", "a'", "'a", "\\", "-n", "~", "!!", "\x7f\t", "é🚒"]
)
def test_a_quoted_word_comes_back(shell: str, text: str) -> None:
    script = f"/usr/bin/printf '%s.' {quote_posix(text)}"
    finished = subprocess.run([*interpreter(shell), "-c", script], env=UTF8, capture_output=True, check=True)
    assert finished.stdout == f"{text}.".encode()


def test_zsh_with_doubled_quotes(tmp_path: Path) -> None:
    script = "setopt rc_quotes; print -rn -- " + quote_posix("a''b'")
    finished = subprocess.run([*interpreter("zsh"), "-c", script], env=UTF8, capture_output=True, check=True)
    assert finished.stdout == b"a''b'"


def test_what_no_shell_can_hold() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote_posix("a\0b")
    with pytest.raises(ValueError, match="colon"):
        render("/a:b", "/bin/gvmpy")


def test_values_that_look_like_marks() -> None:
    text = render("/__GVMPY_PROGRAM__", "/__GVMPY_ROOT__")
    assert "_gvmpy_shims='/__GVMPY_PROGRAM__'/shims\n" in text
    assert "  elif [ -x '/__GVMPY_ROOT__' ]; then\n" in text


@pytest.mark.parametrize("call", ["init.render('/r', '/p', 'fish')", "static.stub('/r', '/p', 'sh')"])
def test_the_hot_path_imports_next_to_nothing(call: str) -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from gvmpy.shells import detect, init, static\n"
        f"detect.parent_shell(); {call}\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    finished = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {f"gvmpy.shells.{name}" for name in ("detect", "init", "quote", "static")}
    assert set(finished.stdout.split()) <= ours | {
        "gvmpy",
        "gvmpy.assets",
        "gvmpy.shells",
        "__future__",
        "os",
        "os.path",
        "stat",
        "_stat",
        "posixpath",
        "genericpath",
        "_collections_abc",
    }


PATHS = {
    "plain": ("/usr/bin:/bin", "/usr/bin:/bin"),
    "sunk and repeated": ("/usr/bin:@:/bin:@/:@", "/usr/bin:/bin"),
    "in front": ("@:/usr/bin:/bin", "/usr/bin:/bin"),
    "with the current directory": ("/usr/bin:/bin:", "/usr/bin:/bin:"),
    "with it in the middle": ("/usr/bin::/bin", "/usr/bin::/bin"),
    "with blanks and stars": ("/usr/bin:/a b:/*:/bin", "/usr/bin:/a b:/*:/bin"),
}


@pytest.mark.parametrize("case", PATHS)
def test_the_shims_are_on_path_once_and_first(session: Session, case: str) -> None:
    before, rest = PATHS[case]
    script = '@init\n@init\nset -C\n@init\n/usr/bin/printf "%s" "$PATH"'
    finished = session.run(script, options="eu", PATH=before.replace("@", session.shims))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"{session.shims}:{rest}"


def test_an_empty_path_does_not_gain_the_current_directory(session: Session) -> None:
    (session.top / "init.sh").write_text(session.text)
    script = '. ./init.sh; /usr/bin/printf "%s" "$PATH"'
    command = [*interpreter(session.shell), "-c", f"PATH=; {script}"]
    finished = subprocess.run(command, cwd=session.top, env=UTF8, capture_output=True, text=True, check=True)
    assert finished.stdout == session.shims


def test_it_leaves_no_variables(session: Session) -> None:
    names = "set | sed -n 's/^\\(_gvmpy_[a-z_]*\\)=.*/\\1/p'"
    assert session.lines(f"@init\n{names}") == []
    assert session.lines(f"@init\ngvmpy use 1.22.3; gvmpy use -h >/dev/null || :\n{names}") == [
        "_gvmpy_previous"
    ]
    assert session.lines("@init\ngvmpy use 1.22.3; env | sed -n 's/^_gvmpy.*/&/p'") == []


def test_goroot_is_unset_in_silence_off_a_terminal(session: Session) -> None:
    assert session.lines('@init\necho "${GOROOT-none}"; env | grep -c ^GOROOT= || :', GOROOT="/stale") == [
        "none",
        "0",
    ]


def test_goroot_is_mentioned_once_on_a_terminal(session: Session) -> None:
    (session.top / "init.sh").write_text(session.text)
    ours, theirs = pty.openpty()
    script = ". ./init.sh; . ./init.sh"
    command = [*interpreter(session.shell), "-c", script]
    subprocess.run(command, cwd=session.top, env=UTF8 | {"GOROOT": "/st%sale"}, stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert said.count("GOROOT was set to /st%sale") == 1


def test_use_exports_the_answer(session: Session) -> None:
    script = "@init\ngvmpy use 1.22.3\nenv | grep ^GVMPY\ngvmpy use system\nenv | grep ^GVMPY"
    assert session.lines(script) == ["GVMPY_VERSION=1.22.3", "GVMPY_VERSION=system"]


def test_use_dash_swaps_without_a_process(session: Session) -> None:
    tell = 'echo "${GVMPY_VERSION-none}"'
    script = f"""@init
gvmpy use 1.22.3; gvmpy use 1.21.6
PATH=/nowhere
rm() {{ :; }}
{tell}; gvmpy use - 2>/dev/null; {tell}; gvmpy use - 2>/dev/null; {tell}
gvmpy use --unset; {tell}; gvmpy use - 2>/dev/null; {tell}; gvmpy use - 2>/dev/null; {tell}"""
    session.program.chmod(0o755)
    assert session.lines(script) == ["1.21.6", "1.22.3", "1.21.6", "none", "1.21.6", "none"]


@pytest.mark.parametrize(("asked", "chosen"), PLAIN.items())
def test_use_of_an_installed_version_starts_no_process(session: Session, asked: str, chosen: str) -> None:
    session.put(*PLAIN.values())
    session.program.chmod(0o644)
    # Nothing is left to be started, and nothing to start it with.
    script = f"@init\nPATH=/nowhere\nset -C\ngvmpy use {asked}\n/usr/bin/env | /usr/bin/grep ^GVMPY"
    assert session.lines(script) == [f"GVMPY_VERSION={chosen}"]


@pytest.mark.parametrize("asked", NOT_PLAIN)
def test_use_asks_the_program_about_all_else(session: Session, asked: str) -> None:
    session.put(*(text.strip("'").removeprefix("go") for text in NOT_PLAIN if "/" not in text))
    # The program answers "bad" to each, so that only a choice without it could succeed.
    session.program.write_text("#!/bin/sh\necho asked >&2\nexit 3\n")
    finished = session.run(f"@init\ngvmpy use {asked} || echo $?", options="eu")
    assert (finished.stdout, finished.stderr) == ("3\n", "asked\n")


@pytest.mark.parametrize("gone", ["receipts/go1.22.3.json", "versions/go1.22.3/bin/go"])
def test_use_asks_about_what_is_not_whole(session: Session, gone: str) -> None:
    session.put("1.22.3")
    (session.top / HOSTILE / gone).unlink()
    session.program.write_text("#!/bin/sh\nexit 3\n")
    assert session.lines("@init\ngvmpy use 1.22.3 || echo $?") == ["3"]


HOOKS = ["pre-switch.d/check", "post-switch.d/a b", "pre-switch.d/.hidden", "post-switch.d/..odd"]


@pytest.mark.parametrize("hook", HOOKS)
def test_use_leaves_hooks_to_the_program(session: Session, hook: str) -> None:
    session.put("1.22.3")
    entry = session.top / HOSTILE / "hooks" / hook
    session.program.write_text("#!/bin/sh\nexit 3\n")
    script = "@init\ngvmpy use 1.22.3 || echo $?\necho ${GVMPY_VERSION-none}"
    entry.parent.mkdir(parents=True)
    assert session.lines(script) == ["1.22.3"]
    entry.symlink_to("nowhere")
    assert session.lines(script) == ["3", "none"]


# Settings under which a pattern that matches nothing fails, or one that would match is left alone.
@pytest.mark.parametrize(
    ("shell", "setting", "plain"),
    [
        *((shell, "set -f", "3 none") for shell in SHELLS if shell != "zsh"),
        ("zsh", "setopt noglob", "1.22.3"),
        ("zsh", "setopt nullglob", "1.22.3"),
        ("zsh", "setopt nomatch ksharrays globsubst", "1.22.3"),
        ("bash", "shopt -s failglob", "3 none"),
        ("bash", "shopt -s nullglob", "1.22.3"),
        ("bash", "GLOBIGNORE='*check*'", "3 none"),
        ("ksh", "FIGNORE='*check*'", "3 none"),
    ],
)
def test_no_setting_hides_a_hook(tmp_path: Path, shell: str, setting: str, plain: str) -> None:
    session = Session.start(tmp_path, shell)
    session.put("1.22.3")
    session.program.write_text("#!/bin/sh\nexit 3\n")
    hooks = tmp_path / HOSTILE / "hooks" / "pre-switch.d"
    hooks.mkdir(parents=True)
    script = f"@init\n{setting}\ngvmpy use 1.22.3 || echo $?\necho ${{GVMPY_VERSION-none}}"
    assert session.lines(script) == plain.split()
    (hooks / "check").touch()
    assert session.lines(script) == ["3", "none"]


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_use_makes_no_fork(tmp_path: Path, shell: str) -> None:
    session = Session.start(tmp_path, shell)
    session.put("1.22.3")
    (tmp_path / "init.sh").write_text(session.text)
    trace = tmp_path / "trace"
    script = "set -eu; . ./init.sh; gvmpy use go1.22.3; [ $GVMPY_VERSION = 1.22.3 ]"
    strace = ["strace", "-f", "-e", "trace=process", "-o", str(trace), *interpreter(shell), "-c", script]
    subprocess.run(strace, cwd=tmp_path, env=UTF8, check=True, timeout=60)
    calls = re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE)
    assert calls.count("execve") == 1
    assert not {"fork", "vfork", "clone", "clone3"} & set(calls)


def test_the_front_answers_before_the_program(session: Session) -> None:
    front = Path(session.shims) / "gvmpy"
    front.parent.mkdir()
    front.write_text("#!/bin/sh\nprintf 'front: %s.' \"$@\"\n")
    assert session.lines('@init\ngvmpy list "a b" || echo $?') == ["program: list a b", "7"]
    front.chmod(0o755)
    assert session.lines('@init\ngvmpy list "a b"') == ["front: list.front: a b."]


def test_use_dash_without_a_choice_yet(session: Session) -> None:
    finished = session.run('@init\ngvmpy use - || echo "code $?"', options="eu")
    assert finished.stdout == "code 2\n"
    assert "hint: gvmpy use VERSION" in finished.stderr


@pytest.mark.parametrize(("word", "code"), [("bad", 3), ("evil", 2), ("silent", 2)])
def test_use_changes_nothing_when_it_fails(session: Session, word: str, code: int) -> None:
    guarded = f'gvmpy use {word} || echo "code $?"'
    script = f'@init\ngvmpy use 1.22.3\n{guarded}\necho "$GVMPY_VERSION"\ngvmpy use {word}\necho on'
    finished = session.run(script, options="eu")
    # Under `set -e` the second, unguarded failure ends the script with the program's own code.
    assert (finished.stdout.splitlines(), finished.returncode) == ([f"code {code}", "1.22.3"], code)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "list --json",
        "use",
        "use 1.22.3 --default",
        "use -d 1.22.3",
        "use --help",
        "use 1.22 --json",
        "install 1.22",
    ],
)
def test_everything_else_goes_to_the_program(session: Session, arguments: str) -> None:
    script = f'@init\ngvmpy {arguments} || echo "code $?"\necho "${{GVMPY_VERSION-none}}"'
    assert session.lines(script) == [f"program: {arguments}", "code 7", "none"]


def test_a_program_that_moved_is_looked_up(session: Session) -> None:
    moved = session.top / "elsewhere"
    moved.mkdir()
    session.program.rename(moved / "gvmpy")
    path = f"{moved}:/usr/bin:/bin"
    assert session.lines('@init\ngvmpy list "a b" || echo $?', PATH=path) == ["program: list a b", "7"]
    assert session.lines("@init\ngvmpy use 1.22.3; echo $GVMPY_VERSION", PATH=path) == ["1.22.3"]


def test_aliases_of_the_user_stay_out(session: Session) -> None:
    # bash expands aliases in scripts only when asked to.
    script = """[ -z "${BASH_VERSION-}" ] || shopt -s expand_aliases
alias gvmpy='echo alias gvmpy'
for name in export unset hash printf command return unalias eval; do alias "$name=echo alias $name"; done
@init
gvmpy use 1.22.3
echo "$GVMPY_VERSION"
gvmpy list || echo "code $?"
"""
    script = script.replace("@init", '\\eval "$(cat init.sh)"')
    assert session.lines(script, options="") == ["1.22.3", "program: list", "code 7"]


@pytest.mark.parametrize(
    "option", ["noclobber", "shwordsplit", "ksharrays", "errreturn", "globsubst", "posixbuiltins"]
)
def test_zsh_options(tmp_path: Path, option: str) -> None:
    session = Session.start(tmp_path, "zsh")
    session.put("1.22.3")
    (tmp_path / HOSTILE / "hooks" / "pre-switch.d").mkdir(parents=True)
    script = f"""setopt {option}
@init
@init
setopt >|before
gvmpy use 1.22.3
setopt >|after
echo $GVMPY_VERSION
printf %s "$PATH"
"""
    finished = session.run(script, options="eu")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"1.22.3\n{session.shims}:/usr/bin:/bin"
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


def test_a_remembered_go_is_forgotten(session: Session) -> None:
    shims = Path(session.shims)
    for directory, word in ((shims, "shim"), (session.top / "old", "old")):
        directory.mkdir()
        (directory / "go").write_text(f"#!/bin/sh\necho {word}\n")
        (directory / "go").chmod(0o755)
    assert session.lines("go\n@init\ngo", PATH=f"{session.top}/old:/usr/bin:/bin") == ["old", "shim"]
