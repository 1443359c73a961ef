"""A kit as a source of releases: nothing is taken on its word that it can prove."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from gvmpy.bundle.layout import index_of
from gvmpy.bundle.proofs import prove
from gvmpy.errors import IntegrityError, NoSuchVersionError
from gvmpy.releases.model import Address, Artifact, Digest, Release
from gvmpy.releases.pinned import pinned_artifact, require_locked
from gvmpy.releases.sources.goproxy import LARGEST_ZIP, MODULE, gosumdb_setting, module_version
from gvmpy.trust.lockfile import load_lock
from gvmpy.trust.sumdb import parse_gosumdb

if TYPE_CHECKING:
    from gvmpy.bundle.layout import Kit
    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context
    from gvmpy.trust.lockfile import LockedArtifact, LockFile
    from gvmpy.version import GoVersion

SOURCE = "kit"


class KitSource:
    """The toolchains of one kit. `lock`, when there is one, has to agree with the kit's own.

    A module zip is proven by the database's record in the kit, under the key that this machine has for the
    database; an archive by the lock alone.
    """

    name = SOURCE

    def __init__(self, kit: Kit, context: Context, lock: LockFile | None = None) -> None:
        self._kit = kit
        self._context = context
        self._verifier = parse_gosumdb(gosumdb_setting(context)).verifier
        self._lock = lock

    def releases(self, platform: Platform) -> list[Release]:
        """Return what the kit has for `platform`."""
        return [
            Release(version, stable=not version.is_prerelease) for version in self.inside.versions(platform)
        ]

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        """Return the module zip or else the archive of `version`, and what it must hash to.

        Raises NoSuchVersionError when the kit has neither, IntegrityError when a proof or a file of the kit
        is not what it must be.
        """
        locked = self.inside.find(version, platform)
        if locked is None:
            raise NoSuchVersionError(f"`{self._kit.path}` has no {version.name} for {platform}")
        if self._lock is not None:
            _require_same(self._lock, locked)
        if locked.h1 and self._kit.module(version, platform, ".zip").exists():
            return self._module(locked)
        if locked.sha256 and self._kit.archive(locked).exists():
            address = Address(self._kit.archive(locked).as_uri())
            return pinned_artifact(
                self._lock or self.inside, locked, "archive", source=self.name, addresses=(address,)
            )
        raise NoSuchVersionError(f"`{self._kit.path}` names {locked.name} and has neither archive nor module")

    @cached_property
    def inside(self) -> LockFile:
        """What the kit has, once all but the archives themselves are known to be as they were written.

        Raises IntegrityError.
        """
        kit = self._kit
        kit.require_whole()
        lock = load_lock(kit.lock)
        archives = [item for item in lock.artifacts if item.sha256 and kit.archive(item).exists()]
        if kit.index.read_bytes() != index_of(archives):
            raise IntegrityError(f"`{kit.index}` does not say what `{kit.lock}` says")
        return lock

    def _module(self, locked: LockedArtifact) -> Artifact:
        name = module_version(locked.version, locked.platform)
        proof = prove(self._kit, name, self._verifier, self._context)
        evidence = proof.evidence
        if evidence.h1 != locked.h1:
            raise IntegrityError(
                f"`{self._kit.lock}` locks another h1 of {locked.name} than {evidence.database} records",
                details=(f"locked   {locked.h1}", f"recorded {evidence.h1}"),
            )
        return Artifact(
            version=locked.version,
            platform=locked.platform,
            source=self.name,
            addresses=(Address(self._kit.module(locked.version, locked.platform, ".zip").as_uri()),),
            layout="toolchain-module",
            digest=Digest("h1", evidence.h1),
            size=None,
            limit=LARGEST_ZIP,
            trust="transparency-log",
            evidence={
                "database": evidence.database,
                "record": evidence.record,
                "tree_size": evidence.tree_size,
                "root": evidence.root,
                "module": f"{MODULE}@{name}",
                "h1": evidence.h1,
                "consistency": "proven" if proof.consistent else "not proven",
            },
        )


def _require_same(lock: LockFile, inside: LockedArtifact) -> None:
    locked = require_locked(lock, inside.version, inside.platform)
    pairs = [(locked.sha256, inside.sha256), (locked.h1, inside.h1)]
    both = [(want, have) for want, have in pairs if want and have]
    if not both or any(want != have for want, have in both):
        raise IntegrityError(
            f"the kit's {inside.name} is not what `{lock.origin}` locks; nothing was installed",
            details=tuple(f"locked {want}, in the kit {have}" for want, have in both),
        )
