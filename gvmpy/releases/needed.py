"""What somebody has to bring to a machine without a network: which file, from where, to where."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, NetworkError, NoSuchVersionError
from gvmpy.goenv.goproxy import DIRECT
from gvmpy.net import OFFLINE_HINT, redact
from gvmpy.releases.chain import PROXY_HINT
from gvmpy.releases.pinned import GIVEN
from gvmpy.releases.sources.goproxy import goproxy_setting, module_addresses, module_version
from gvmpy.releases.sources.official import archive_bases
from gvmpy.trust.lockfile import archive_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Source
    from gvmpy.trust.lockfile import LockedArtifact, LockFile
    from gvmpy.version import GoVersion

_UNKNOWN = "sha256: not known here; it stands at https://go.dev/dl/"


@dataclass(frozen=True, slots=True)
class Needed:
    """One file: its address, what it must hash to in words, where to put it, and what proves it then."""

    url: str
    digest: str
    place: Path
    proof: str


def needed(
    context: Context,
    chain: Sequence[Source],
    lock: LockFile | None,
    version: GoVersion,
    platform: Platform,
    *,
    directory: Path,
) -> Needed:
    """Return which file of `version` is needed in `directory`; its digest comes from `lock`, or from a source
    of `chain` that knows it without asking.
    """
    locked = lock.find(version, platform) if lock is not None else None
    if lock is not None and locked is not None and lock.origin != GIVEN:
        return _locked(context, lock, locked, directory)
    name = archive_name(version, platform)
    sha256 = locked.sha256 if locked is not None else _remembered(chain, version, platform)
    return Needed(
        redact(_archive_url(context, name)),
        f"sha256: {sha256}" if sha256 else _UNKNOWN,
        directory / name,
        f"--sha256 {sha256 or 'HEX'}",
    )


def explained(error: GvmpyError, wanted: Needed) -> GvmpyError:
    """Return `error`, raised because nobody may be asked, with what to bring, and where to."""
    if not isinstance(error, NetworkError | NoSuchVersionError):
        return error
    lines = [f"needed: {wanted.url}", wanted.digest, f"put it at: {wanted.place}"]
    if error.hint and error.hint not in {PROXY_HINT, OFFLINE_HINT}:
        lines.append(f"or: {error.hint}")
    file = shlex.quote(f"./{wanted.place.name}")
    return type(error)(
        error.message, details=(*error.details, *lines), hint=f"gvmpy install {file} {wanted.proof}"
    )


def _locked(context: Context, lock: LockFile, locked: LockedArtifact, directory: Path) -> Needed:
    """Return the file that `lock` can prove: the archive, or the zip of the module."""
    proof = f"--lock {shlex.quote(lock.origin)}"
    if locked.sha256:
        url, digest, name = (
            _archive_url(context, locked.filename),
            f"sha256: {locked.sha256}",
            locked.filename,
        )
    else:
        name = f"{module_version(locked.version, locked.platform)}.zip"
        url, digest = _module_url(context, name), locked.h1
    return Needed(redact(url), digest, directory / name, proof)


def _module_url(context: Context, name: str) -> str:
    """Return where a proxy elsewhere has the file; a directory on this machine evidently has not."""
    for goproxy in (goproxy_setting(context), DIRECT):
        try:
            urls = [address.url for address in module_addresses(goproxy, name)]
        except GvmpyError:
            continue
        distant = [url for url in urls if not url.startswith("file:")]
        if distant:
            return distant[0]
    raise AssertionError("`direct` is always elsewhere")  # pragma: no cover


def _archive_url(context: Context, name: str) -> str:
    return f"{archive_bases(context.config)[0].rstrip('/')}/{name}"


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
