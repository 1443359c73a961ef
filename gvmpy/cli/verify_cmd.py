from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.home import Home
    from gvmpy.install.verify import Verification
    from gvmpy.version import GoVersion


@click.command("verify", short_help="Hash a tree anew and name what changed.")
@click.argument("request", metavar="[VERSION]", required=False)
@click.option(
    "--transparency", is_flag=True, help="Compare with Go's checksum database rather than with the receipt."
)
@click.option(
    "--raise",
    "raise_trust",
    is_flag=True,
    help="With --transparency: record the proof, and its trust, in the receipt.",
)
@json_option
def command(request: str | None, transparency: bool, raise_trust: bool, as_json: bool) -> Result:
    """Hash an installed tree anew and name every file that is not as it was installed.

    Without VERSION, all installed versions. Exits 1 when any file changed, is missing or was added.

    With --transparency, whatever the source was, the files are compared with what Go's checksum database has
    on record for everybody. Shown is how many files and bytes of the tree that covers.
    """
    from gvmpy.selection.request import parse_request
    from gvmpy.selection.resolve import match_installed

    if raise_trust and not transparency:
        raise click.UsageError("--raise goes with --transparency")
    world = here()
    versions = (
        [match_installed(parse_request(request), world.home)]
        if request is not None
        else world.home.installed()
    )
    if transparency:
        from gvmpy.cli.transparency import verify_transparency

        return verify_transparency(world, versions, raise_trust=raise_trust, quiet=as_json)
    return _verify_receipts(world.home, versions)


def _verify_receipts(home: Home, versions: Sequence[GoVersion]) -> Result:
    from gvmpy.errors import IntegrityError
    from gvmpy.install.verify import verify
    from gvmpy.trust.receipt import mend

    found: list[Verification] = []
    errors: list[IntegrityError] = []
    for version in versions:
        try:
            found.append(verify(home, version))
        except IntegrityError as error:
            errors.append(error)
    intact = 0 if all(verification.intact for verification in found) else 1
    return Result(
        data={"versions": [_data(verification) for verification in found]},
        text="\n".join(_text(verification) for verification in found) if versions else "nothing is installed",
        notes=tuple(
            f"hint: {mend(verification.version.text)}" for verification in found if not verification.intact
        ),
        exit_code=IntegrityError.exit_code if errors else intact,
        errors=tuple(errors),
    )


def _data(verification: Verification) -> dict[str, Any]:
    difference = verification.difference
    return {
        "version": verification.version.text,
        "intact": verification.intact,
        "files": verification.files,
        "trust": verification.receipt.trust,
        "tree_h1": verification.receipt.tree_h1,
        "changed": list(difference.changed),
        "missing": list(difference.missing),
        "added": list(difference.added),
        "mode": list(difference.mode),
    }


def _text(verification: Verification) -> str:
    name = verification.version.name
    if verification.intact:
        return f"{name}: {verification.files} files as installed ({verification.receipt.trust})"
    difference = verification.difference
    groups = (
        ("changed", difference.changed),
        ("missing", difference.missing),
        ("added", difference.added),
        ("mode changed", difference.mode),
    )
    lines = [f"{name}: not as installed"]
    lines += [f"  {what}: {one_line(file)}" for what, files in groups for file in files]
    return "\n".join(lines)
