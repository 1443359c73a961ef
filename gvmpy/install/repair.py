"""Putting a damaged installation right: the whole tree is built anew beside it, and the two are exchanged."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from gvmpy import locks
from gvmpy.config import strength
from gvmpy.errors import HostError, IntegrityError, NoSuchVersionError
from gvmpy.install import staging
from gvmpy.install.clone import clone
from gvmpy.install.commit import commit_over, manifest_path
from gvmpy.install.mirrors import Mirrors
from gvmpy.install.pipeline import Installer
from gvmpy.install.verify import compare_with_records
from gvmpy.releases.model import Address, Artifact, Digest
from gvmpy.releases.sources.goproxy import LARGEST_ZIP
from gvmpy.releases.sources.official import archive_name, mirror_address
from gvmpy.trust.manifest import Manifest
from gvmpy.trust.receipt import install_anew, load_receipt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gvmpy.config import Config
    from gvmpy.home import Home
    from gvmpy.install.pipeline import Installation, TreeProof
    from gvmpy.install.progress import Cancellation, Progress
    from gvmpy.net import Network
    from gvmpy.platform import Platform
    from gvmpy.releases.model import Layout, Release, Source
    from gvmpy.trust.manifest import Difference
    from gvmpy.trust.receipt import Receipt
    from gvmpy.version import GoVersion

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong with an installation. `difference` is None where there is nothing to compare with, and
    `fault` says why; `receipt` is None unless it, and its list of files, can be relied on.
    """

    version: GoVersion
    receipt: Receipt | None
    difference: Difference | None
    fault: str

    @property
    def intact(self) -> bool:
        """Whether nothing needs repair."""
        return self.difference is not None and not self.difference

    @property
    def is_complete(self) -> bool:
        """Whether every file is there with its right content, and only modes or other files are wrong."""
        return self.difference is not None and not (self.difference.changed or self.difference.missing)


@dataclass(frozen=True, slots=True)
class Repair:
    """What was found, and what was done: nothing, the right files put into a new tree, or all fetched anew,
    which alone makes an `installation`.
    """

    found: Condition
    installation: Installation | None
    receipt: Receipt | None

    @property
    def done(self) -> bool:
        """Whether anything was done."""
        return not self.found.intact


def examine(home: Home, version: GoVersion) -> Condition:
    """Compare what there is of `version` with its records, in whatever state either is. Writes nothing.

    Raises NoSuchVersionError when there is nothing of it at all.
    """
    _require_something(home, version)
    try:
        found = compare_with_records(home, version)
    except IntegrityError as error:
        return Condition(version, None, None, error.message)
    except HostError as error:  # a file that not even its owner may read
        return Condition(version, load_receipt(home.receipt(version)), None, error.message)
    return Condition(version, found.receipt, found.difference, "")


def _require_something(home: Home, version: GoVersion) -> None:
    if not os.path.lexists(home.receipt(version)) and not os.path.lexists(home.goroot(version)):
        raise NoSuchVersionError(f"{version.name} is not installed", hint=f"gvmpy install {version}")


class Repairer:
    """Repairs versions below one home, from the sources of one chain."""

    def __init__(
        self,
        home: Home,
        config: Config,
        chain: Sequence[Source],
        *,
        network: Network,
        progress: Progress,
        cancellation: Cancellation,
    ) -> None:
        self._home = home
        self._config = config
        self._chain = chain
        self._network = network
        self._progress = progress
        self._cancellation = cancellation
        self._mirrors = Mirrors()

    def repair(self, version: GoVersion) -> Repair:
        """Put `version` right, if anything is wrong with it.

        Where all files are there, and other ones besides, nothing is fetched. Else, with a receipt to rely
        on, the bytes must have the digest that it names, whoever serves them; without one, the proof is made
        anew, as for an installation.

        Raises the errors of the sources, IntegrityError for other bytes, HostError for a lock or a disk in
        the way; the old tree is then still in place.
        """
        _require_something(self._home, version)
        self._home.prepare()
        lock = staging.lock_path(self._home, version)
        wait = f"waiting for another gvmpy, which is at work on {version.name}"
        with locks.hold(
            lock, timeout=self._config.lock_timeout, on_wait=lambda: self._progress.say(wait)
        ) as held:
            found = examine(self._home, version)
            if held and os.path.lexists(self._home.receipt(version)):
                staging.sweep(self._home, version)
            if found.intact:
                return Repair(found, None, found.receipt)
            if found.receipt is not None and found.is_complete:
                self._sort_out(version, found.receipt)
                return Repair(found, None, found.receipt)
            installer = Installer(
                self._home,
                self._config,
                self._sources(found.receipt),
                network=self._network,
                progress=self._progress,
                cancellation=self._cancellation,
                mirrors=self._mirrors,
                tree_proofs=(_same_tree(found.receipt),) if found.receipt is not None else (),
            )
            installation = installer.replace(version)
            return Repair(found, installation, installation.receipt)

    def _sort_out(self, version: GoVersion, receipt: Receipt) -> None:
        """Exchange the tree for one with the same files, their right modes, and nothing else."""
        manifest = Manifest.loads(manifest_path(self._home, version).read_text("utf-8"))
        with staging.staged(self._home, version) as tree:
            clone(self._home.goroot(version), manifest, tree)
            commit_over(self._home, version, tree, manifest, receipt)

    def _sources(self, receipt: Receipt | None) -> Sequence[Source]:
        if receipt is None:
            return self._chain
        same = [_Again(source, receipt) for source in self._chain if source.name == receipt.source]
        return (*same, _ByReceipt(receipt, self._config))


