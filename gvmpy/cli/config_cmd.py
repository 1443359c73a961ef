from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result
from gvmpy.ui.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gvmpy.config import Config, Key, Value
    from gvmpy.configfile import Setting


@click.group("config", short_help="Show and change the settings.")
def command() -> None:
    """Show and change the settings.

    KEY is a key of the configuration file, such as `switch.missing`, or its last part: `missing`.
    """


@command.command("list", short_help="Show every setting and where it is from.")
@json_option
def list_(as_json: bool) -> Result:
    """Show every setting, the value in force, and whether a variable, the file or the default says so."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.configfile import settings

    world = here()
    found = settings(world.environ)
    rows = [(item.key.name, _spelled(item.value), item.place) for item in found]
    data = {"file": str(config_path(world.environ)), "settings": [_data(item) for item in found]}
    return Result(data=data, text=table(("KEY", "VALUE", "SET BY"), rows))


@command.command("get", short_help="Print one setting.")
@click.argument("name", metavar="KEY")
@json_option
def get(name: str, as_json: bool) -> Result:
    """Print the value in force of KEY; a list comma-separated."""
    del as_json
    from gvmpy.configfile import find_key, settings

    key = find_key(name)
    [item] = [item for item in settings(here().environ) if item.key == key]
    return Result(data=_data(item), text=_words(item.value))


@command.command("set", short_help="Change one setting in the file.")
@click.argument("name", metavar="KEY")
@click.argument("text", metavar="VALUE")
@json_option
def set_(name: str, text: str, as_json: bool) -> Result:
    """Set KEY to VALUE in the configuration file; a list is comma-separated. Comments stay."""
    del as_json
    from gvmpy.config import config_path, from_words
    from gvmpy.configfile import assign, find_key

    world, key = here(), find_key(name)
    value = from_words(key, text)
    _check(key, value)
    if key.name.startswith("profile."):
        changed: dict[str, Any] = {key.field: value}
        _check_profiles(world, replace(world.config, **changed))
    path = config_path(world.environ)
    assign(path, key, value)
    _tell_shims(world)
    data = {"key": key.name, "value": value, "file": str(path)}
    text = f"{key.name} = {_spelled(value)} in {path}"
    return Result(data=data, text=text, notes=_outvoted(world, key))


@command.command("unset", short_help="Take one setting out of the file.")
@click.argument("name", metavar="KEY")
@json_option
def unset(name: str, as_json: bool) -> Result:
    """Take KEY out of the configuration file, so that the default holds again."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.configfile import find_key, remove

    world, key = here(), find_key(name)
    path = config_path(world.environ)
    removed = remove(path, key)
    _tell_shims(world)
    data = {"key": key.name, "removed": removed, "file": str(path)}
    text = f"{key.name} is no longer set in {path}" if removed else f"{key.name} was not set in {path}"
    return Result(data=data, text=text, notes=_outvoted(world, key))


@command.command("edit", short_help="Edit the file, checked before it is saved.")
@json_option
def edit(as_json: bool) -> Result:
    """Open a copy of the configuration file in $VISUAL or $EDITOR; save it if every line makes sense."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.configfile import content, save
    from gvmpy.ui.editor import Draft

    world = here()
    path = config_path(world.environ)
    before = content(path)
    with Draft(before, world.environ) as draft:
        changed = draft.text != before
        if changed:
            _check_all(world, path, draft.text)
            save(path, draft.text, was=before)
    if changed:
        _tell_shims(world)
    return Result(
        data={"file": str(path), "changed": changed},
        text=f"saved {path}" if changed else f"{path} stays as it was",
    )


def _check(key: Key, value: Value) -> None:
    """Raise UsageError for a value that the feature it is meant for would refuse."""
    from gvmpy.config import check_choice

    check_choice(key, value)
    if (verdict := _verdicts().get(key.name)) and value:
        verdict(value)


def _check_all(world: World, path: Path, text: str) -> None:
    from gvmpy.config import Config, parse_all
    from gvmpy.configfile import check

    for key, value in check(path, text).items():
        _check(key, value)
    values, tables = parse_all(path, text)
    fields: dict[str, Any] = {key.field: value for key, value in values.items()}
    _check_profiles(world, Config(**fields, profile_tables=tables))


def _check_profiles(world: World, config: Config) -> None:
    from gvmpy.profiles.model import Profiles

    Profiles.of(config, world.environ).for_version(None)


def _verdicts() -> dict[str, Callable[[Any], object]]:
    from gvmpy.configfile import check_address
    from gvmpy.goenv.goproxy import parse_goproxy
    from gvmpy.releases.chain import check_names
    from gvmpy.trust.sumdb import parse_gosumdb

    return {
        "sources.order": check_names,
        "official.index": check_address,
        "official.mirrors": lambda urls: list(map(check_address, urls)),
        "goproxy.url": parse_goproxy,
        "goproxy.sumdb": parse_gosumdb,
    }


def _tell_shims(world: World) -> None:
    """The shims start no Python to read settings: what concerns them is written into them."""
    from gvmpy.shells.shims import write_shims

    if world.home.root.is_dir():
        world.home.prepare()
        write_shims(world.home)


def _outvoted(world: World, key: Key) -> tuple[str, ...]:
    if not world.environ.get(key.variable):
        return ()
    return (f"note: {key.variable} is set here and wins over the file\nhint: unset {key.variable}",)


def _data(item: Setting) -> dict[str, Any]:
    return {
        "key": item.key.name,
        "value": item.value,
        "origin": item.origin,
        "variable": item.key.variable,
        "file": str(item.file) if item.file else None,
        "line": item.line,
    }


def _words(value: Value) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _spelled(value: Value) -> str:
    """Return `value` as TOML has it; JSON's strings, numbers and lists are TOML's, too."""
    return json.dumps(value, ensure_ascii=False)
