"""What gvmpy adds to the start of a shell, and what its quick commands cost.

    python benchmarks/startup.py [--runs 50] [--peers]

A shell that loads gvmpy stands beside the same shell that does nothing; a command beside `sh -c :`, the
least that any command in sh can cost. "front" is `~/.gvmpy/shims/gvmpy`, which answers by builtins; "script"
the console script that pip makes. With --peers, other managers do the same in the same rounds.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import Command, Proof, Row
from benchmarks.program import CHOSEN, PATH
from benchmarks.session import session

if TYPE_CHECKING:
    from benchmarks.peers import Peers
    from benchmarks.program import Prepared

# How each shell is started without anybody's rc files.
_BARE = {
    "bash": ("--norc", "--noprofile", "-c"),
    "dash": ("-c",),
    "zsh": ("-f", "-c"),
    "fish": ("--no-config", "-c"),
}
_VERBS = {
    "--version": "gvmpy ",
    "root": "/.gvmpy",
    "list": CHOSEN,
    "current": CHOSEN,
    "which": f"go{CHOSEN}/bin/go",
    "prompt": CHOSEN,
}


def main() -> None:
    with session(__doc__, runs=50) as here:
        made, peers = here.made, here.peers
        pinned = made.directory("pinned", {".go-version": f"{CHOSEN}\n"}, depth=1)
        here.show(_shell_rows(made, pinned) + _verb_rows(made, pinned) + _peer_rows(made, peers))


def _front(made: Prepared) -> str:
    return str(made.root / "shims" / "gvmpy")


def _shell_rows(made: Prepared, directory: str) -> list[Row]:
    """Return three ways of loading gvmpy in each shell, and one `use` in a shell that has it loaded."""
    rows = []
    for shell in _BARE:
        fish = shell == "fish"
        static = str(made.root / "shell" / ("init.fish" if fish else "init.sh"))
        ask = "{} init - fish | source" if fish else 'eval "$({} init -)"'
        source = f"source {static}" if fish else f". {static}"
        front = _front(made)
        rows += [
            _shell_row(made, f"{shell}, static file", shell, source, directory, needs=[static]),
            _shell_row(made, f"{shell}, init by front", shell, ask.format(front), directory, needs=[front]),
            _shell_row(made, f"{shell}, init by script", shell, ask.format(made.program), directory),
        ]
        use = f"{source}; gvmpy use {CHOSEN}"
        show = f'{use}; echo "chose $GVMPY_VERSION"'
        rows.append(
            Row(
                f"{shell}, use {CHOSEN}",
                _in_shell(made, shell, use, directory),
                _in_shell(made, shell, source, directory),
                f"{shell}, static file",
                Proof(_in_shell(made, shell, show, directory), f"chose {CHOSEN}"),
                needs=[static],
            )
        )
    return rows


def _shell_row(
    made: Prepared, name: str, shell: str, script: str, directory: str, *, needs: list[str] | None = None
) -> Row:
    """Return the row of a shell that runs `script`, after which `go` has to be the shim."""
    return Row(
        name,
        _in_shell(made, shell, script, directory),
        _in_shell(made, shell, ":", directory),
        f"{shell} -c :",
        Proof(_in_shell(made, shell, f"{script}; command -v go", directory), str(made.root / "shims" / "go")),
        needs=needs or [],
    )


def _in_shell(made: Prepared, shell: str, script: str, directory: str) -> Command:
    return Command((_path(shell), *_BARE[shell], script), made.env, directory)


def _path(shell: str) -> str:
    return shutil.which(shell, path=PATH) or f"/usr/bin/{shell}"


def _verb_rows(made: Prepared, directory: str) -> list[Row]:
    rows = [
        _verb_row(f"{verb}, {kind}", Command((program, verb), made.env, directory), answer)
        for kind, program in (("front", _front(made)), ("script", made.program))
        for verb, answer in _VERBS.items()
    ]
    nothing = Command((sys.executable, "-I", "-c", "pass"), made.env, directory)
    return [*rows, _verb_row("python -I -c pass", nothing, "")]


def _verb_row(name: str, command: Command, answer: str, *, times: str = "") -> Row:
    bare = Command(("/bin/sh", "-c", ":"), command.env, command.directory)
    return Row(name, command, bare, "sh -c :", Proof(command, answer), times=times, whole=True)


def _peer_rows(made: Prepared, peers: Peers) -> list[Row]:
    """Return the same for others, in bash; each row names the one of gvmpy's front that it is divided by."""
    rows = []
    for number, peer in enumerate(peers.found):
        directory = made.directory(f"peer-{number}", peer.pin, depth=1)
        if peer.init:
            bash = (_path("bash"), *_BARE["bash"])
            load, bare = (Command((*bash, script), peer.env, directory) for script in (peer.init, ":"))
            name = f"bash, init by {peer.name}"
            rows.append(Row(name, load, bare, "bash -c :", Proof(load, ""), times="bash, init by front"))
        for verb, arguments in peer.verbs.items():
            command = Command(arguments, peer.env, directory)
            answer = CHOSEN if verb == "list" else ""
            rows.append(_verb_row(f"{verb}, {peer.name}", command, answer, times=f"{verb}, front"))
    return rows


if __name__ == "__main__":
    main()
