"""The init text, in the real shells."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gvmpy.shells.init import render
from gvmpy.shells.quote import quote_posix
from tests.shells.real import HOSTILE, SHELLS, interpreter

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


@dataclass
class Session:
    """A shell about to start below a hostile name; `text` is what `gvmpy init -` prints there."""

    top: Path
    shell: str

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
    session = Session(tmp_path, request.param)
    session.program.parent.mkdir()
    session.program.write_text(PROGRAM)
    session.program.chmod(0o755)
    return session


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


def test_the_hot_path_imports_next_to_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import gvmpy.shells.init\n"
        "gvmpy.shells.init.render('/r', '/p')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    finished = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path.insert(0, {str(Path.cwd())!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {"gvmpy", "gvmpy.assets", "gvmpy.shells", "gvmpy.shells.init", "gvmpy.shells.quote", "__future__"}
    assert set(finished.stdout.split()) <= ours | {
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
    session = Session(tmp_path, "zsh")
    session.program.parent.mkdir()
    session.program.write_text(PROGRAM)
    session.program.chmod(0o755)
    script = f"setopt {option}\n@init\n@init\ngvmpy use 1.22.3\necho $GVMPY_VERSION\nprintf '%s' \"$PATH\""
    finished = session.run(script, options="eu")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"1.22.3\n{session.shims}:/usr/bin:/bin"


def test_a_remembered_go_is_forgotten(session: Session) -> None:
    shims = Path(session.shims)
    for directory, word in ((shims, "shim"), (session.top / "old", "old")):
        directory.mkdir()
        (directory / "go").write_text(f"#!/bin/sh\necho {word}\n")
        (directory / "go").chmod(0o755)
    assert session.lines("go\n@init\ngo", PATH=f"{session.top}/old:/usr/bin:/bin") == ["old", "shim"]
