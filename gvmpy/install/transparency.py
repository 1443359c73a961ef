"""Proving a tree, from whatever source, against the checksum database.

The database has one hash for a version. What it is over is found, in this order: from the tree itself, from a
list kept in the cache, from the module zip. Each must come to that very hash, so it does not matter who
delivers it. Nothing is written below the home, but for evidence of a fork, until the proof is to be recorded.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gvmpy import locks
from gvmpy.config import strength
from gvmpy.errors import GvmpyError, HostError, IntegrityError, NetworkError, NoSuchVersionError
from gvmpy.files import make_private, write_atomic
from gvmpy.install.download import Downloader, Wanted
from gvmpy.install.staging import lock_path
from gvmpy.install.unpack import Budget, list_zip
from gvmpy.net import redact
from gvmpy.platform import Platform
from gvmpy.releases.sources.goproxy import MODULE, GoProxy, evidence_of, module_version
from gvmpy.trust.manifest import Manifest
from gvmpy.trust.receipt import install_anew, load_receipt
from gvmpy.trust.toolchain import cover, find_list, module_h1
from gvmpy.trust.tree import hash_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.install.progress import Cancellation, Progress
    from gvmpy.releases.model import Artifact, Context
    from gvmpy.trust.receipt import Receipt
    from gvmpy.trust.sumdb import Evidence
    from gvmpy.trust.toolchain import Coverage
    from gvmpy.version import GoVersion

LEVEL = "transparency-log"
Origin = Literal["tree", "cache", "zip"]
_ZIP_MAGIC = b"PK\x03\x04"
_LARGEST_LIST = 1 << 25


@dataclass(frozen=True, slots=True)
class Proof:
    """What the database says of a tree: `coverage` against the list that `evidence` vouches for.

    `origin` is where that list was found; `tree_h1` the directory hash of the tree as it was read.
    """

    version: GoVersion
    platform: Platform
    evidence: Evidence
    coverage: Coverage
    origin: Origin
    tree_h1: str


def prove_transparency(
    context: Context,
    version: GoVersion,
    *,
    progress: Progress,
    cancellation: Cancellation,
    keep_head: bool = False,
) -> Proof:
    """Return the proof of the installed `version`.

    The newest signed head is kept below the home with `keep_head` only. Raises NoSuchVersionError when it is
    not installed, IntegrityError when the database or a zip is not what it must be, NetworkError when either
    cannot be had and is needed.
    """
    home = context.home
    if not home.is_installed(version):
        raise NoSuchVersionError(f"{version.name} is not installed", hint=f"gvmpy install {version}")
    system, _, architecture = load_receipt(home.receipt(version)).platform.partition("-")
    goroot, platform = home.goroot(version), Platform(system, architecture)
    prover = Prover(context, progress, cancellation)
    return prover.prove_tree(goroot, hash_tree(goroot), version, platform, keep_head=keep_head)


class Prover:
    """Proves trees over one network, reporting to one progress."""

    def __init__(self, context: Context, progress: Progress, cancellation: Cancellation) -> None:
        self._context = context
        self._progress = progress
        self._cancellation = cancellation
        self._source = GoProxy(context)

    def prove_tree(
        self, root: Path, tree: Manifest, version: GoVersion, platform: Platform, *, keep_head: bool
    ) -> Proof:
        """Return the proof of the files `tree`, which lie below `root`, installed or still staged.

        Raises as `prove_transparency` does.
        """
        evidence = self._source.evidence(version, platform, keep_head=keep_head)
        module = f"{MODULE}@{module_version(version, platform)}"
        listed, origin = self._list(tree, module, evidence, version, platform)
        coverage = cover(tree, listed, _sizes(root, tree))
        return Proof(version, platform, evidence, coverage, origin, tree.h1)

    def _list(
        self, tree: Manifest, module: str, evidence: Evidence, version: GoVersion, platform: Platform
    ) -> tuple[Manifest, Origin]:
        listed = find_list(tree, module, evidence.h1, version)
        if listed is not None:
            return listed, "tree"
        kept = self._context.config.cache / "toolchains" / f"{module_version(version, platform)}.files"
        listed = _recall(kept)
        if listed is not None and module_h1(listed, module) == evidence.h1:
            return listed, "cache"
        try:
            listed = self._list_of_zip(module, version, platform)
        except (NetworkError, NoSuchVersionError) as error:
            text = f"{version.name} differs from what {evidence.database} has on record; to tell where"
            raise type(error)(
                f"{text}, its module is needed: {error.message}", hint=error.hint, details=error.details
            ) from error
        with contextlib.suppress(OSError):  # a cache that cannot be written is no failure
            make_private(kept.parent)
            write_atomic(kept, listed.dumps().encode())
        return listed, "zip"

    def _list_of_zip(self, module: str, version: GoVersion, platform: Platform) -> Manifest:
        """Fetch the zip and return its files, once they come to the hash on record."""
        artifact = self._source.artifact(version, platform, keep_head=False)
        self._progress.say(f"fetching the module of {version.name}, to compare file by file")
        downloader = Downloader(self._context.network, self._progress, self._cancellation)
        failures: list[GvmpyError] = []
        for address in artifact.addresses:
            try:
                return self._fetch(downloader, artifact, address.url, module)
            except (NetworkError, NoSuchVersionError, IntegrityError) as error:
                failures.append(error)
                if not address.any_failure and not isinstance(error, NoSuchVersionError):
                    break
        raise _worst(failures)

    def _fetch(self, downloader: Downloader, artifact: Artifact, url: str, module: str) -> Manifest:
        """Fetch from one address, into a file that no install knows of: no lock is held here."""
        partial = self._context.config.cache / "partial"
        label = f"{artifact.version.name} from {artifact.source}"
        try:
            make_private(partial)
            with tempfile.TemporaryDirectory(prefix="verify-", dir=partial) as scratch:
                wanted = Wanted(url, label, None, artifact.limit, _ZIP_MAGIC)
                fetched = downloader.fetch(wanted, Path(scratch, "zip"))
                self._cancellation.check()
                listed = list_zip(fetched.path, prefix=f"{module}/", budget=Budget())
        except OSError as error:
            raise HostError(f"cannot write below `{partial}`: {error.strerror}") from error
        found = module_h1(listed, module)
        if found != artifact.digest.value:
            raise IntegrityError(
                f"{redact(url)} is not the module zip that {artifact.evidence['database']} has on record",
                details=(f"expected {artifact.digest.value}", f"received {found}"),
                hint="a proxy on the way changed the file: try another network or GOPROXY",
            )
        return listed


def record_proof(context: Context, proof: Proof) -> Receipt:
    """Write `proof` into the receipt of its version, raise its trust to LEVEL, and return it.

    What the receipt said of the source stays. Raises IntegrityError when the tree does not agree, or is not
    the one that the receipt is of, HostError when the receipt cannot be written.
    """
    home, version, coverage = context.home, proof.version, proof.coverage
    if not coverage.agrees:
        raise IntegrityError(
            f"{version.name} is not what {proof.evidence.database} has on record: its receipt stays as it is",
            hint=install_anew(version.text),
        )
    home.prepare()
    with locks.hold(lock_path(home, version), timeout=context.config.lock_timeout):
        receipt = load_receipt(home.receipt(version))
        if receipt.tree_h1 != proof.tree_h1:
            raise IntegrityError(
                f"the receipt of {version.name} is of another tree than the one that was proven",
                details=(f"receipt {receipt.tree_h1}", f"tree    {proof.tree_h1}"),
                hint=install_anew(version.text),
            )
        evidence = dict(receipt.evidence) | kept_evidence(proof)
        raised = replace(receipt, trust=max(receipt.trust, LEVEL, key=strength), evidence=evidence)
        try:
            write_atomic(home.receipt(version), raised.dumps())
        except OSError as error:
            raise HostError(f"cannot write `{home.receipt(version)}`: {error.strerror}") from error
    return raised


def _worst(failures: Sequence[GvmpyError]) -> GvmpyError:
    """Return one error for why no address served; wrong bytes count for more than none."""
    if len(failures) == 1:
        return failures[0]
    kinds = (IntegrityError, NetworkError, NoSuchVersionError)
    kind = next(kind for kind in kinds if any(isinstance(failure, kind) for failure in failures))
    details = tuple(detail for failure in failures for detail in failure.details)
    return kind("; ".join(failure.message for failure in failures), details=details)


def kept_evidence(proof: Proof) -> dict[str, str | int]:
    """Return what a receipt keeps of `proof`."""
    return evidence_of(proof.evidence, proof.version, proof.platform) | {
        "proven_files": proof.coverage.covered_files,
        "proven_bytes": proof.coverage.covered_bytes,
    }


def _recall(kept: Path) -> Manifest | None:
    """Return a list from the cache, as it is there: whether it is genuine, its hash tells."""
    try:
        with kept.open("rb") as stream:
            return Manifest.loads(stream.read(_LARGEST_LIST).decode())
    except (OSError, UnicodeDecodeError, IntegrityError):
        return None


def _sizes(root: Path, tree: Manifest) -> dict[str, int]:
    """Return how many bytes each file has; one that vanished meanwhile has none."""
    sizes = {}
    for record in tree.records:
        with contextlib.suppress(OSError):
            sizes[record.name] = os.lstat(root / record.name).st_size
    return sizes
