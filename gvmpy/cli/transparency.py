"""What `verify --transparency` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line
from gvmpy.ui.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.cli.world import World
    from gvmpy.errors import GvmpyError
    from gvmpy.install.transparency import Proof
    from gvmpy.trust.toolchain import Share
    from gvmpy.version import GoVersion

_HEADER = ("VERSION", "FILES", "BYTES", "ANSWER", "DATABASE")


def verify_transparency(
    world: World, versions: Sequence[GoVersion], *, raise_trust: bool, quiet: bool
) -> Result:
    """Prove each of `versions`, and with `raise_trust` record the proof; all are looked at."""
    from gvmpy.errors import GvmpyError
    from gvmpy.install.progress import Cancellation
    from gvmpy.install.transparency import prove_transparency, record_proof
    from gvmpy.trust.receipt import install_anew, load_receipt
    from gvmpy.ui.progress import progress_for

    progress, cancellation = progress_for(quiet=quiet), Cancellation()
    proofs: list[tuple[Proof, str]] = []
    notes: list[str] = []
    errors: list[GvmpyError] = []
    with world.network() as network:
        context = world.sources(network)
        for version in versions:
            try:
                proof = prove_transparency(
                    context, version, progress=progress, cancellation=cancellation, keep_head=raise_trust
                )
                trust = load_receipt(world.home.receipt(version)).trust
                if raise_trust and proof.coverage.agrees:
                    trust = record_proof(context, proof).trust
                    notes.append(f"{version.name}: the receipt now says `{trust}`")
                proofs.append((proof, trust))
            except GvmpyError as error:
                errors.append(_naming(version, error))
    denied = [proof for proof, _ in proofs if not proof.coverage.agrees]
    return Result(
        data={"versions": [_data(proof, trust) for proof, trust in proofs]},
        text=_text([proof for proof, _ in proofs]) if versions else "nothing is installed",
        notes=(*notes, *(f"hint: {install_anew(proof.version.text)}" for proof in denied)),
        exit_code=_worst(errors) if errors else 1 if denied else 0,
        errors=tuple(errors),
    )


def _naming(version: GoVersion, error: GvmpyError) -> GvmpyError:
    """Return `error` so that it tells which version it is about."""
    if version.name in error.message:
        return error
    return type(error)(f"{version.name}: {error.message}", hint=error.hint, details=error.details)


def _worst(errors: Sequence[GvmpyError]) -> int:
    """Return the code of a failed proof if there is one: it must not pass for a network that was down."""
    from gvmpy.errors import IntegrityError

    broken = [error for error in errors if isinstance(error, IntegrityError)]
    return (broken or errors)[0].exit_code


def _data(proof: Proof, trust: str) -> dict[str, Any]:
    coverage, evidence = proof.coverage, proof.evidence
    return {
        "version": proof.version.text,
        "proven": coverage.agrees,
        "trust": trust,
        "database": evidence.database,
        "record": evidence.record,
        "tree_size": evidence.tree_size,
        "root": evidence.root,
        "h1": evidence.h1,
        "compared_with": proof.origin,
        "files": coverage.files,
        "covered_files": coverage.covered_files,
        "bytes": coverage.bytes,
        "covered_bytes": coverage.covered_bytes,
        "differing": list(coverage.differing),
        "missing": list(coverage.missing),
        "added": list(coverage.added),
        "absent": list(coverage.absent),
        "uncovered": [
            {"directory": share.directory, "files": share.files, "bytes": share.bytes}
            for share in coverage.uncovered
        ],
    }


def _text(proofs: Sequence[Proof]) -> str:
    if not proofs:
        return ""
    lines = [table(_HEADER, [_row(proof) for proof in proofs])]
    for proof in proofs:
        lines += [f"{proof.version.name}: {line}" for line in _lines(proof)]
    return "\n".join(lines)


def _row(proof: Proof) -> tuple[str, ...]:
    coverage, evidence = proof.coverage, proof.evidence
    return (
        proof.version.name,
        _share(coverage.covered_files, coverage.files),
        _share(coverage.covered_bytes, coverage.bytes),
        "proven" if coverage.agrees else "DIFFERS",
        f"{evidence.database}, record {evidence.record} of {evidence.tree_size}",
    )


def _share(part: int, whole: int) -> str:
    """Return both numbers, and the share rounded down: nothing but all is 100 %."""
    return f"{part}/{whole} ({1000 * part // whole / 10 if whole else 100:.1f} %)"


def _lines(proof: Proof) -> list[str]:
    coverage = proof.coverage
    groups = (
        ("differs", coverage.differing),
        ("missing", coverage.missing),
        ("added", coverage.added),
        ("not in the tree", [", ".join(coverage.absent)] if coverage.absent else []),
    )
    lines = [f"{what}: {one_line(file)}" for what, files in groups for file in files]
    return lines + [f"not covered: {_uncovered(share)}" for share in coverage.uncovered]


def _uncovered(share: Share) -> str:
    from gvmpy.trust.toolchain import TOP

    where = "at the top" if share.directory == TOP else f"{share.directory}/"
    return f"{where} ({share.files} {'file' if share.files == 1 else 'files'}, {share.bytes} bytes)"
