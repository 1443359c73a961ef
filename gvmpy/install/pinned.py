"""Whether what is installed already is what a lock file, or `--sha256`, says it must be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from gvmpy.errors import IntegrityError
from gvmpy.releases.pinned import agrees
from gvmpy.trust.receipt import load_receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.home import Home
    from gvmpy.install.batch import Outcome
    from gvmpy.platform import Platform
    from gvmpy.trust.lockfile import LockedArtifact, LockFile
    from gvmpy.trust.receipt import Receipt
    from gvmpy.version import GoVersion

Agreement = Literal["same", "different", "unproven", "missing", "unlocked"]
"""How one version stands: `unproven`, when lock and receipt have no kind of digest in common."""


def agreement(home: Home, lock: LockFile, version: GoVersion, platform: Platform) -> Agreement:
    """Return whether the installation of `version` is what `lock` has for it. Looks at the receipt alone.

    Raises IntegrityError when the receipt cannot be read.
    """
    locked = lock.find(version, platform)
    if locked is None:
        return "unlocked"
    if not home.is_installed(version):
        return "missing"
    return _compare(locked, load_receipt(home.receipt(version)))


def refuse_others(outcomes: Sequence[Outcome], lock: LockFile, platform: Platform) -> list[Outcome]:
    """Return `outcomes`, with an error for what was installed before and is not what `lock` has."""
    return [_refused(outcome, lock, platform) for outcome in outcomes]


def _refused(outcome: Outcome, lock: LockFile, platform: Platform) -> Outcome:
    standing = outcome.installation
    if standing is None or standing.fresh:
        return outcome
    locked = lock.find(outcome.version, platform)
    verdict = _compare(locked, standing.receipt) if locked is not None else "unlocked"
    if verdict == "same":
        return outcome
    reasons = {
        "different": f"is not the one that `{lock.origin}` pins",
        "unproven": f"cannot be compared with `{lock.origin}`, which has another kind of digest",
        "unlocked": f"is not in `{lock.origin}`",
    }
    receipt = standing.receipt
    error = IntegrityError(
        f"{outcome.version.name} is installed, and {reasons[verdict]}",
        details=(f"installed from {receipt.url}", f"sha256 {receipt.archive_sha256}"),
        hint=f"gvmpy uninstall --force --yes {outcome.version}, then the same command again",
    )
    return replace(outcome, installation=None, error=error)


def _compare(locked: LockedArtifact, receipt: Receipt) -> Agreement:
    same = agrees(locked, receipt)
    return "unproven" if same is None else "same" if same else "different"
