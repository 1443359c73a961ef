from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line
from gvmpy.ui.tables import columns, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from gvmpy.cli.world import World
    from gvmpy.home import Home
    from gvmpy.releases.lifecycle import Lifecycle
    from gvmpy.releases.model import Context, Release
    from gvmpy.releases.remote import Listing
    from gvmpy.selection.request import Request
    from gvmpy.version import GoVersion


_NEW_ENOUGH = 300.0
"""Seconds: a list that was had this long ago is not asked for again."""

_NOW = 10.0
"""Seconds: what is younger need not have its age told."""


@click.command("list", short_help="List installed versions, or those to be had.")
@click.argument("request", metavar="[RANGE]", required=False)
@click.option("--remote", is_flag=True, help="What the sources have for this machine, newest last.")
@click.option("--all", "everything", is_flag=True, help="With --remote: betas and release candidates too.")
@click.option("--dates", is_flag=True, help="With --remote: when each came out, by the module proxy's word.")
@click.option("--refresh", is_flag=True, help="With --remote: ask again, however new the kept list is.")
@json_option
def command(
    *, request: str | None, remote: bool, everything: bool, dates: bool, refresh: bool, as_json: bool
) -> Result:
    """List the installed versions, or with --remote those that can be installed.

    `*` marks the default. RANGE narrows the list: `^1.21`, `>=1.21,<1.23`, `1.22`. With --remote the newest
    stable release, the one before, and what is out of support are marked.
    """
    del as_json
    for flag, given in (("--all", everything), ("--dates", dates), ("--refresh", refresh)):
        if given and not remote:
            raise click.UsageError(f"{flag} goes with --remote.")
    world = here()
    if not remote:
        return _installed(world.home, request)
    return _remote(world, request, everything=everything, dates=dates, refresh=refresh)


def _installed(home: Home, request: str | None) -> Result:
    from gvmpy.errors import IntegrityError
    from gvmpy.switch.default import SYSTEM, default_version
    from gvmpy.trust.receipt import load_receipt

    default = default_version(home)
    rows, data, notes = [], [], []
    for version in _wanted(home, request):
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


def _wanted(home: Home, request: str | None) -> list[GoVersion]:
    """Return the installed versions that `request` means, all without one."""
    if request is None:
        return home.installed()
    from shlex import quote

    from gvmpy.errors import NoSuchVersionError
    from gvmpy.selection.ranges import narrowed
    from gvmpy.selection.request import parse_request

    wanted = parse_request(request)
    found = narrowed(wanted, home.installed(), prereleases=True)
    if not found:
        hint = f"gvmpy install {quote(str(wanted))}"
        raise NoSuchVersionError(f"no installed Go matches `{wanted}`", hint=hint)
    return found


def _remote(world: World, request: str | None, *, everything: bool, dates: bool, refresh: bool) -> Result:
    from gvmpy.platform import host
    from gvmpy.releases.lifecycle import Lifecycle
    from gvmpy.releases.remote import ANY_AGE, list_remote
    from gvmpy.releases.seen import Seen
    from gvmpy.selection.request import parse_request

    wanted = parse_request(request) if request is not None else None
    age = ANY_AGE if world.config.offline else 0.0 if refresh else _NEW_ENOUGH
    installed = world.home.installed()
    days: Mapping[GoVersion, date] = {}
    notes: list[str] = []
    with world.network() as network:
        context = world.sources(network, list_age=age)
        listing = list_remote(context, host())
        oldest_first = listing.releases[::-1]
        shown = [release for release in oldest_first if everything or release.stable or wanted]
        if wanted is not None:
            shown = _narrowed(wanted, shown, listing.source, everything=everything)
        if dates:
            days, notes = _dates(context, [release.version for release in shown])
    newest_seen = Seen(world.home, "go.dev", host()).newest()
    lifecycle = Lifecycle.of(listing.releases, [*installed, *([newest_seen] if newest_seen else [])])
    rows = [_Row(item, item.version in installed, lifecycle, days.get(item.version)) for item in shown]
    return Result(
        data={
            "source": listing.source,
            "as_of": listing.as_of.isoformat().replace("+00:00", "Z") if listing.as_of else None,
            "directory_page": listing.is_page,
            "withdrawn": [release.version.text for release in listing.withdrawn],
            "versions": [row.data() for row in rows],
        },
        text=columns([row.cells(dates=dates) for row in rows]),
        notes=(*_told(context, listing), *notes),
    )


def _told(context: Context, listing: Listing) -> list[str]:
    from datetime import UTC, datetime

    notes = [f"note: {reason}" for reason in listing.reasons]
    by = f"note: listed by {listing.source}"
    seconds = (datetime.now(UTC) - listing.as_of).total_seconds() if listing.as_of else 0.0
    notes.append(f"{by}, as of {_ago(seconds)}" if seconds >= _NOW else by)
    if listing.is_page:
        notes.append("note: a directory page tells what lies there; installing needs a source that proves it")
    notes += [f"warning: {warning}" for warning in context.journal.warnings]
    return notes


def _dates(context: Context, versions: list[GoVersion]) -> tuple[Mapping[GoVersion, date], list[str]]:
    from functools import partial

    from gvmpy.platform import host
    from gvmpy.releases.dates import release_dates
    from gvmpy.releases.sources.goproxy import GoProxy

    ask = partial(GoProxy(context).released, platform=host())
    days, failure = release_dates(context.config.cache, versions, ask)
    return days, [f"note: not all dates are known: {failure.message}"] if failure else []


def _narrowed(
    request: Request, releases: Sequence[Release], source: str, *, everything: bool
) -> list[Release]:
    from gvmpy.errors import NoSuchVersionError
    from gvmpy.selection.ranges import narrowed

    kept = set(narrowed(request, [release.version for release in releases], prereleases=everything))
    if not kept:
        raise NoSuchVersionError(f"{source} lists no Go that `{request}` means", hint="gvmpy list --remote")
    return [release for release in releases if release.version in kept]


@dataclass(frozen=True, slots=True)
class _Row:
    """One release and what there is to say of it."""

    release: Release
    installed: bool
    lifecycle: Lifecycle
    released: date | None

    def data(self) -> dict[str, object]:
        version = self.release.version
        return {
            "version": version.text,
            "stable": self.release.stable,
            "installed": self.installed,
            "channel": self.lifecycle.channel(version) or None,
            "end_of_life": self.lifecycle.is_over(version),
            "released": self.released.isoformat() if self.released else None,
        }

    def cells(self, *, dates: bool) -> list[str]:
        version = self.release.version
        marks = ["installed"] if self.installed else []
        marks += [channel] if (channel := self.lifecycle.channel(version)) else []
        marks += ["end of life"] if self.lifecycle.is_over(version) else []
        day = [self.released.isoformat() if self.released else "-"] if dates else []
        return [version.text, *day, ", ".join(marks)]


def _ago(seconds: float) -> str:
    """Return an age in the largest unit that fits."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return f"{int(seconds)} seconds ago"
