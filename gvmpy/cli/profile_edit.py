"""The subcommands of `gvmpy profile` that change the configuration file."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.profiles import applied_data, apply_now, notes_of, profiles_of
from gvmpy.cli.world import World, here
from gvmpy.errors import UsageError
from gvmpy.ui.result import Result

_LARGEST_INPUT = 1 << 20
_FROM_STDIN = "-"

_version_option = click.option("--version", metavar="VERSION", help="A version or the beginning of one.")
_directory_option = click.option("--directory", metavar="DIRECTORY", help="A directory.")


@click.command("set", short_help="Set one setting of a profile.")
@click.argument("name")
@click.argument("setting")
@click.argument("value")
@json_option
def set_(name: str, setting: str, value: str, as_json: bool) -> Result:
    """Set SETTING of the profile NAME to VALUE; a new NAME makes a new profile.

    A VALUE of `-` is read from standard input, on a terminal without showing it. A password goes that way
    alone: a command line can be read by others. Before a VALUE that begins with a dash, write `--`.
    """
    del as_json
    from gvmpy.config import config_path
    from gvmpy.profiles.edit import check_setting, set_value
    from gvmpy.profiles.model import check_name
    from gvmpy.profiles.values import has_credentials, redacted

    check_name(name)
    setting = check_setting(setting)
    if value == _FROM_STDIN:
        value = _read_value(setting)
    elif has_credentials(value):
        raise UsageError(
            f"a password for {setting} does not belong on a command line",
            hint=f"gvmpy profile set {name} {setting} -, which reads the value from standard input",
        )
    world = here()
    path = config_path(world.environ)
    set_value(path, name, setting, value)
    return _edited(
        name, {"setting": setting, "value": redacted(value)}, f"{name}: {setting}={redacted(value)} in {path}"
    )


@click.command("unset", short_help="Take one setting out of a profile.")
@click.argument("name")
@click.argument("setting")
@json_option
def unset(name: str, setting: str, as_json: bool) -> Result:
    """Take SETTING out of the profile NAME, so that Go is left alone about it."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.profiles.edit import check_setting, unset_value

    setting = check_setting(setting)
    world = here()
    profiles_of(world).find(name)
    removed = unset_value(config_path(world.environ), name, setting)
    text = f"{name}: {setting} is no longer set" if removed else f"{name}: {setting} was not set"
    return _edited(name, {"setting": setting, "removed": removed}, text)