class _Again:
    """The source that a version came from, held to the digest it had then."""

    def __init__(self, source: Source, receipt: Receipt) -> None:
        self._source = source
        self._receipt = receipt
        self.name = source.name

    def releases(self, platform: Platform) -> list[Release]:
        return self._source.releases(platform)

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        artifact = self._source.artifact(version, platform)
        if artifact.carry is not None:  # its digest comes with its bytes: see _same_tree()
            return artifact
        before = _digest_of(self._receipt, artifact.digest.algorithm)
        if artifact.digest.value != before:
            raise IntegrityError(
                f"{self.name} has another {version.name} now than the one that was installed",
                details=(
                    f"receipt {artifact.digest.algorithm} {before}",
                    f"source  {artifact.digest.algorithm} {artifact.digest.value}",
                ),
                hint=f"find out why; then {install_anew(version.text)}",
            )
        if strength(artifact.trust) < strength(self._receipt.trust):
            # The same digest was proven better before, and that still stands.
            return replace(artifact, trust=self._receipt.trust, evidence=_recorded(self._receipt))
        return artifact


class _ByReceipt:
    """The receipt as a source: the digest it names, from where the bytes came or from any mirror.

    It proves what it proved when it was written, and says that it was asked.
    """

    def __init__(self, receipt: Receipt, config: Config) -> None:
        self._receipt = receipt
        self._config = config
        self.name = "receipt"

    def releases(self, platform: Platform) -> list[Release]:
        del platform
        return []

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        receipt = self._receipt
        if receipt.platform != str(platform):
            raise NoSuchVersionError(f"it is for {receipt.platform}")
        if receipt.url.endswith(".zip") and isinstance(receipt.evidence.get("module"), str):
            return self._artifact(version, platform, "toolchain-module", (Address(receipt.url),))
        if not receipt.url.endswith(".tar.gz"):
            raise NoSuchVersionError(f"`{receipt.url}` is no archive that it could be had from")
        name = archive_name(version, platform)
        mirrors = [mirror_address(base, name) for base in self._config.mirrors]
        addresses = (*(address for address in mirrors if address.url != receipt.url), Address(receipt.url))
        return self._artifact(version, platform, "archive", addresses)

    def _artifact(
        self, version: GoVersion, platform: Platform, layout: Layout, addresses: tuple[Address, ...]
    ) -> Artifact:
        receipt, is_archive = self._receipt, layout == "archive"
        algorithm: Literal["sha256", "h1"] = "sha256" if is_archive else "h1"
        return Artifact(
            version=version,
            platform=platform,
            source=receipt.source,
            addresses=addresses,
            layout=layout,
            digest=Digest(algorithm, _digest_of(receipt, algorithm)),
            size=receipt.archive_size if is_archive else None,
            limit=receipt.archive_size if is_archive else LARGEST_ZIP,
            trust=receipt.trust,
            evidence=_recorded(receipt),
        )


def _same_tree(receipt: Receipt) -> TreeProof:
    """Return what holds a wheel, whose digest nobody can ask for beforehand, to the tree that was installed.

    The same files are worth what they were worth then, however that was proven.
    """

    def prove(artifact: Artifact, tree: Path, manifest: Manifest) -> Artifact:
        del tree
        if artifact.carry is None:
            return artifact
        if manifest.h1 != receipt.tree_h1:
            raise IntegrityError(
                f"{artifact.source} has another {artifact.version.name} now than the one that was installed",
                details=(f"receipt {receipt.tree_h1}", f"source  {manifest.h1}"),
                hint=f"find out why; then {install_anew(artifact.version.text)}",
            )
        return replace(artifact, trust=receipt.trust, evidence=_recorded(receipt))

    return prove


def _recorded(receipt: Receipt) -> dict[str, str | int]:
    """Return the evidence of a receipt that is relied on once more."""
    return {**receipt.evidence, "digest_from": "receipt"}


def _digest_of(receipt: Receipt, algorithm: str) -> str:
    """Return the digest that the bytes had. Raises IntegrityError when the receipt names none."""
    value = receipt.archive_sha256 if algorithm == "sha256" else receipt.evidence.get("h1")
    well_formed = isinstance(value, str) and (algorithm == "h1" or _SHA256.fullmatch(value))
    if not isinstance(value, str) or not value or not well_formed:
        raise IntegrityError(
            f"the receipt of go{receipt.version} names no {algorithm} digest",
            hint=install_anew(receipt.version),
        )
    return value
