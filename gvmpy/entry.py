"""Start-up: answers the calls a shell makes at every start, and hands all else to the command line.

`gvmpy --version` and `gvmpy init -` import neither click nor httpx, nor anything else that costs more than
the interpreter itself; `current` and `which` do without click.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run gvmpy with the arguments of this process; return its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from gvmpy import __version__

        return _write(f"gvmpy {__version__}\n")
    if arguments[:2] == ["init", "-"] and len(arguments) <= len(["init", "-", "SHELL"]):
        return _init(arguments[2:])
    if arguments in (["current"], ["root"], ["prompt"], ["which"], ["which", "go"], ["which", "gofmt"]):
        from gvmpy.ui import answers
        from gvmpy.ui.edge import answer

        simple = {"current": answers.current, "root": answers.root, "prompt": answers.prompt}
        work = simple.get(arguments[0], lambda: answers.which(arguments[1:]))
        return answer(arguments[0], work, as_json=False)
    from gvmpy.cli import run

    return run(arguments)


def _init(named: list[str]) -> int:
    """Print the text for `eval`: one line where the static file is as it should be, else the whole."""
    from gvmpy.root import program_path, root_path
    from gvmpy.shells.detect import SHELLS, parent_shell, shell_name
    from gvmpy.shells.init import render
    from gvmpy.shells.static import stub

    shell = shell_name(named[0]) if named else parent_shell()
    if shell is None:
        print(f"error: no init text for shell {named[0]!a}", file=sys.stderr)
        print(f"hint: known shells: {', '.join(SHELLS)}", file=sys.stderr)
        return 2
    try:
        root, program = root_path(os.environ), program_path()
        return _write(stub(root, program, shell) or render(root, program, shell))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _write(text: str) -> int:
    """Write `text` to stdout in the bytes it came from; paths need not be UTF-8. Return the exit code."""
    try:
        with open(1, "wb", closefd=False) as stream:
            stream.write(os.fsencode(text))
    except BrokenPipeError:
        return 141
    except OSError as error:
        print(f"error: cannot write to standard output: {error.strerror}", file=sys.stderr)
        return 6
    return 0
