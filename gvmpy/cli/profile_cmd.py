from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.errors import UsageError
from gvmpy.ui.result import Result
from gvmpy.ui.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.profiles.apply import Applied
    from gvmpy.profiles.model import Choice, Profile, Profiles

_LARGEST_INPUT = 1 << 20
_FROM_STDIN = "-"
# A value may begin with a dash and have an h in it: `gvmpy profile set work GOFLAGS -trimpath`.
_DASHES = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


@click.group("profile", short_help="Named sets of Go settings: GOPROXY, GOSUMDB and their like.")
def command() -> None:
    """Named sets of Go settings: GOPROXY, GOSUMDB and their like.

    The profile in use is written into Go's own settings file, where IDEs and cron jobs see it, and exported
    in new shells. Leaving it brings back what was there before.
    """


@command.command("list", short_help="List the profiles.")
@json_option
def list_(as_json: bool) -> Result:
    """List the profiles, and mark the one that holds here with an asterisk."""
    del as_json
    world = here()
    profiles = _profiles(world)
    choice = _choice(world, profiles)
    rows = [
        (
            "*" if profile == choice.profile else "",
            profile.name,
            "built in" if profile.built_in else "",
            _summary(profile),
        )
        for profile in profiles.known.values()
    ]
    data = {
        "in_use": profiles.in_use,
        "here": choice.profile.name,
        "reason": choice.reason,
        "profiles": [_as_data(profile, profiles) for profile in profiles.known.values()],
    }
    return Result(data=data, text=table(("", "NAME", "", "SETTINGS"), rows))


@command.command("show", short_help="Show a profile, and what stands in its way.")
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> Result:
    """Show the settings of NAME, or of the profile that holds here, and what breaks or overrules them.

    Users and passwords are shown as ***.
    """
    del as_json
    from gvmpy.profiles.apply import is_applied
    from gvmpy.profiles.conflicts import cautions, conflicts
    from gvmpy.switch.default import default_version

    world = here()
    profiles = _profiles(world)
    chosen = _choice(world, profiles, name)
    profile = chosen.profile
    warnings = cautions(profile, profiles.scopes)
    if profile == _choice(world, profiles).profile:
        warnings += conflicts(profile, world.environ, profiles.scopes)
    lasting = profiles.for_version(default_version(world.home)).profile
    if profile == lasting and not is_applied(world.home, profile, profiles.scopes):
        warnings += (f"Go's settings file does not have it yet: gvmpy profile use {profiles.in_use}",)
    data = {**_as_data(profile, profiles), "reason": chosen.reason, "warnings": list(warnings)}
    lines = [f"{key}={value}" for key, value in data["settings"].items()]
    head = f"# {profile.name}: {chosen.reason}"
    return Result(data=data, text="\n".join([head, *lines]), notes=_notes(warnings))


@command.command("use", short_help="Make a profile hold from now on.")
@click.argument("name")
@json_option
def use(name: str, as_json: bool) -> Result:
    """Make NAME hold from now on: in Go's own settings file, and in new shells.

    `default` leaves everything to Go again. A binding to a version or a directory goes before.
    """
    del as_json
    from gvmpy.config import KEYS, config_path
    from gvmpy.configfile import assign, remove
    from gvmpy.profiles.model import NONE

    world = here()
    profiles = _profiles(world)
    profiles.find(name)
    [key] = [key for key in KEYS if key.name == "profile.use"]
    path = config_path(world.environ)
    if name == NONE:
        remove(path, key)
    elif profiles.in_use != name or world.environ.get(key.variable):
        assign(path, key, name)
    applied = _apply(here())
    notes: tuple[str, ...] = ()
    if applied.profile.name != name:
        who = f"{key.variable} is set here" if world.environ.get(key.variable) else applied.reason
        notes = (f"note: {applied.profile.name} holds nevertheless: {who}",)
    return Result(
        data={"in_use": name, **_applied_data(applied)},
        text=f"the profile in use is now {name}",
        notes=(*notes, *applied.changes, *_notes(applied.warnings)),
    )


