from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.install.batch import Outcome
    from gvmpy.install.pipeline import Installation
    from gvmpy.releases.chain import Refusal


@click.command("install", short_help="Fetch, prove and unpack Go releases.")
@click.argument("requests", metavar="VERSION...", nargs=-1, required=True)
@json_option
def command(requests: tuple[str, ...], as_json: bool) -> Result:
    """Fetch, prove and unpack Go releases.

    VERSION is exact (1.22.3), a prefix for the newest of a line (1.22), a range (^1.21), or a channel:
    latest, stable, oldstable, unstable. Several are fetched at once. Nothing is unpacked before its digest
    is proven.
    """
    outcomes, refusals = install_requests(here(), requests, quiet=as_json)
    errors = tuple(outcome.error for outcome in outcomes if outcome.error is not None)
    done = [outcome.installation for outcome in outcomes if outcome.installation is not None]
    return Result(
        data={"versions": [_data(installation) for installation in done]},
        text="\n".join(describe(installation) for installation in done),
        notes=refusals,
        exit_code=errors[0].exit_code if errors else 0,
        errors=errors,
    )


def install_requests(
    world: World, requests: Sequence[str], *, quiet: bool
) -> tuple[list[Outcome], tuple[str, ...]]:
    """Install what `requests` mean; the one way both `install` and `use --install` go.

    Return the outcomes, and a note for each source that did not serve.
    """
    from gvmpy.selection.request import parse_request

    parsed = [parse_request(request) for request in requests]
    from gvmpy.install.batch import install_all
    from gvmpy.install.pipeline import Installer
    from gvmpy.install.plan import plan
    from gvmpy.install.progress import Cancellation
    from gvmpy.platform import host
    from gvmpy.releases.chain import open_sources
    from gvmpy.shells.shims import write_shims
    from gvmpy.ui.progress import progress_for

    cancellation = Cancellation()
    with world.network() as network:
        context = world.sources(network)
        chain = open_sources(context)
        progress = progress_for(quiet=quiet)
        planned = plan(parsed, chain, host())
        world.home.prepare()
        write_shims(world.home)
        installer = Installer(
            world.home, world.config, chain, network=network, progress=progress, cancellation=cancellation
        )
        outcomes = install_all(installer, [item.version for item in planned], cancellation)
        write_shims(world.home)
    refusals = [refusal for item in planned for refusal in item.refusals]
    refusals += [refusal for outcome in outcomes for refusal in _refusals(outcome)]
    detours = [detour for item in outcomes if item.installation for detour in item.installation.detours]
    notes = [f"note: {passed}" for passed in (*refusals, *detours)]
    notes += [f"warning: {warning}" for warning in context.journal.warnings]
    return outcomes, tuple(dict.fromkeys(notes))


def _refusals(outcome: Outcome) -> tuple[Refusal, ...]:
    return outcome.installation.refusals if outcome.installation else ()


def _data(installation: Installation) -> dict[str, Any]:
    receipt = installation.receipt
    return {
        "version": receipt.version,
        "goroot": str(installation.goroot),
        "fresh": installation.fresh,
        "source": receipt.source,
        "trust": receipt.trust,
        "evidence": dict(receipt.evidence),
        "refusals": [str(refusal) for refusal in installation.refusals],
        "detours": [{"place": detour.place, "reason": detour.reason} for detour in installation.detours],
    }


def describe(installation: Installation) -> str:
    """Return one line: what is installed, where it came from, what proved it."""
    name, receipt = installation.version.name, installation.receipt
    if not installation.fresh:
        return f"{name} is already installed ({receipt.trust}, from {receipt.source})"
    return f"installed {name} from {receipt.source}, proven by {_proof(installation)}"


def _proof(installation: Installation) -> str:
    evidence = installation.receipt.evidence
    if "record" in evidence:
        return f"{evidence['database']} (record {evidence['record']} of {evidence['tree_size']})"
    return f"the SHA-256 of {evidence.get('index', 'its index')}"
