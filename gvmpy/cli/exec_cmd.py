from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

import click

from gvmpy.cli.world import here
from gvmpy.errors import GvmpyError, NoSuchVersionError, NotInstalledError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class _CannotRunError(GvmpyError):
    exit_code = 126
    kind = "cannot-run"


@click.command(
    "exec",
    short_help="Run a command with one version.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("request", metavar="VERSION")
@click.argument("arguments", metavar="[--] COMMAND [ARGUMENT]...", nargs=-1, required=True)
def command(request: str, arguments: tuple[str, ...]) -> NoReturn:
    """Become COMMAND, with `go` and `gofmt` of VERSION first on its PATH.

    Signals, standard input and the exit code are COMMAND's own. Exits 127 when VERSION is not installed.
    """
    world = here()
    words = arguments[1:] if arguments[0] == "--" else arguments
    if not words:
        raise click.UsageError("Missing COMMAND.")
    run_in(_environment(world.environ, *_chosen(request)), words)


def _chosen(request: str) -> tuple[str, Path]:
    """Return the choice for nested shims, and the directory to put first on PATH."""
    from gvmpy.selection.request import System, parse_request
    from gvmpy.selection.resolve import find_system_go, match_installed

    world = here()
    parsed = parse_request(request)
    if isinstance(parsed, System):
        binary = find_system_go(world.environ, world.home)
        if binary is None:
            raise NotInstalledError("no `go` is on PATH outside gvmpy", hint="gvmpy install latest")
        return "system", binary.parent
    try:
        version = match_installed(parsed, world.home)
    except NoSuchVersionError as error:
        raise NotInstalledError(error.message, hint=error.hint) from error
    return version.text, world.home.goroot(version) / "bin"


def _environment(environ: Mapping[str, str], choice: str, directory: Path) -> dict[str, str]:
    inner = {name: value for name, value in environ.items() if name != "GOROOT"}
    inner["PATH"] = f"{directory}{os.pathsep}{environ.get('PATH', os.defpath)}"
    inner["GVMPY_VERSION"] = choice
    return inner


def run_in(environ: Mapping[str, str], words: tuple[str, ...]) -> NoReturn:
    """Replace this process; raise as shells answer, 127 for not found and 126 for not executable."""
    # Python ignores these, and what is ignored stays so across exec: `yes | head` would never end.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(words[0], words, environ)  # noqa: S606 - no shell is the point
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotInstalledError(f"there is no command `{words[0]}`") from error
    except OSError as error:
        raise _CannotRunError(f"cannot run `{words[0]}`: {error.strerror}") from error
