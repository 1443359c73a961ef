"""One version, from its sources to its receipt: fetch, prove, unpack, check, commit.

Nothing is unpacked before its bytes are proven, and nothing counts as installed before its receipt stands.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from gvmpy import __version__, locks
from gvmpy.config import strength
from gvmpy.errors import GvmpyError, IntegrityError, NetworkError, NoSuchVersionError
from gvmpy.install import staging
from gvmpy.install.carry import carried
from gvmpy.install.commit import commit, commit_over
from gvmpy.install.download import Downloader, Fetched, Wanted
from gvmpy.install.mirrors import Detour, Mirrors
from gvmpy.install.sanity import check_tree
from gvmpy.install.signature import Signature, fetch_signature
from gvmpy.install.unpack import Budget, TarUnpacker, hash_zip, unpack_toolchain_zip, unpack_wheel
from gvmpy.net import redact
from gvmpy.platform import host
from gvmpy.releases.chain import Refusal, Served, TooLittleProofError, first_to_serve
from gvmpy.trust.receipt import Receipt, install_anew, load_receipt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gvmpy.config import Config
    from gvmpy.home import Home
    from gvmpy.install.progress import Cancellation, Progress
    from gvmpy.net import Network
    from gvmpy.platform import Platform
    from gvmpy.releases.model import Artifact, Carry, Source
    from gvmpy.trust.manifest import Manifest
    from gvmpy.version import GoVersion

Unpack = Callable[["Path", "Path"], "Manifest"]
"""Unpacks the archive at the first path into the second, and lists what it wrote."""

TreeProof = Callable[["Artifact", "Path", "Manifest"], "Artifact"]
"""Looks at the tree that was unpacked at the path and the list of its files, and returns the artifact with a
stronger level of trust and its evidence when it can prove them, else as it is. Raises IntegrityError for a
tree that is proven wrong.
"""

_SIGNED = "signature"
_MAGIC = {"archive": b"\x1f\x8b", "toolchain-module": b"PK\x03\x04", "wheel": b"PK\x03\x04"}


@dataclass(frozen=True, slots=True)
class Installation:
    """An installed version. `fresh` tells whether this run put it there; `refusals` which sources did not
    serve, `detours` which addresses of the one that did.
    """

    version: GoVersion
    goroot: Path
    receipt: Receipt
    refusals: tuple[Refusal, ...]
    fresh: bool
    detours: tuple[Detour, ...] = ()


@dataclass(frozen=True, slots=True)
class _Proven:
    """Bytes on disk that are what they must be."""

    artifact: Artifact
    fetched: Fetched
    url: str
    unpack: Unpack
    detours: tuple[Detour, ...]


class Installer:
    """Installs versions below one home from one chain of sources; usable from several threads at once."""

    def __init__(
        self,
        home: Home,
        config: Config,
        chain: Sequence[Source],
        *,
        network: Network,
        progress: Progress,
        cancellation: Cancellation,
        environ: Mapping[str, str] | None = None,
        tree_proofs: Sequence[TreeProof] = (),
        mirrors: Mirrors | None = None,
    ) -> None:
        self._home = home
        self._config = config
        self._chain = chain
        self._progress = progress
        self._cancellation = cancellation
        self._network = network
        self._environ = os.environ if environ is None else environ
        self._tree_proofs = tree_proofs
        self._downloader = Downloader(network, progress, cancellation)
        self._mirrors = mirrors or Mirrors()
        self._platform: Platform = host()

    def install(self, version: GoVersion) -> Installation:
        """Install `version`, or return the installation that is there already.

        Raises the errors of the sources, IntegrityError for bytes or trees that are not what they must be,
        HostError for a lock or a disk in the way. Whatever is raised, nothing of the attempt counts as
        installed; of the download, what has arrived is kept for the next try.
        """
        self._home.prepare()
        lock = staging.lock_path(self._home, version)
        with locks.hold(lock, timeout=self._config.lock_timeout, on_wait=self._tell_waiting(version)) as held:
            if self._home.is_installed(version):
                return self._standing(version, (), fresh=False)
            if held:
                staging.sweep(self._home, version)
            # The workers are gone before the staged tree is removed: nobody writes there any more.
            with staging.staged(self._home, version) as tree, ExitStack() as workers:
                served, manifest = self._build(version, tree, workers)
                receipt = _receipt(served.value, manifest)
                fresh = commit(self._home, version, tree, manifest, receipt)
            return self._done(version, served, fresh=fresh)

    def replace(self, version: GoVersion) -> Installation:
        """Build the tree of `version` anew and exchange it for what stands there; the caller has the lock.

        Raises what `install` raises; then the old tree is still the one in place.
        """
        with staging.staged(self._home, version) as tree, ExitStack() as workers:
            served, manifest = self._build(version, tree, workers)
            commit_over(self._home, version, tree, manifest, _receipt(served.value, manifest))
        return self._done(version, served, fresh=True)

    def _build(self, version: GoVersion, tree: Path, workers: ExitStack) -> tuple[Served[_Proven], Manifest]:
        """Fetch, prove, unpack and check: what stands at `tree` then is what it is said to be."""
        what = f"{version.name} for {self._platform}"
        served = first_to_serve(self._chain, what, self._prover(version, workers))
        self._cancellation.check()
        self._progress.say(f"unpacking {version.name}")
        manifest = served.value.unpack(served.value.fetched.path, tree)
        check_tree(tree, version, self._platform)
        artifact = served.value.artifact
        for prove in self._tree_proofs:
            artifact = prove(artifact, tree, manifest)
        _require_trust(artifact, self._config.trust_minimum)
        self._cancellation.check()
        return replace(served, value=replace(served.value, artifact=artifact)), manifest

    def _done(self, version: GoVersion, served: Served[_Proven], *, fresh: bool) -> Installation:
        if served.value.fetched.ours:
            served.value.fetched.path.unlink(missing_ok=True)
        standing = self._standing(version, served.refusals, fresh=fresh)
        return replace(standing, detours=served.value.detours)

    def fetch(self, artifact: Artifact) -> Fetched:
        """Fetch and prove `artifact`, and unpack nothing; a file that is `ours` is the caller's to move away.

        Raises as `install` does.
        """
        _require_trust(artifact, self._config.trust_minimum)
        return self._fetch_proven(artifact, _kept_packed).fetched

    def _tell_waiting(self, version: GoVersion) -> Callable[[], None]:
        return lambda: self._progress.say(f"waiting for another gvmpy, which is installing {version.name}")

    def _standing(self, version: GoVersion, refusals: tuple[Refusal, ...], *, fresh: bool) -> Installation:
        receipt = load_receipt(self._home.receipt(version))
        if not fresh and strength(receipt.trust) < strength(self._config.trust_minimum):
            raise IntegrityError(
                f"{version.name} is installed, but proven only by `{receipt.trust}`",
                details=(f"`trust.minimum` asks for `{self._config.trust_minimum}`",),
                hint=install_anew(version.text),
            )
        return Installation(version, self._home.goroot(version), receipt, refusals, fresh)

    def _prover(self, version: GoVersion, workers: ExitStack) -> Callable[[Source], _Proven]:
        def attempt(source: Source) -> _Proven:
            self._cancellation.check()
            artifact = source.artifact(version, self._platform)
            for note in artifact.notes:
                self._progress.say(note)
            signature = self._signature(artifact)
            # What is too little now may be enough once the tree is there to be proven.
            if signature is None and not (artifact.layout == "wheel" and self._tree_proofs):
                _require_trust(artifact, self._config.trust_minimum)
            if artifact.carry is not None:
                return self._carry_proven(artifact, artifact.carry, workers)
            proven = self._fetch_proven(artifact, _unpacker(artifact, workers))
            if signature is None:
                return proven
            self._progress.say(f"checking the signature of {version.name}")
            return replace(proven, artifact=signature.prove(artifact, proven.fetched.path, self._environ))

        return attempt

    def _signature(self, artifact: Artifact) -> Signature | None:
        """Return the signature to check, fetched before anything large is; None when none is asked for, or
        the source has none.
        """
        if self._config.trust_minimum != _SIGNED or not artifact.signatures:
            return None
        return fetch_signature(artifact, self._network, self._config, self._environ)

    def _fetch_proven(self, artifact: Artifact, unpack: Unpack) -> _Proven:
        """Fetch from the first address whose bytes are the right ones; each other's failing is named.

        A mirror that failed before in this run is passed over, but the last address is always asked.
        """
        failures: list[GvmpyError] = []
        detours: list[Detour] = []
        for number, address in enumerate(artifact.addresses, 1):
            others = number < len(artifact.addresses)
            failure = self._mirrors.failure_of(address) if others else None
            if failure is None:
                patience = self._config.mirror_timeout if others and address.any_failure else 0
                try:
                    fetched = self._fetch_one(artifact, address.url, patience or None)
                    return _Proven(artifact, fetched, redact(address.url), unpack, tuple(detours))
                except (NetworkError, NoSuchVersionError, IntegrityError) as error:
                    self._mirrors.remember(address, error)
                    failure = error
            failures.append(failure)
            detours.append(Detour.around(address, failure))
            if not address.any_failure and not isinstance(failure, NoSuchVersionError):
                break
        if len(failures) == 1:
            raise failures[0]
        reasons = "; ".join(failure.message for failure in failures)
        details = tuple(detail for failure in failures for detail in failure.details)
        for kind in (IntegrityError, NetworkError, NoSuchVersionError):
            if any(isinstance(failure, kind) for failure in failures):
                raise kind(reasons, details=details)
        raise AssertionError("an artifact without an address")  # pragma: no cover

    def _carry_proven(self, artifact: Artifact, carry: Carry, workers: ExitStack) -> _Proven:
        """Let the source bring the bytes, and with them the digest they must have."""
        label = f"{artifact.version.name} from {artifact.source}"
        kept = self._kept(artifact)
        wanted = Wanted("", label, artifact.size, artifact.limit, _MAGIC[artifact.layout])
        # Nothing can go on from it: whatever comes, it goes when this attempt ends.
        workers.callback(kept.unlink, missing_ok=True)
        fetched, brought = carried(carry, wanted, kept, self._progress, self._cancellation)
        artifact = replace(artifact, digest=brought.digest)
        if not brought.digest.value or fetched.sha256 != brought.digest.value:
            raise _mismatch(artifact, brought.url, fetched.sha256)
        return _Proven(artifact, fetched, brought.url, _unpacker(artifact, workers), ())

    def _fetch_one(self, artifact: Artifact, url: str, patience: float | None) -> Fetched:
        kept = self._kept(artifact)
        label = f"{artifact.version.name} from {artifact.source}"
        wanted = Wanted(url, label, artifact.size, artifact.limit, _MAGIC[artifact.layout], patience)
        while True:
            fetched = self._downloader.fetch(wanted, kept)
            self._cancellation.check()
            have = self._digest(artifact, fetched)
            if have == artifact.digest.value:
                return fetched
            if fetched.ours:
                kept.unlink(missing_ok=True)
            if not fetched.resumed:
                raise _mismatch(artifact, url, have)

    def _digest(self, artifact: Artifact, fetched: Fetched) -> str:
        if artifact.digest.algorithm == "sha256":
            return fetched.sha256
        authority = artifact.evidence.get("database") or artifact.evidence.get("lock")
        self._progress.say(f"proving {artifact.version.name} against {authority}")
        return hash_zip(fetched.path, prefix=_prefix(artifact), budget=Budget())

    def _kept(self, artifact: Artifact) -> Path:
        """Name the partial file after the digest it must end up with: nothing else can go on from it."""
        key = hashlib.sha256(f"{artifact.digest.algorithm}:{artifact.digest.value}".encode()).hexdigest()
        name = f"{artifact.version.name}.{artifact.platform}.{key[:16]}.part"
        return self._config.cache / "partial" / name


def _unpacker(artifact: Artifact, workers: ExitStack) -> Unpack:
    """Return what unpacks `artifact` into a directory, its workers started where that can be done early."""
    if artifact.layout == "archive":
        unpacker = workers.enter_context(TarUnpacker())
        return partial(unpacker.unpack, prefix="go/", budget=Budget(), expected=artifact.digest.value)
    expected = artifact.digest.value
    if artifact.layout == "wheel":
        return partial(unpack_wheel, budget=Budget(), expected=expected)
    return partial(unpack_toolchain_zip, prefix=_prefix(artifact), budget=Budget(), expected=expected)


def _kept_packed(archive: Path, destination: Path) -> Manifest:
    """Stand where an Unpack is asked for and none will be called."""
    raise AssertionError(f"{archive} is not for unpacking into {destination}")


def _prefix(artifact: Artifact) -> str:
    """Every name in a module zip begins with the module and its version."""
    return f"{artifact.evidence['module']}/"


def _receipt(proven: _Proven, manifest: Manifest) -> Receipt:
    artifact = proven.artifact
    return Receipt(
        version=artifact.version.text,
        platform=str(artifact.platform),
        source=artifact.source,
        url=proven.url,
        archive_sha256=proven.fetched.sha256,
        archive_size=proven.fetched.size,
        trust=artifact.trust,
        evidence=dict(artifact.evidence),
        tree_h1=manifest.h1,
        file_count=manifest.count,
        installed_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        gvmpy=__version__,
    )


def _require_trust(artifact: Artifact, minimum: str) -> None:
    if strength(artifact.trust) < strength(minimum):
        raise TooLittleProofError(
            f"proves only `{artifact.trust}` where `trust.minimum` asks for `{minimum}`",
            hint="lower `trust.minimum` (GVMPY_TRUST_MINIMUM), or add a source that proves more",
        )


def _mismatch(artifact: Artifact, url: str, have: str) -> IntegrityError:
    return IntegrityError(
        f"{redact(url)} is not the {artifact.version.name} it must be; nothing was installed",
        details=(
            f"expected {artifact.digest.algorithm} {artifact.digest.value}",
            f"received {artifact.digest.algorithm} {have}",
            *(f"{name}: {value}" for name, value in artifact.evidence.items()),
        ),
        hint="a proxy or mirror on the way changed the file: try another network or source",
    )
