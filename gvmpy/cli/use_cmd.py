from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import install_option, json_option
from gvmpy.cli.world import World, here
from gvmpy.errors import NoSuchVersionError, NotInstalledError, UsageError
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from gvmpy.selection.request import Request
    from gvmpy.version import GoVersion

NO_CHOICE = "none"
"""What the shell function is answered where it is to drop its choice."""


@click.command("use", short_help="Choose a Go for this shell, or for all.")
@click.argument("request", metavar="VERSION", required=False)
@click.option("--default", "-d", "as_default", is_flag=True, help="For every new shell, and for IDEs.")
@install_option
@click.option("--unset", is_flag=True, help="Drop this shell's choice.")
@json_option
def command(request: str | None, as_default: bool, install: bool, unset: bool, as_json: bool) -> Result:
    """Choose a Go: for this shell, or with --default for all.

    VERSION is exact, a prefix or a range (1.22, ^1.21: the newest installed), an alias, `system` for the Go
    outside gvmpy, or `-` for the choice before this one. This shell's choice needs the function that
    `gvmpy init -` defines. Hooks that are to block can refuse either; the exit code is 1 then.
    """
    from gvmpy.switch.transaction import refuse_within_hook

    world = here()
    refuse_within_hook(world.environ, "gvmpy use")
    if unset:
        if request is not None or as_default:
            raise click.UsageError("--unset goes alone.")
        return _for_this_shell(world, None, (), as_json=as_json)
    if request is None:
        raise click.UsageError("Missing argument 'VERSION'.")
    from gvmpy.selection.request import parse_request

    parsed = parse_request(request)
    choice, notes = _resolve(world, parsed, as_default=as_default, install=install, quiet=as_json)
    if as_default:
        return _set_default(world, choice, notes, quiet=as_json)
    return _for_this_shell(world, choice, notes, as_json=as_json)


def _resolve(
    world: World, request: Request, *, as_default: bool, install: bool, quiet: bool
) -> tuple[str, tuple[str, ...]]:
    """Return the exact version, or `system`, that `request` means, and what there is to tell about it.

    With `install`, what is missing is installed first, and a channel means what the sources say today.
    """
    from gvmpy.selection.request import Previous, System, parse_request
    from gvmpy.selection.resolve import find_system_go

    if isinstance(request, Previous):
        before = _previous_default(world, quiet=quiet) if as_default else None
        if before is None:
            raise UsageError("there was no choice before this one", hint="gvmpy use VERSION")
        request = parse_request(before)
    if isinstance(request, System):
        if find_system_go(world.environ, world.home) is None:
            raise NotInstalledError("no `go` is on PATH outside gvmpy", hint="gvmpy install latest")
        return str(request), ()
    version, notes = installed_or_new(world, request, install=install, quiet=quiet)
    return version.text, notes


def installed_or_new(
    world: World, request: Request, *, install: bool, quiet: bool, if_missing: bool = False
) -> tuple[GoVersion, tuple[str, ...]]:
    """Return the installed version that `request` means; the one way `use`, `exec` and `run` go.

    With `install`, what is missing is installed first, and a channel means what the sources say today; with
    `if_missing`, only what is not there is asked of them. The notes tell of it. Raises NoSuchVersionError
    when there is none, UsageError for `system` and `-`.
    """
    from gvmpy.selection.request import Moving
    from gvmpy.selection.resolve import match_installed

    if not (install and isinstance(request, Moving)):
        try:
            return match_installed(request, world.home), ()
        except NoSuchVersionError:
            if not (install or if_missing):
                raise
    from gvmpy.cli.install_cmd import describe, install_requests

    outcomes, refusals = install_requests(world, [str(request)], quiet=quiet)
    [outcome] = outcomes
    if outcome.error is not None:
        raise outcome.error
    told = (describe(outcome.installation),) if outcome.installation else ()
    return outcome.version, refusals + told


def _previous_default(world: World, *, quiet: bool) -> str | None:
    from gvmpy.cli.switching import settle
    from gvmpy.switch.default import default_version
    from gvmpy.switch.history import previous, read

    settle(world, quiet=quiet)
    return previous(read(world.home), default_version(world.home))


def _set_default(world: World, choice: str, notes: tuple[str, ...], *, quiet: bool) -> Result:
    from gvmpy.cli.switching import change_default
    from gvmpy.selection.resolve import find_system_go
    from gvmpy.selection.system import goroot_of
    from gvmpy.switch.default import SYSTEM, Choice
    from gvmpy.version import GoVersion

    if choice == SYSTEM:
        binary = find_system_go(world.environ, world.home)
        goroot = goroot_of(binary) if binary else None
        if goroot is None:
            raise NotInstalledError("the `go` on PATH outside gvmpy does not say where its GOROOT is")
        wanted = Choice.system(goroot)
    else:
        wanted = Choice.version(GoVersion.parse(choice))
    return change_default(world, lambda switcher: switcher.switch(wanted), quiet=quiet, notes=notes)


def _for_this_shell(world: World, choice: str | None, notes: tuple[str, ...], *, as_json: bool) -> Result:
    """Answer the shell function with one word; without it say that a program cannot change the shell that
    started it, and print the line that can. JSON is for programs: it tells the line and changes nothing.
    Hooks are run where the shell is about to take the answer over.
    """
    from gvmpy.root import program_path
    from gvmpy.shells.quote import quote_posix

    line = "unset GVMPY_VERSION" if choice is None else f"export GVMPY_VERSION={quote_posix(choice)}"
    data = {"version": choice, "line": line}
    if as_json:
        return Result(data=data)
    if world.environ.get("GVMPY_SHELL_FUNCTION"):
        answer = Result(data=data, text=choice or NO_CHOICE, notes=notes)
        return _asked(world, choice, answer) if world.home.hooks.is_dir() else answer
    error = UsageError(
        "this shell has not loaded gvmpy's function, so its choice cannot be changed from here",
        details=("to change it now, run the line on standard output",),
        hint=f'eval "$({quote_posix(program_path())} init -)"',
    )
    return Result(data=data, text=line, notes=notes, exit_code=UsageError.exit_code, errors=(error,))


def _asked(world: World, choice: str | None, answer: Result) -> Result:
    """Return `answer` if the user's hooks let this shell make `choice`."""
    from gvmpy.cli.switching import ask_shell_hooks

    may, told = ask_shell_hooks(world, choice)
    if not may:
        return Result(notes=answer.notes + told, exit_code=1)
    return Result(data=answer.data, text=answer.text, notes=answer.notes + told)
