from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line
from gvmpy.ui.tables import table

if TYPE_CHECKING:
    from gvmpy.cli.world import World
    from gvmpy.home import Home
    from gvmpy.releases.model import Release
    from gvmpy.selection.request import Request
    from gvmpy.version import GoVersion


@click.command("list", short_help="List installed versions, or those to be had.")
@click.argument("request", metavar="[RANGE]", required=False)
@click.option("--remote", is_flag=True, help="What the sources have for this machine, newest last.")
@click.option("--all", "everything", is_flag=True, help="With --remote: betas and release candidates too.")
@json_option
def command(request: str | None, remote: bool, everything: bool, as_json: bool) -> Result:
    """List the installed versions, or with --remote those that can be installed.

    `*` marks the default. With --remote, RANGE narrows the list: `^1.21`, `>=1.21,<1.23`, `1.22`.
    """
    del as_json
    if everything and not remote:
        raise click.UsageError("--all goes with --remote.")
    if request is not None and not remote:
        raise click.UsageError("RANGE goes with --remote.")
    world = here()
    return _remote(world, request, everything=everything) if remote else _installed(world.home)


def _installed(home: Home) -> Result:
    from gvmpy.errors import IntegrityError
    from gvmpy.switch.default import SYSTEM, default_version
    from gvmpy.trust.receipt import load_receipt

    default = default_version(home)
    rows, data, notes = [], [], []
    for version in home.installed():
        mark = "*" if version.text == default else ""
        entry: dict[str, object] = {"version": version.text, "default": bool(mark)}
        entry["goroot"] = str(home.goroot(version))
        try:
            receipt = load_receipt(home.receipt(version))
        except IntegrityError as error:
            notes.append(f"warning: {error.message}")
            rows.append((mark, version.text, "?", "?", "?"))
            data.append(entry | {"trust": None, "source": None, "installed_at": None})
            continue
        rows.append((mark, version.text, receipt.trust, receipt.source, receipt.installed_at[:10]))
        told = {"trust": receipt.trust, "source": receipt.source, "installed_at": receipt.installed_at}
        data.append(entry | told)
    if default == SYSTEM:
        rows.append(("*", SYSTEM, "", one_line(os.path.realpath(home.default_link)), ""))
    if not rows:
        notes.append("nothing is installed\nhint: gvmpy install latest")
    text = table(("", "VERSION", "TRUST", "SOURCE", "INSTALLED"), rows) if rows else ""
    return Result(data={"default": default, "versions": data}, text=text, notes=tuple(notes))


def _remote(world: World, request: str | None, *, everything: bool) -> Result:
    from gvmpy.platform import host
    from gvmpy.releases.chain import list_releases, open_sources
    from gvmpy.selection.request import parse_request

    wanted = parse_request(request) if request is not None else None
    with world.network() as network:
        served = list_releases(open_sources(world.sources(network)), host())
    installed = set(world.home.installed())
    shown = [release for release in reversed(served.value) if everything or release.stable or wanted]
    if wanted is not None:
        shown = _narrowed(wanted, shown, served.source, everything=everything)
    notes = [f"note: {refusal}" for refusal in served.refusals]
    notes.append(f"note: listed by {served.source}")
    lines = [_line(release.version, installed) for release in shown]
    data = [
        {"version": item.version.text, "stable": item.stable, "installed": item.version in installed}
        for item in shown
    ]
    return Result(data={"source": served.source, "versions": data}, text="\n".join(lines), notes=tuple(notes))


def _narrowed(request: Request, releases: list[Release], source: str, *, everything: bool) -> list[Release]:
    from gvmpy.errors import NoSuchVersionError
    from gvmpy.selection.ranges import narrowed

    kept = set(narrowed(request, [release.version for release in releases], prereleases=everything))
    if not kept:
        raise NoSuchVersionError(f"{source} lists no Go that `{request}` means", hint="gvmpy list --remote")
    return [release for release in releases if release.version in kept]


def _line(version: GoVersion, installed: set[GoVersion]) -> str:
    return f"{version}  installed" if version in installed else version.text
