"""Asking real shells what they would offer after a line."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.shells.real import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS = REPOSITORY / "shell" / "completions"
SHELLS = ("bash", "fish", "zsh", "zsh in fpath", "zsh without compinit", "zsh before compinit")
FILES = {"bash": "gvmpy.bash", "fish": "gvmpy.fish", "zsh": "_gvmpy"}

_END = "----"
_PROMPT = b"READY> "

# What readline does: split the line into words, call the function, take COMPREPLY.
_BASH = r"""
source "$SCRIPT"
registered=$(complete -p gvmpy)
[[ $registered =~ -F\ ([a-z_]+)\ gvmpy$ ]] || exit 1
function=${BASH_REMATCH[1]}
eval "$FIRST"
for COMP_LINE in "$@"; do
  IFS=$' \t\n' read -ra COMP_WORDS <<<"$COMP_LINE"
  [[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE}
  "$function" gvmpy "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  [[ ${#COMPREPLY[@]} = 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
  echo ----
done
"""
_FISH = r"""
source $SCRIPT
for line in $argv
    complete -C $line | string replace -r '\t.*' ''
    echo ----
end
"""
_COMPINIT = "autoload -Uz compinit; compinit -D -u"
_ZSH = {
    "zsh": f"{_COMPINIT}; source $SCRIPT",
    "zsh in fpath": f"fpath=(${{SCRIPT:h}} $fpath); {_COMPINIT}",
    "zsh without compinit": "source $SCRIPT",
    "zsh before compinit": f"source $SCRIPT; {_COMPINIT}",
}


@dataclass
class Typist:
    """Somebody at a shell in `directory`, with what is under `home` and no more."""

    home: Path
    directory: Path
    env: dict[str, str] = field(default_factory=dict)
    scripts: Path = SCRIPTS

    def environment(self, shell: str) -> dict[str, str]:
        script = self.scripts / FILES[shell.partition(" ")[0]]
        base = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        return base | {"SCRIPT": str(script), "FIRST": ""} | self.env

    def offered(self, shell: str, *lines: str) -> list[list[str]]:
        """Return what `shell` offers at the end of each of `lines`."""
        if shell.startswith("zsh"):
            return self._zsh(_ZSH[shell], lines)
        command = [_path("bash"), "-c", _BASH, "bash"] if shell == "bash" else [_path("fish"), "-Nc", _FISH]
        finished = subprocess.run(
            [*command, *lines],
            cwd=self.directory,
            env=self.environment(shell),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        answers = finished.stdout.split(f"{_END}\n")
        assert len(answers) == len(lines) + 1
        return [answer.splitlines() for answer in answers[:-1]]

    def _zsh(self, setup: str, lines: tuple[str, ...]) -> list[list[str]]:
        """Let zsh list the choices on a terminal wide enough, and read them there."""
        with Terminal([_path("zsh"), "-fi"], self.environment("zsh"), self.directory) as terminal:
            plain = "RPS1= PROMPT_EOL_MARK= LISTMAX=9999; unsetopt list_types"
            terminal.type(f"{plain}; bindkey '^I' list-choices; {setup}\n")
            terminal.ready()
            return [_listed(terminal.list(line)) for line in lines]


class Terminal:
    """A shell on a terminal of 200 by 1000 characters, whose prompt becomes READY>."""

    def __init__(self, command: list[str], env: dict[str, str], directory: Path) -> None:
        self._pid, self._end = pty.fork()
        if self._pid == 0:
            os.chdir(directory)
            os.execve(command[0], command, env)  # noqa: S606 - no shell but the one meant
        self._shown = b""
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", 1000, 200, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        os.waitpid(self._pid, 0)

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def ready(self) -> None:
        """Wait for a prompt that is sure to be new."""
        self.type("PS1='REA''DY> '\n")
        self.until(_PROMPT)

    def list(self, line: str) -> str:
        """Return all that appears after `line` and Tab; the line is thrown away."""
        self.type(f"{line}\t\x15print -r E''ND\n")
        shown = self.until(b"END\r\n")
        self.until(_PROMPT)
        return shown.partition("print -r E")[0]

    def until(self, mark: bytes) -> str:
        """Return what is shown up to `mark` and with it; what came after is for the next call."""
        while mark not in self._shown:
            ready, _, _ = select.select([self._end], [], [], 60)
            assert ready, self._shown
            self._shown += os.read(self._end, 1 << 16)
        before, mark, self._shown = self._shown.partition(mark)
        return (before + mark).decode()


def _listed(shown: str) -> list[str]:
    """Return the words of a list on the screen: in columns, or each with ` -- ` and its meaning."""
    text = shown.partition("\r\r\n")[2].partition(_PROMPT.decode())[0]
    return [word for line in text.split("\r\n") for word in line.split(" -- ")[0].split()]


def _path(shell: str) -> str:
    path = shutil.which(shell)
    assert path is not None, f"{shell} has to be installed for these tests"
    return path
