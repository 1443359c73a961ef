from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option, offline_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.cli.choice import Choice
    from gvmpy.install.batch import Outcome
    from gvmpy.install.pipeline import Installation
    from gvmpy.install.plan import Planned
    from gvmpy.releases.chain import Refusal
    from gvmpy.releases.model import Context, Source


@click.command("install", short_help="Fetch, prove and unpack Go releases.")
@click.argument("requests", metavar="[VERSION|FILE]...", nargs=-1)
@click.option("--sha256", metavar="HEX", help="What the one archive must hash to, wherever it comes from.")
@click.option(
    "--locked", is_flag=True, help="Only what gvmpy.lock, here or above, pins; without VERSION all of it."
)
@click.option(
    "--lock", "lock_file", type=click.Path(), metavar="FILE", help="The same with another lock file."
)
@click.option("--verify-signature", is_flag=True, help="Demand Google's OpenPGP signature; `gpg` is needed.")
@offline_option
@json_option
def command(
    *,
    requests: tuple[str, ...],
    sha256: str | None,
    locked: bool,
    lock_file: str | None,
    verify_signature: bool,
    offline: bool,
    as_json: bool,
) -> Result:
    """Fetch, prove and unpack Go releases.

    VERSION is exact (1.22.3), a prefix for the newest of a line (1.22), a range (^1.21), or a channel:
    latest, stable, oldstable, unstable. Several are fetched at once. Nothing is unpacked before its digest
    is proven.

    FILE is an archive named as it was published, or a directory of archives. Its digest comes from --sha256
    or a lock file.
    """
    from gvmpy.cli.choice import choose

    world = here(offline=offline)
    if verify_signature:
        world.config = replace(world.config, trust_minimum="signature")
    choice = choose(requests, sha256=sha256, lock_file=lock_file, locked=locked)
    outcomes, refusals = install_choice(world, choice, quiet=as_json)
    return installed(outcomes, refusals)


def installed(outcomes: Sequence[Outcome], notes: tuple[str, ...]) -> Result:
    """Return the answer of a command that installs."""
    errors = tuple(outcome.error for outcome in outcomes if outcome.error is not None)
    done = [outcome.installation for outcome in outcomes if outcome.installation is not None]
    return Result(
        data={"versions": [_data(installation) for installation in done]},
        text="\n".join(describe(installation) for installation in done),
        notes=notes,
        exit_code=errors[0].exit_code if errors else 0,
        errors=errors,
    )


def install_requests(
    world: World, requests: Sequence[str], *, quiet: bool
) -> tuple[list[Outcome], tuple[str, ...]]:
    """Install what `requests` mean; the one way both `install` and `use --install` go.

    Return the outcomes, and a note for each source that did not serve.
    """
    from gvmpy.cli.choice import Choice
    from gvmpy.selection.request import parse_request

    return install_choice(world, Choice(tuple(parse_request(request) for request in requests)), quiet=quiet)


def install_choice(world: World, choice: Choice, *, quiet: bool) -> tuple[list[Outcome], tuple[str, ...]]:
    """Install `choice`; return the outcomes, and a note for each source that did not serve."""
    from gvmpy.install.batch import install_all
    from gvmpy.install.pinned import refuse_others
    from gvmpy.install.pipeline import Installer
    from gvmpy.install.progress import Cancellation
    from gvmpy.install.treeproof import tree_proofs
    from gvmpy.platform import host
    from gvmpy.shells.shims import write_shims
    from gvmpy.ui.progress import progress_for

    cancellation = Cancellation()
    with world.network() as network:
        context = world.sources(network)
        chain = choice.sources(context)
        progress = progress_for(quiet=quiet)
        planned = _planned(choice, chain, offline=world.config.offline)
        world.home.prepare()
        write_shims(world.home)
        installer = Installer(
            world.home,
            world.config,
            chain,
            network=network,
            progress=progress,
            cancellation=cancellation,
            environ=world.environ,
            tree_proofs=tree_proofs(context, choice.lock, progress, cancellation),
        )
        outcomes = install_all(installer, [item.version for item in planned], cancellation)
        write_shims(world.home)
        if choice.lock is not None:
            outcomes = refuse_others(outcomes, choice.lock, host())
        if world.config.offline:
            outcomes = [_with_needed(outcome, context, chain, choice) for outcome in outcomes]
    refusals = [refusal for item in planned for refusal in item.refusals]
    refusals += [refusal for outcome in outcomes for refusal in _refusals(outcome)]
    detours = [detour for item in outcomes if item.installation for detour in item.installation.detours]
    notes = [f"note: {passed}" for passed in (*refusals, *detours)]
    notes += [f"warning: {warning}" for warning in context.journal.warnings]
    return outcomes, tuple(dict.fromkeys(notes))


def _planned(choice: Choice, chain: Sequence[Source], *, offline: bool) -> list[Planned]:
    from gvmpy.errors import NetworkError
    from gvmpy.install.plan import plan
    from gvmpy.platform import host

    try:
        return plan(choice.requests, chain, host())
    except NetworkError as error:
        if not offline:
            raise
        hint = "name exact versions, such as 1.22.3: which is the newest, only the network can tell"
        raise NetworkError(error.message, details=error.details, hint=hint) from error


def _with_needed(outcome: Outcome, context: Context, chain: Sequence[Source], choice: Choice) -> Outcome:
    """Tell, of what failed because nobody may be asked, which file would help."""
    from pathlib import Path

    from gvmpy.cli.choice import nearest_lock
    from gvmpy.platform import host
    from gvmpy.releases.needed import explained, needed

    if outcome.error is None or choice.is_local:
        return outcome
    lock = choice.lock or nearest_lock()
    wanted = needed(context, chain, lock, outcome.version, host(), directory=Path.cwd())
    return replace(outcome, error=explained(outcome.error, wanted))


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
    if "fingerprint" in evidence:
        return f"the signature of {evidence['fingerprint']}, made {evidence['signed_at']}"
    if "record" in evidence:
        return f"{evidence['database']} (record {evidence['record']} of {evidence['tree_size']})"
    if "lock" in evidence:
        return f"the {'SHA-256' if 'sha256' in evidence else 'h1'} that {evidence['lock']} pins"
    if "distribution" in evidence:
        return f"the package index's own SHA-256 of {evidence['distribution']}"
    return f"the SHA-256 of {evidence.get('index', 'its index')}"
