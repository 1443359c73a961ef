from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from gvmpy.bundle.create import Kinds
    from gvmpy.bundle.layout import Kit
    from gvmpy.trust.lockfile import LockedArtifact


@click.group("bundle", short_help="Make and use offline kits.")
def command() -> None:
    """Make and use offline kits.

    A kit is a directory with toolchains and all that proves them. It is installed from without a network,
    and any web server that serves it is a mirror and a GOPROXY.
    """


@command.command("create", short_help="Put toolchains and their proofs into a directory.")
@click.argument("directory", type=click.Path(), metavar="DIR")
@click.argument("requests", metavar="VERSION...", nargs=-1, required=True)
@click.option(
    "--platform",
    "platforms",
    metavar="OS-ARCH,...",
    multiple=True,
    help="For which machines, such as linux-amd64,linux-arm64; this one when left out.",
)
@click.option(
    "--only",
    "kinds",
    type=click.Choice(["archives", "modules"]),
    help="Only official archives, or only toolchain modules; else both, where both can be had.",
)
@json_option
def create(
    *,
    directory: str,
    requests: tuple[str, ...],
    platforms: tuple[str, ...],
    kinds: Kinds | None,
    as_json: bool,
) -> Result:
    """Put toolchains and their proofs into DIR.

    A kit that is there is added to. When interrupted, the same command goes on from there.
    """
    from gvmpy.bundle.create import KitMaker
    from gvmpy.bundle.layout import Kit
    from gvmpy.cli.lock_cmd import read_platforms
    from gvmpy.install.plan import plan
    from gvmpy.install.progress import Cancellation
    from gvmpy.releases.chain import open_sources
    from gvmpy.selection.request import parse_request
    from gvmpy.ui.progress import progress_for

    parsed = [parse_request(request) for request in requests]
    machines = read_platforms(platforms)
    world, kit = here(), Kit(Path(directory).absolute())
    with world.network() as network:
        context = world.sources(network)
        chain = open_sources(context)
        maker = KitMaker(
            kit,
            context,
            chain,
            progress=progress_for(quiet=as_json),
            cancellation=Cancellation(),
            kinds=kinds or "all",
        )
        versions = [planned.version for planned in plan(parsed, chain, machines[0])]
        created = maker.create(versions, machines)
    return Result(
        data={
            "kit": str(kit.path),
            "entries": [_data(kit, item) for item in created.artifacts],
            "fresh": list(created.fresh),
        },
        text="\n".join(f"{item.name}: {_kinds(kit, item)}" for item in created.artifacts),
        notes=tuple(dict.fromkeys(f"note: {refusal}" for refusal in created.refusals)),
    )


@command.command("install", short_help="Install from a kit, without a network.")
@click.argument("directory", type=click.Path(), metavar="DIR")
@click.argument("requests", metavar="[VERSION...]", nargs=-1)
@click.option(
    "--lock",
    "lock_file",
    type=click.Path(),
    metavar="FILE",
    help="A lock file that the kit has to agree with.",
)
@json_option
def install(*, directory: str, requests: tuple[str, ...], lock_file: str | None, as_json: bool) -> Result:
    """Install from a kit, without a network.

    Without VERSION, all that the kit has for this machine. Every proof is checked again: modules against
    the checksum database's signed records in the kit, archives against its lock file.
    """
    from gvmpy.cli.choice import choose_from_kit
    from gvmpy.cli.install_cmd import install_choice, installed

    choice = choose_from_kit(directory, requests, lock_file)
    outcomes, notes = install_choice(here(offline=True), choice, quiet=as_json)
    unlinked = tuple(
        f"note: {done.version.name}: without a network, the kit's tree of {done.receipt.evidence['database']}"
        " could not be compared with the newest one seen here"
        for outcome in outcomes
        if (done := outcome.installation) is not None
        and done.fresh
        and done.receipt.evidence.get("consistency") == "not proven"
    )
    return installed(outcomes, notes + unlinked)


@command.command("verify", short_help="Check every byte and every proof of a kit.")
@click.argument("directory", type=click.Path(), metavar="DIR")
@json_option
def verify(*, directory: str, as_json: bool) -> Result:
    """Check every byte and every proof of a kit, without a network.

    Exits 1 and names what is wrong.
    """
    del as_json
    from gvmpy.bundle.check import check
    from gvmpy.bundle.layout import Kit

    world, kit = here(offline=True), Kit(Path(directory).absolute())
    with world.network() as network:
        entries, faults = check(kit, world.sources(network))
    lines = [f"{kit.path}: not as it was made", *(f"  {fault}" for fault in faults)]
    return Result(
        data={"kit": str(kit.path), "entries": [_data(kit, item) for item in entries], "faults": faults},
        text="\n".join(lines) if faults else "\n".join(f"{item.name}: proven" for item in entries),
        exit_code=1 if faults else 0,
    )


def _has(kit: Kit, item: LockedArtifact) -> tuple[bool, bool]:
    """Return whether the kit has the archive, and the module."""
    module = kit.module(item.version, item.platform, ".zip")
    return bool(item.sha256) and kit.archive(item).exists(), bool(item.h1) and module.exists()


def _kinds(kit: Kit, item: LockedArtifact) -> str:
    names = ("official archive", "toolchain module")
    return " and ".join(name for name, there in zip(names, _has(kit, item), strict=True) if there)


def _data(kit: Kit, item: LockedArtifact) -> dict[str, Any]:
    archive, module = _has(kit, item)
    return {
        "version": item.version.text,
        "platform": str(item.platform),
        "archive": archive,
        "module": module,
    }
