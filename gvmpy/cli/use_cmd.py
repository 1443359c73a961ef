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
    `gvmpy init -` defines.
    """
    world = here()
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
        return _set_default(world, choice, notes)
    return _for_this_shell(world, choice, notes, as_json=as_json)


def _resolve(
    world: World, request: Request, *, as_default: bool, install: bool, quiet: bool
) -> tuple[str, tuple[str, ...]]:
    """Return the exact version, or `system`, that `request` means, and what there is to tell about it.

    With `install`, what is missing is installed first, and a channel means what the sources say today.
    """
    from gvmpy.selection.request import Previous, System, parse_request
    from gvmpy.selection.resolve import find_system_go
    from gvmpy.switch.default import previous_default

    if isinstance(request, Previous):
        before = previous_default(world.home) if as_default else None
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


def _set_default(world: World, choice: str, notes: tuple[str, ...]) -> Result:
    from gvmpy.selection.resolve import find_system_go
    from gvmpy.selection.system import goroot_of
    from gvmpy.shells.shims import write_shims
    from gvmpy.switch.default import SYSTEM, set_default, set_default_system
    from gvmpy.version import GoVersion

    timeout = world.config.lock_timeout
    world.home.prepare()
    write_shims(world.home)
    if choice == SYSTEM:
        binary = find_system_go(world.environ, world.home)
        goroot = goroot_of(binary) if binary else None
        if goroot is None:
            raise NotInstalledError("the `go` on PATH outside gvmpy does not say where its GOROOT is")
        switch = set_default_system(world.home, goroot, lock_timeout=timeout)
    else:
        switch = set_default(world.home, GoVersion.parse(choice), lock_timeout=timeout)
    link = world.home.default_link
    data = {"default": switch.after, "before": switch.before, "link": str(link)}
    if own := world.environ.get("GVMPY_VERSION"):
        notes += (f"note: this shell keeps its own choice, {own}\nhint: gvmpy use --unset",)
    return Result(data=data, text=f"the default is now {switch.after} ({link})", notes=notes)


def _for_this_shell(world: World, choice: str | None, notes: tuple[str, ...], *, as_json: bool) -> Result:
    """Answer the shell function with one word; without it say that a program cannot change the shell that
    started it, and print the line that can. JSON is for programs: it tells the line and changes nothing.
    """
    from gvmpy.root import program_path
    from gvmpy.shells.quote import quote_posix

    line = "unset GVMPY_VERSION" if choice is None else f"export GVMPY_VERSION={quote_posix(choice)}"
    data = {"version": choice, "line": line}
    if as_json:
        return Result(data=data)
    if choice is not None and world.environ.get("GVMPY_SHELL_FUNCTION"):
        return Result(data=data, text=choice, notes=notes)
    error = UsageError(
        "this shell has not loaded gvmpy's function, so its choice cannot be changed from here",
        details=("to change it now, run the line on standard output",),
        hint=f'eval "$({quote_posix(program_path())} init -)"',
    )
    return Result(data=data, text=line, notes=notes, exit_code=UsageError.exit_code, errors=(error,))
