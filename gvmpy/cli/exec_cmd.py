from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, NoReturn

import click

from gvmpy.cli.options import install_option
from gvmpy.cli.world import World, here
from gvmpy.errors import CannotRunError, HostError, NoSuchVersionError, NotInstalledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.errors import GvmpyError
    from gvmpy.home import Home
    from gvmpy.version import GoVersion

_GO_COMMANDS = ("build", "env", "fmt", "generate", "get", "install", "list", "mod", "run", "version", "vet")
_FIRST_BYTES = 80
_NOEXEC_HINT = "export GVMPY_ROOT=/path/to/a/directory on another file system"


@click.command(
    "exec",
    short_help="Run a command with one version.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@install_option
@click.argument("request", metavar="VERSION")
@click.argument("arguments", metavar="[--] COMMAND [ARGUMENT]...", nargs=-1, required=True)
def command(request: str, arguments: tuple[str, ...], install: bool) -> NoReturn:
    """Become COMMAND, with `go` and `gofmt` of VERSION first on its PATH.

    VERSION is exact, a prefix (1.22: the newest installed), a channel, an alias, or `system` for the Go
    outside gvmpy. Every `go` that COMMAND starts is the same one. Signals, standard input and the exit code
    are COMMAND's own. Exits 127 when VERSION or COMMAND is not there, 126 when COMMAND cannot be executed.
    """
    words = arguments[1:] if arguments[0] == "--" else arguments
    if not words:
        raise click.UsageError("Missing COMMAND.")
    become(here(), request, words, install=install)


def become(world: World, request: str, words: tuple[str, ...], *, install: bool) -> NoReturn:
    """Replace this process by the command `words`, for which `go` is what `request` means.

    With `install`, what is missing is installed first. Raises NotInstalledError when there is no such Go or
    no such command, CannotRunError when it is there and cannot be executed, UsageError for no request.
    """
    choice, path = _chosen(world, request, install=install)
    environ = _environment(world.environ, choice, path)
    # Python ignores these, and what is ignored stays so across exec: `yes | head` would never end.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(words[0], words, environ)  # noqa: S606 - no shell is the point
    except OSError as error:
        found = _find(words[0], path)
        if error.errno == errno.ENOEXEC and found is not None and _is_text(found):
            # A script without `#!`: what execvp(3), and so env and nice and nohup, do.
            os.execve("/bin/sh", ["/bin/sh", found, *words[1:]], environ)  # noqa: S606
        raise _trouble(words[0], found, error, request) from error


def _chosen(world: World, request: str, *, install: bool) -> tuple[str, str]:
    """Return the choice for nested shims, and the PATH on which `go` is that one."""
    from gvmpy.selection.request import System, parse_request

    outer = world.environ.get("PATH", os.defpath)
    parsed = parse_request(request)
    if isinstance(parsed, System):
        from gvmpy.selection.resolve import find_system_go

        if find_system_go(world.environ, world.home) is None:
            raise NotInstalledError("no `go` is on PATH outside gvmpy", hint="gvmpy install latest")
        return str(parsed), _system_path(outer, world.home)
    from gvmpy.cli.use_cmd import installed_or_new
    from gvmpy.ui.edge import show
    from gvmpy.ui.result import Result

    try:
        if_missing = world.config.missing == "install"
        version, notes = installed_or_new(world, parsed, install=install, quiet=False, if_missing=if_missing)
    except NoSuchVersionError as error:
        _refuse_noexec(world.home)
        raise NotInstalledError(error.message, hint=error.hint) from error
    show("exec", Result(notes=notes), as_json=False)  # the standard output is the command's
    return version.text, _path_with(version, world.home, outer)


def _path_with(version: GoVersion, home: Home, outer: str) -> str:
    directory = str(home.goroot(version) / "bin")
    if os.pathsep in directory:
        raise HostError(
            f"a colon in gvmpy's root, `{home.root}`, would end its entry in PATH",
            hint="export GVMPY_ROOT=/path/without/a/colon",
        )
    return f"{directory}{os.pathsep}{outer}" if outer else directory


def _system_path(outer: str, home: Home) -> str:
    """Put our shims, and relative entries, behind the rest: the first `go` then is the system's.

    Its directory is not put first, since it may hold all there is: /usr/bin before a virtual environment
    would change what every other command means.
    """
    entries = outer.split(os.pathsep)
    behind = [entry for entry in entries if not entry.startswith("/") or _is_same(entry, home.shims)]
    return os.pathsep.join([entry for entry in entries if entry not in behind] + behind)


def _is_same(one: str, other: os.PathLike[str]) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _environment(environ: Mapping[str, str], choice: str, path: str) -> dict[str, str]:
    inner = {name: value for name, value in environ.items() if name != "GOROOT"}
    inner |= {"PATH": path, "GVMPY_VERSION": choice}
    _undo_coercion(inner)
    return inner


def _undo_coercion(environ: dict[str, str]) -> None:
    """Hand LC_CTYPE on as it was: started in the C locale, Python sets it to C.UTF-8 for itself and for all
    that it starts (PEP 538). Where there is no /proc, it stays.
    """
    try:
        with open("/proc/self/environ", "rb") as stream:
            given = stream.read().split(b"\0")
    except OSError:
        return
    environ.pop("LC_CTYPE", None)
    for entry in given:
        name, _, value = entry.partition(b"=")
        if name == b"LC_CTYPE":
            environ["LC_CTYPE"] = os.fsdecode(value)


def _refuse_noexec(home: Home) -> None:
    """On a file system mounted noexec nothing counts as installed, and no installation would help."""
    from gvmpy.files import is_on_noexec

    if is_on_noexec(home.versions):
        raise CannotRunError(
            f"nothing below `{home.versions}` can run: its file system is mounted noexec", hint=_NOEXEC_HINT
        )


def _find(word: str, path: str) -> str | None:
    """Return the file that `word` means as a command, executable or not."""
    if "/" in word:
        return word if os.path.exists(word) else None
    candidates = (os.path.join(entry, word) for entry in path.split(os.pathsep))
    files = [candidate for candidate in candidates if os.path.isfile(candidate)]
    return next((file for file in files if os.access(file, os.X_OK)), files[0] if files else None)


def _is_text(path: str) -> bool:
    """Whether a shell may read it: a binary for another machine has NUL in its first bytes."""
    with open(path, "rb") as stream:
        return b"\0" not in stream.read(_FIRST_BYTES)


def _trouble(word: str, found: str | None, error: OSError, request: str) -> GvmpyError:
    from gvmpy.files import is_on_noexec

    is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    if found is None and (is_missing or "/" not in word):
        hint = f"gvmpy run {request} {word}" if word in _GO_COMMANDS else None
        return NotInstalledError(f"there is no command `{word}`", hint=hint)
    reason = error.strerror
    if is_missing:
        reason = "the interpreter it names is not there"
    elif error.errno == errno.EACCES and found is not None and is_on_noexec(found):
        reason = "its file system is mounted noexec"
    return CannotRunError(f"cannot run `{word}`: {reason}")
