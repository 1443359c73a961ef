from __future__ import annotations

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result


@click.command("alias", short_help="Give an installed version a name, or list the names.")
@click.argument("name", required=False)
@click.argument("request", metavar="[VERSION]", required=False)
@click.option("--remove", is_flag=True, help="Take the name away.")
@json_option
def command(name: str | None, request: str | None, remove: bool, as_json: bool) -> Result:
    """Let NAME stand for an installed version: in `use`, `exec` and `run`, in .go-version and .tool-versions.

    VERSION is exact, a prefix or a range (1.22, ^1.21: the newest installed), a channel, or another alias;
    NAME then means the version that this means today. Without arguments, list the aliases.
    """
    del as_json
    world = here()
    if name is None:
        if remove:
            raise click.UsageError("Missing argument 'NAME'.")
        return _list(world)
    if remove:
        if request is not None:
            raise click.UsageError("--remove takes a NAME alone.")
        return _remove(world, name)
    if request is None:
        raise click.UsageError("Missing argument 'VERSION'.")
    return _set(world, name, request)


def _list(world: World) -> Result:
    from gvmpy.switch.aliases import aliases
    from gvmpy.ui.tables import table

    found = aliases(world.home)
    rows = [
        (each.name, each.version.text if each.version else "-", str(each.goroot or "leads to no toolchain"))
        for each in found
    ]
    data = [
        {
            "name": each.name,
            "version": each.version.text if each.version else None,
            "goroot": str(each.goroot) if each.goroot else None,
        }
        for each in found
    ]
    notes = () if found else ("there are no aliases\nhint: gvmpy alias NAME VERSION",)
    text = table(("NAME", "VERSION", "GOROOT"), rows) if rows else ""
    return Result(data={"aliases": data}, text=text, notes=notes)


def _set(world: World, name: str, request: str) -> Result:
    from gvmpy.selection.request import parse_request
    from gvmpy.selection.resolve import match_installed
    from gvmpy.switch.aliases import set_alias

    version = match_installed(parse_request(request), world.home)
    set_alias(world.home, name, version, lock_timeout=world.config.lock_timeout)
    return Result(data={"name": name, "version": version.text}, text=f"{name} is {version} now")


def _remove(world: World, name: str) -> Result:
    from gvmpy.switch.aliases import remove_alias

    remove_alias(world.home, name, lock_timeout=world.config.lock_timeout)
    return Result(data={"name": name, "version": None}, text=f"{name} is no alias any more")
