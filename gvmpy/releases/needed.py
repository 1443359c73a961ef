"""What somebody has to bring to a machine without a network: which file, from where, to where."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, NetworkError, NoSuchVersionError
from gvmpy.net import redact
from gvmpy.releases.pinned import GIVEN, archive_bases
from gvmpy.trust.lockfile import archive_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Source
    from gvmpy.trust.lockfile import LockFile
    from gvmpy.version import GoVersion


@dataclass(frozen=True, slots=True)
class Needed:
    """One file: its address, the SHA-256 in hex it must have ("" when not known here), where to put it."""

    version: GoVersion
    platform: Platform
    url: str
    sha256: str
    place: Path


def needed(
    context: Context,
    chain: Sequence[Source],
    lock: LockFile | None,
    version: GoVersion,
    platform: Platform,
    *,
    directory: Path,
) -> Needed:
    """Return which archive of `version` is needed in `directory`; its digest comes from `lock`, or from a
    source of `chain` that knows it without asking.
    """
    name = archive_name(version, platform)
    locked = lock.find(version, platform) if lock is not None else None
    sha256 = locked.sha256 if locked is not None else ""
    return Needed(
        version,
        platform,
        redact(f"{archive_bases(context)[0].rstrip('/')}/{name}"),
        sha256 or _remembered(chain, version, platform),
        directory / name,
    )


def explained(error: GvmpyError, wanted: Needed, lock: LockFile | None) -> GvmpyError:
    """Return `error`, raised because nobody may be asked, with what to bring, and where to."""
    if not isinstance(error, NetworkError | NoSuchVersionError):
        return error
    file = shlex.quote(f"./{wanted.place.name}")
    proof = f"--sha256 {wanted.sha256 or 'HEX'}"
    if lock is not None and lock.origin != GIVEN and lock.find(wanted.version, wanted.platform):
        proof = f"--lock {shlex.quote(lock.origin)}"
    return type(error)(
        error.message,
        details=(
            *error.details,
            f"needed: {wanted.url}",
            f"sha256: {wanted.sha256 or 'not known here; it stands at https://go.dev/dl/'}",
            f"put it at: {wanted.place}",
        ),
        hint=f"gvmpy install {file} {proof}",
    )


def _remembered(chain: Sequence[Source], version: GoVersion, platform: Platform) -> str:
    """Return the digest that a source can tell without asking anybody."""
    for source in chain:
        try:
            digest = source.artifact(version, platform).digest
        except GvmpyError:
            continue
        if digest.algorithm == "sha256":
            return digest.value
    return ""
