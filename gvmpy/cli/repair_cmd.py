from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gvmpy.install.repair import Condition, Repair
    from gvmpy.version import GoVersion


@click.command("repair", short_help="Put a damaged installation right.")
@click.argument("requests", metavar="[VERSION]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every installed version.")
@click.option("--dry-run", is_flag=True, help="Say what is wrong; change nothing, ask nobody.")
@json_option
def command(*, requests: tuple[str, ...], every: bool, dry_run: bool, as_json: bool) -> Result:
    """Put a damaged installation right: changed, missing and added files, wrong modes, spoilt records.

    The toolchain is fetched and proven again, unpacked beside the damaged one, and the two are exchanged in
    one step; where no file is wrong, nothing is fetched. A Go that is running goes on; one that starts gets
    the old tree or the new one. What is intact is left alone. Files that do not belong to the toolchain go.
    """
    from gvmpy.errors import GvmpyError
    from gvmpy.install.repair import Condition

    if bool(requests) == every:
        raise click.UsageError("Name the versions to repair, or say --all.")
    world = here()
    versions = world.home.recorded() if every else [_find(world, text) for text in requests]
    found: list[Repair | Condition] = []
    errors: list[GvmpyError] = []
    with _workshop(world, dry_run=dry_run, quiet=as_json) as mend:
        for version in dict.fromkeys(versions):
            try:
                found.append(mend(version))
            except GvmpyError as error:
                errors.append(error)
    lines = [_would(item) if isinstance(item, Condition) else _did(item) for item in found]
    return Result(
        data={"dry_run": dry_run, "versions": [_data(item) for item in found]},
        text="\n".join(lines) if versions else "nothing is installed",
        notes=tuple(note for item in found for note in _notes(item)),
        exit_code=errors[0].exit_code if errors else 0,
        errors=tuple(errors),
    )


def _find(world: World, text: str) -> GoVersion:
    """Return the version meant: an exact one however damaged it is, else one that is installed."""
    from gvmpy.selection.request import Exact, parse_request
    from gvmpy.selection.resolve import match_installed

    request = parse_request(text)
    return request.version if isinstance(request, Exact) else match_installed(request, world.home)


@contextmanager
def _workshop(
    world: World, *, dry_run: bool, quiet: bool
) -> Iterator[Callable[[GoVersion], Repair | Condition]]:
    """Yield what is to be done with each version."""
    from functools import partial

    from gvmpy.install.repair import Repairer, examine

    if dry_run:
        yield partial(examine, world.home)
        return
    from gvmpy.install.progress import Cancellation
    from gvmpy.releases.chain import open_sources
    from gvmpy.shells.shims import write_shims
    from gvmpy.ui.progress import progress_for

    with world.network() as network:
        repairer = Repairer(
            world.home,
            world.config,
            open_sources(world.sources(network)),
            network=network,
            progress=progress_for(quiet=quiet),
            cancellation=Cancellation(),
        )
        yield repairer.repair
    if world.home.shims.is_dir():
        write_shims(world.home)


def _condition(item: Repair | Condition) -> Condition:
    from gvmpy.install.repair import Repair

    return item.found if isinstance(item, Repair) else item


def _data(item: Repair | Condition) -> dict[str, Any]:
    from gvmpy.install.repair import Repair

    found = _condition(item)
    difference = found.difference
    installation = item.installation if isinstance(item, Repair) else None
    receipt = item.receipt
    return {
        "version": found.version.text,
        "intact": found.intact,
        "repaired": isinstance(item, Repair) and item.done,
        "fetched": installation is not None,
        "fault": found.fault or None,
        "changed": list(difference.changed) if difference else [],
        "missing": list(difference.missing) if difference else [],
        "added": list(difference.added) if difference else [],
        "mode": list(difference.mode) if difference else [],
        "source": receipt.source if receipt else None,
        "trust": receipt.trust if receipt else None,
        "evidence": dict(receipt.evidence) if receipt else None,
        "detours": [
            {"place": detour.place, "reason": detour.reason}
            for detour in (installation.detours if installation else ())
        ],
    }


def _notes(item: Repair | Condition) -> list[str]:
    from gvmpy.install.repair import Repair

    if not isinstance(item, Repair) or item.installation is None:
        return []
    return [f"note: {passed}" for passed in (*item.installation.refusals, *item.installation.detours)]


def _would(found: Condition) -> str:
    if found.intact:
        return f"{found.version.name}: nothing to repair"
    words = ("changed", "missing", "added", "mode changed")
    return "\n".join([f"{found.version.name}: would be replaced", *_differences(found, words)])


def _did(repair: Repair) -> str:
    found, receipt = repair.found, repair.receipt
    if not repair.done or receipt is None:
        return f"{found.version.name}: nothing to repair"
    origin = receipt.source if repair.installation else "its own files"
    head = f"repaired {found.version.name} from {origin} ({receipt.trust})"
    return "\n".join([head, *_differences(found, ("replaced", "restored", "removed", "mode restored"))])


def _differences(found: Condition, words: tuple[str, str, str, str]) -> list[str]:
    if found.difference is None:
        return [f"  {one_line(found.fault)}"]
    difference = found.difference
    groups = (difference.changed, difference.missing, difference.added, difference.mode)
    return [
        f"  {word}: {one_line(file)}" for word, files in zip(words, groups, strict=True) for file in files
    ]
