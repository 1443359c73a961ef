from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.platform import Platform
    from gvmpy.releases.locking import Found
    from gvmpy.selection.request import Request
    from gvmpy.trust.lockfile import LockedArtifact, LockFile
    from gvmpy.version import GoVersion

_SAYS = {
    "same": "installed as locked",
    "different": "installed, and not what is locked",
    "unproven": "installed, but the lock has another kind of digest",
    "missing": "locked and not installed",
    "unlocked": "not locked",
}


@click.command("lock", short_help="Write down what a project's Go must hash to.")
@click.argument("requests", metavar="VERSION...", nargs=-1)
@click.option(
    "--platform",
    "platforms",
    metavar="OS-ARCH,...",
    multiple=True,
    help="For which machines, such as linux-amd64,darwin-arm64; this one when left out.",
)
@click.option(
    "--output",
    "--lock",
    "file",
    type=click.Path(),
    metavar="FILE",
    help="The lock file; else the nearest gvmpy.lock from here upward, or a new one here.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 unless what is installed is what is locked."
)
@json_option
def command(
    *, requests: tuple[str, ...], platforms: tuple[str, ...], file: str | None, check: bool, as_json: bool
) -> Result:
    """Write down what a project's Go must hash to.

    The SHA-256 of the archive is taken from the official index, the h1 of the module from Go's checksum
    database, each with who said so; what one of them cannot tell is left out. Entries and comments that are
    there stay. A digest that is locked and has changed is refused.
    """
    del as_json
    from gvmpy.errors import UsageError
    from gvmpy.selection.request import parse_request
    from gvmpy.trust.lockfile import FILE, find_lock

    parsed = [parse_request(request) for request in requests]
    path = Path(file) if file is not None else find_lock(Path.cwd()) or Path(FILE)
    if check:
        return _check(here(), parsed, path)
    if not parsed:
        raise UsageError("missing argument 'VERSION...'", hint="gvmpy lock --help")
    return _write(here(), parsed, read_platforms(platforms), path.absolute())


def read_platforms(words: Sequence[str]) -> list[Platform]:
    """Return the platforms that `words`, each a comma-separated list, name; this machine's for none."""
    from gvmpy.errors import UsageError
    from gvmpy.platform import Platform, host

    names = [name.strip() for word in words for name in word.split(",")]
    try:
        return list(dict.fromkeys(Platform.parse(name) for name in names)) or [host()]
    except ValueError as error:
        raise UsageError(str(error), hint="write GOOS-GOARCH, such as linux-arm64") from None


def find_locked(world: World, requests: Sequence[Request], platforms: Sequence[Platform]) -> Found:
    """Ask the sources what to lock of `requests`."""
    from gvmpy.install.plan import plan
    from gvmpy.releases.chain import open_sources
    from gvmpy.releases.locking import Locksmith, witnesses

    with world.network() as network:
        context = world.sources(network)
        versions = [planned.version for planned in plan(requests, open_sources(context), platforms[0])]
        return Locksmith(witnesses(context)).find(versions, platforms)


def _write(world: World, requests: list[Request], platforms: list[Platform], path: Path) -> Result:
    from gvmpy.trust.lockedit import merge, save
    from gvmpy.trust.lockfile import LockFile, load_lock

    before = load_lock(path) if path.exists() else LockFile(str(path), ())
    found = find_locked(world, requests, platforms)
    after = merge(before, found.artifacts)
    changed = save(path, after.artifacts)
    entries = [entry for item in found.artifacts if (entry := after.find(item.version, item.platform))]
    told = "" if changed else ", unchanged"
    return Result(
        data={"lock": str(path), "changed": changed, "entries": [_data(entry) for entry in entries]},
        text="\n".join(f"{entry.name}: {_digests(entry)}, in {path}{told}" for entry in entries),
        notes=tuple(dict.fromkeys(f"note: {refusal}" for refusal in found.refusals)),
    )


def _check(world: World, requests: list[Request], path: Path) -> Result:
    from gvmpy.install.pinned import agreement
    from gvmpy.platform import host
    from gvmpy.trust.lockfile import load_lock

    lock, machine = load_lock(path), host()
    found = [
        (version, agreement(world.home, lock, version, machine))
        for version in _to_check(requests, lock, machine)
    ]
    agree = bool(found) and all(verdict == "same" for _, verdict in found)
    return Result(
        data={
            "lock": lock.origin,
            "versions": [{"version": version.text, "agreement": verdict} for version, verdict in found],
        },
        text="\n".join(f"{version.name}: {_SAYS[verdict]}" for version, verdict in found)
        or f"nothing is locked for {machine}",
        notes=() if agree else ("hint: gvmpy install --locked",),
        exit_code=0 if agree else 1,
    )


def _to_check(requests: list[Request], lock: LockFile, machine: Platform) -> list[GoVersion]:
    from gvmpy.errors import UsageError
    from gvmpy.selection.request import Exact

    versions = []
    for request in requests:
        if not isinstance(request, Exact):
            raise UsageError(f"`{request}` is not an exact version", hint="gvmpy lock --check 1.22.3")
        versions.append(request.version)
    return versions or lock.versions(machine)


def _digests(entry: LockedArtifact) -> str:
    known = []
    if entry.sha256:
        known.append(f"SHA-256 from {entry.sha256_from or 'whoever wrote it'}")
    if entry.h1:
        known.append(f"h1 from {entry.h1_from or 'whoever wrote it'}")
    return " and ".join(known)


def _data(entry: LockedArtifact) -> dict[str, Any]:
    return {"version": entry.version.text, "platform": str(entry.platform)} | {
        key.replace("-", "_"): fact for key, fact in entry.facts().items()
    }