@click.command("delete", short_help="Delete a profile.")
@click.argument("name")
@json_option
def delete(name: str, as_json: bool) -> Result:
    """Delete the profile NAME. One that is in use, or bound, stays."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.profiles.edit import delete as remove_profile

    world = here()
    profiles = profiles_of(world)
    profiles.find(name)
    if users := profiles.users_of(name):
        kind, _, key = users[0].partition(" ")
        unbind = f"gvmpy profile unbind --{kind} {shlex.quote(key)}"
        raise UsageError(
            f"profile `{name}` is needed by {', '.join(users)}",
            hint="gvmpy profile use default" if profiles.in_use == name else unbind,
        )
    remove_profile(config_path(world.environ), name)
    return Result(data={"profile": name}, text=f"deleted {name}")


@click.command("bind", short_help="Tie a profile to a version or a directory.")
@click.argument("name")
@_version_option
@_directory_option
@json_option
def bind(name: str, version: str | None, directory: str | None, as_json: bool) -> Result:
    """Make NAME hold while VERSION, or one that begins so, is the default; or in shells that start in
    DIRECTORY or below.
    """
    del as_json
    profiles_of(here()).find(name)
    return _bind(name, version, directory)


@click.command("unbind", short_help="Undo what bind did.")
@_version_option
@_directory_option
@json_option
def unbind(version: str | None, directory: str | None, as_json: bool) -> Result:
    """Leave VERSION, or DIRECTORY, to the profile in use again."""
    del as_json
    return _bind(None, version, directory)


@click.command("export", short_help="Print profiles, without passwords, for others.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def export(names: tuple[str, ...], as_json: bool) -> Result:
    """Print the profiles NAME, or all of your own, as a TOML document that `import` reads.

    Users and passwords are left out.
    """
    del as_json
    from gvmpy.profiles.edit import dump
    from gvmpy.profiles.values import without_credentials

    profiles = profiles_of(here())
    chosen = [profiles.find(name) for name in names]
    chosen = chosen or [profile for profile in profiles.known.values() if not profile.built_in]
    told = {
        profile.name: {key: without_credentials(value) for key, value in profile.settings.items()}
        for profile in chosen
    }
    without = [profile.name for profile in chosen if profile.has_credentials]
    notes = (f"note: users and passwords of {', '.join(without)} are left out",) if without else ()
    if not chosen:
        notes = ("note: there is no profile of your own\nhint: gvmpy profile set NAME SETTING VALUE",)
    return Result(data={"profiles": told, "without": without}, text=dump(told).strip("\n"), notes=notes)


@click.command("import", short_help="Read profiles that `export` printed.")
@click.argument("file", type=click.File("rb"))
@click.option("--replace", is_flag=True, help="Replace profiles that are there already.")
@json_option
def import_(file: Any, replace: bool, as_json: bool) -> Result:
    """Read profiles from FILE, or from standard input for `-`. All of them are checked before one is kept."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.profiles.edit import parse_dump, put

    world = here()
    data = file.read(_LARGEST_INPUT + 1)
    name = "standard input" if file.name == "<stdin>" else f"`{file.name}`"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8") from None
    if len(data) > _LARGEST_INPUT:
        raise UsageError(f"{name} has more than {_LARGEST_INPUT} bytes")
    found = parse_dump(text, name)
    there = [profile for profile in found if profile in profiles_of(world).known]
    if there and not replace:
        raise UsageError(
            f"there is a profile `{there[0]}` already", hint="gvmpy profile import --replace FILE"
        )
    path = config_path(world.environ)
    put(path, found, whole=True)
    applied = apply_now(here())
    return Result(
        data={"profiles": list(found), **applied_data(applied)},
        text=f"imported {', '.join(found)}",
        notes=(*applied.changes, *notes_of(applied.warnings)),
    )


def _edited(name: str, data: dict[str, Any], text: str) -> Result:
    applied = apply_now(here())
    return Result(
        data={"profile": name, **data, **applied_data(applied)},
        text=text,
        notes=(*applied.changes, *notes_of(applied.warnings)),
    )


def _bind(name: str | None, version: str | None, directory: str | None) -> Result:
    import os

    from gvmpy.config import config_path
    from gvmpy.profiles.edit import bind as change_binding
    from gvmpy.profiles.model import check_version

    if (version is None) == (directory is None):
        raise click.UsageError("name one of --version and --directory.")
    kind = "version" if version is not None else "directory"
    world = here()
    if version is not None:
        check_version(version)
        key = version
    else:
        key = _as_written(world, os.path.abspath(directory or ""))
    table = {"version": "versions", "directory": "directories"}[kind]
    changed = change_binding(config_path(world.environ), table, key, name)
    applied = apply_now(here())
    told = f"{kind} {key} is bound to {name}" if name else f"{kind} {key} is bound to no profile"
    return Result(
        data={kind: key, "profile": name, "changed": changed, **applied_data(applied)},
        text=told,
        notes=(*applied.changes, *notes_of(applied.warnings)),
    )


def _as_written(world: World, directory: str) -> str:
    """Return a directory as a binding has it already, with `~` perhaps; else as it is."""
    from gvmpy.profiles.model import absolute

    written = world.config.profile_tables.directories
    return next((key for key in written if absolute(key, world.environ) == directory), directory)


def _read_value(setting: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(setting, hide_input=True, err=True))
    data = sys.stdin.buffer.read(_LARGEST_INPUT)
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UsageError(f"the value of {setting} is not UTF-8") from None