@command.command("set", short_help="Set one setting of a profile.", context_settings=_DASHES)
@click.argument("name")
@click.argument("setting")
@click.argument("value")
@json_option
def set_(name: str, setting: str, value: str, as_json: bool) -> Result:
    """Set SETTING of the profile NAME to VALUE; a new NAME makes a new profile.

    A VALUE of `-` is read from standard input, on a terminal without showing it. A password goes that way
    alone: a command line can be read by others.
    """
    del as_json
    from gvmpy.config import config_path
    from gvmpy.profiles.edit import check_setting, set_value
    from gvmpy.profiles.values import has_credentials, redacted

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


@command.command("unset", short_help="Take one setting out of a profile.")
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
    _profiles(world).find(name)
    removed = unset_value(config_path(world.environ), name, setting)
    text = f"{name}: {setting} is no longer set" if removed else f"{name}: {setting} was not set"
    return _edited(name, {"setting": setting, "removed": removed}, text)


@command.command("delete", short_help="Delete a profile.")
@click.argument("name")
@json_option
def delete(name: str, as_json: bool) -> Result:
    """Delete the profile NAME. One that is in use, or bound, stays."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.profiles.edit import delete as remove_profile

    world = here()
    profiles = _profiles(world)
    profiles.find(name)
    if users := profiles.users_of(name):
        raise UsageError(
            f"profile `{name}` is needed by {', '.join(users)}",
            hint="gvmpy profile use default" if profiles.in_use == name else "gvmpy config edit",
        )
    remove_profile(config_path(world.environ), name)
    return Result(data={"profile": name}, text=f"deleted {name}")


@command.command("export", short_help="Print profiles, without passwords, for others.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def export(names: tuple[str, ...], as_json: bool) -> Result:
    """Print the profiles NAME, or all of your own, as a TOML document that `import` reads.

    Users and passwords are left out.
    """
    del as_json
    from gvmpy.profiles.edit import dump
    from gvmpy.profiles.values import without_credentials

    profiles = _profiles(here())
    chosen = [profiles.find(name) for name in names]
    chosen = chosen or [profile for profile in profiles.known.values() if not profile.built_in]
    told = {
        profile.name: {key: without_credentials(value) for key, value in profile.settings.items()}
        for profile in chosen
    }
    without = [profile.name for profile in chosen if profile.has_credentials]
    notes = (f"note: users and passwords of {', '.join(without)} are left out",) if without else ()
    return Result(data={"profiles": told, "without": without}, text=dump(told).strip("\n"), notes=notes)


@command.command("import", short_help="Read profiles that `export` printed.")
@click.argument("file", type=click.File("rb"))
@click.option("--replace", is_flag=True, help="Replace profiles that are there already.")
@json_option
def import_(file: Any, replace: bool, as_json: bool) -> Result:
    """Read profiles from FILE, or from standard input for `-`. All of them are checked before one is kept."""
    del as_json
    from gvmpy.config import config_path
    from gvmpy.profiles.edit import delete as remove_profile
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
    there = [profile for profile in found if profile in _profiles(world).known]
    if there and not replace:
        raise UsageError(
            f"there is a profile `{there[0]}` already", hint="gvmpy profile import --replace FILE"
        )
    path = config_path(world.environ)
    for profile in there:
        remove_profile(path, profile)
    put(path, found)
    applied = _apply(here())
    return Result(
        data={"profiles": list(found), **_applied_data(applied)},
        text=f"imported {', '.join(found)}",
        notes=(*applied.changes, *_notes(applied.warnings)),
    )


@command.command("test", short_help="Try whether a build could fetch a module.")
@click.argument("name", required=False)
@click.option("--module", metavar="PATH@VERSION", help="Ask for this module.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=10.0, help="Seconds to wait for each answer."
)
@json_option
def test(name: str | None, module: str | None, timeout: float, as_json: bool) -> Result:
    """Ask each element of GOPROXY, and the checksum database, for a small module, as Go would with NAME.

    Without NAME it is the profile that holds here. Exits 1 when a build that needs a module would fail, 2
    when that cannot be told.
    """
    del as_json
    from gvmpy.net import Network
    from gvmpy.profiles.conflicts import cautions
    from gvmpy.profiles.effective import Effective
    from gvmpy.profiles.probe import MODULE, Wanted, parse_module, probe
    from gvmpy.ui.proxyreport import report_data, report_table

    world = here()
    profiles = _profiles(world)
    profile = _choice(world, profiles, name).profile
    settings = Effective(world.home, profile, world.environ, world.goroots())
    private = settings.get("GOPRIVATE")
    path, version = parse_module(module or MODULE)
    wanted = Wanted(
        goproxy=settings.get("GOPROXY") or "direct",
        gosumdb=settings.get("GOSUMDB"),
        gonoproxy=settings.get("GONOPROXY") or private,
        gonosumdb=settings.get("GONOSUMDB") or private,
        path=path,
        version=version,
    )
    offline = world.config.offline
    with Network(settings.environment(), offline=offline, timeout=timeout) as network:
        report = probe(wanted, network)
    warnings = cautions(profile, profiles.scopes)
    code = {True: 0, False: 1, None: 2}[report.works]
    return Result(
        data={"profile": profile.name, **report_data(report), "warnings": list(warnings)},
        text=f"{report_table(report)}\n\n{report.verdict}",
        exit_code=code,
        notes=_notes(warnings),
    )


def _profiles(world: World) -> Profiles:
    from gvmpy.profiles.model import Profiles

    return Profiles.of(world.config, world.environ)


def _choice(world: World, profiles: Profiles, name: str | None = None) -> Choice:
    from gvmpy.profiles.model import Choice
    from gvmpy.selection.files import current_directory
    from gvmpy.switch.default import default_version

    if name is not None:
        return Choice(profiles.find(name), "asked for")
    directory = str(current_directory(world.environ) or "/")
    return profiles.for_directory(directory, default_version(world.home))


def _apply(world: World) -> Applied:
    """Bring Go's file and the exports to what the configuration says now; `world` has to be a new one."""
    from gvmpy.profiles.apply import apply_profile
    from gvmpy.shells.shims import write_shims
    from gvmpy.switch.default import default_version

    applied = apply_profile(world.home, world.config, world.environ, default_version(world.home))
    if world.home.root.is_dir():
        # The init texts that source the exports may be those of an older gvmpy.
        world.home.prepare()
        write_shims(world.home)
    return applied


