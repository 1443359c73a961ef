from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.profile_edit import bind, delete, export, import_, set_, unbind, unset
from gvmpy.cli.profiles import applied_data, apply_now, choice_of, notes_of, profile_data, profiles_of
from gvmpy.cli.world import here
from gvmpy.ui.result import Result
from gvmpy.ui.tables import table

if TYPE_CHECKING:
    from gvmpy.profiles.model import Profile


@click.group("profile", short_help="Named sets of Go settings: GOPROXY, GOSUMDB and their like.")
def command() -> None:
    """Named sets of Go settings: GOPROXY, GOSUMDB and their like.

    The profile in use is written into Go's own settings file, where IDEs and cron jobs see it, and exported
    in new shells. Leaving it brings back what was there before.
    """


for _subcommand in (set_, unset, delete, bind, unbind, export, import_):
    command.add_command(_subcommand)


@command.command("list", short_help="List the profiles.")
@json_option
def list_(as_json: bool) -> Result:
    """List the profiles, and mark the one that holds here with an asterisk."""
    del as_json
    world = here()
    profiles = profiles_of(world)
    choice = choice_of(world, profiles)
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
        "profiles": [profile_data(profile, profiles) for profile in profiles.known.values()],
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
    from gvmpy.profiles.apply import is_applied, left_by_another
    from gvmpy.profiles.conflicts import cautions, conflicts
    from gvmpy.switch.default import default_version

    world = here()
    profiles = profiles_of(world)
    chosen = choice_of(world, profiles, name)
    profile = chosen.profile
    warnings = cautions(profile, profiles.scopes)
    if profile == choice_of(world, profiles).profile:
        warnings += conflicts(profile, world.environ, profiles.scopes)
    lasting = profiles.for_version(default_version(world.home)).profile
    if profile != lasting and name is None:
        warnings += left_by_another(world.home, profile)
    if profile == lasting and not is_applied(world.home, profile, profiles.scopes):
        warnings += (f"Go's settings file does not have it yet: gvmpy profile use {profiles.in_use}",)
    data = {**profile_data(profile, profiles), "reason": chosen.reason, "warnings": list(warnings)}
    lines = [f"{key}={value}" for key, value in data["settings"].items()]
    head = f"# {profile.name}: {chosen.reason}"
    return Result(data=data, text="\n".join([head, *lines]), notes=notes_of(warnings))


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
    profiles = profiles_of(world)
    profiles.find(name)
    [key] = [key for key in KEYS if key.name == "profile.use"]
    path = config_path(world.environ)
    if name == NONE:
        remove(path, key)
    elif profiles.in_use != name or world.environ.get(key.variable):
        assign(path, key, name)
    applied = apply_now(here())
    notes: tuple[str, ...] = ()
    if applied.profile.name != name:
        who = f"{key.variable} is set here" if world.environ.get(key.variable) else applied.reason
        notes = (f"note: {applied.profile.name} holds nevertheless: {who}",)
    return Result(
        data={"in_use": name, **applied_data(applied)},
        text=f"the profile in use is now {name}",
        notes=(*notes, *applied.changes, *notes_of(applied.warnings)),
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
    profiles = profiles_of(world)
    profile = choice_of(world, profiles, name).profile
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
        report = probe(wanted, network, offline=offline)
    warnings = cautions(profile, profiles.scopes)
    code = {True: 0, False: 1, None: 2}[report.works]
    return Result(
        data={"profile": profile.name, **report_data(report), "warnings": list(warnings)},
        text=f"{report_table(report)}\n\n{report.verdict}",
        exit_code=code,
        notes=notes_of(warnings),
    )


def _summary(profile: Profile) -> str:
    from gvmpy.profiles.values import redacted

    return " ".join(f"{key}={redacted(value)}" for key, value in profile.settings.items()) or "left to Go"
