from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.errors import GvmpyError, NoSuchVersionError, UsageError
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from gvmpy.version import GoVersion


@click.command("uninstall", short_help="Remove one installed version.")
@click.argument("text", metavar="VERSION")
@click.option("--force", is_flag=True, help="Even the default, or the one this shell uses.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def command(text: str, force: bool, yes: bool, as_json: bool) -> Result:
    """Remove one installed version, named exactly.

    The default and the version this shell has chosen are refused without --force.
    """
    from gvmpy.cli.switching import forget_default, settle
    from gvmpy.install.uninstall import uninstall
    from gvmpy.shells.shims import write_shims
    from gvmpy.switch.default import default_version
    from gvmpy.switch.transaction import refuse_within_hook

    world = here()
    refuse_within_hook(world.environ, "gvmpy uninstall")
    version = _exact(text)
    if not world.home.is_installed(version):
        raise NoSuchVersionError(f"{version.name} is not installed", hint="gvmpy list")
    settle(world, quiet=as_json)
    is_default = default_version(world.home) == version.text
    if not force:
        _refuse_in_use(world, version, is_default=is_default)
    if not yes and not _agreed(version, force=force, as_json=as_json):
        return Result(exit_code=UsageError.exit_code, notes=(f"{version.name} stays",))
    uninstall(world.home, version, lock_timeout=world.config.lock_timeout)
    write_shims(world.home)
    was_default, notes = forget_default(world, version, quiet=as_json)
    if was_default:
        notes += ("note: there is no default now\nhint: gvmpy use VERSION --default",)
    data = {"version": version.text, "was_default": was_default}
    return Result(data=data, text=f"uninstalled {version.name}", notes=notes)


def _exact(text: str) -> GoVersion:
    """A prefix or an alias must never decide what is deleted."""
    from gvmpy.selection.request import Exact, parse_request

    request = parse_request(text)
    if not isinstance(request, Exact):
        raise UsageError(f"`{text}` is not one exact version", hint="gvmpy list")
    return request.version


def _refuse_in_use(world: World, version: GoVersion, *, is_default: bool) -> None:
    from gvmpy.selection.files import current_directory
    from gvmpy.selection.resolve import Origin, select

    if is_default:
        raise UsageError(
            f"{version.name} is the default",
            hint=f"gvmpy use VERSION --default, or gvmpy uninstall --force {version}",
        )
    try:
        selection = select(world.home, world.environ, current_directory(world.environ))
    except GvmpyError:
        return  # nothing can be run here, so nothing is in use
    if selection.version == version:
        force = f"gvmpy uninstall --force {version}"
        raise UsageError(
            f"{version.name} is in use here, set by {selection.reason}",
            hint=f"gvmpy use --unset, or {force}" if selection.origin is Origin.SHELL else force,
        )


def _agreed(version: GoVersion, *, force: bool, as_json: bool) -> bool:
    if as_json or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        options = "--force --yes" if force else "--yes"
        raise UsageError(
            "not asked, because this is no terminal", hint=f"gvmpy uninstall {options} {version}"
        )
    return click.confirm(f"Remove {version.name}?", err=True)