def _edited(name: str, data: dict[str, Any], text: str) -> Result:
    applied = _apply(here())
    return Result(
        data={"profile": name, **data, **_applied_data(applied)},
        text=text,
        notes=(*applied.changes, *_notes(applied.warnings)),
    )


def _read_value(setting: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(setting, hide_input=True, err=True))
    data = sys.stdin.buffer.read(_LARGEST_INPUT)
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UsageError(f"the value of {setting} is not UTF-8") from None


def _notes(warnings: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"warning: {warning}" for warning in warnings)


def _summary(profile: Profile) -> str:
    from gvmpy.profiles.values import redacted

    return " ".join(f"{key}={redacted(value)}" for key, value in profile.settings.items()) or "left to Go"


def _as_data(profile: Profile, profiles: Profiles) -> dict[str, Any]:
    from gvmpy.profiles.conflicts import cautions
    from gvmpy.profiles.values import redacted

    return {
        "name": profile.name,
        "built_in": profile.built_in,
        "settings": {key: redacted(value) for key, value in profile.settings.items()},
        "scopes": list(profiles.scopes),
        "bound_to": [user for user in profiles.users_of(profile.name) if user != "`profile.use`"],
        "warnings": list(cautions(profile, profiles.scopes)),
    }


def _applied_data(applied: Applied) -> dict[str, Any]:
    return {
        "holds": applied.profile.name,
        "reason": applied.reason,
        "changes": list(applied.changes),
        "warnings": list(applied.warnings),
    }
