"""What proves a wheel once it is unpacked: the checksum database, or a lock file that has the module's h1.

The index that a wheel comes from vouches for no more than a redistributor. The files in it are the Go
project's own, so the hash over a toolchain's module can be made from them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gvmpy.config import TRUST_LEVELS
from gvmpy.errors import IntegrityError
from gvmpy.install.transparency import LEVEL, Prover, kept_evidence
from gvmpy.releases.pinned import TRUST, require_locked
from gvmpy.releases.sources.goproxy import MODULE, module_version
from gvmpy.trust.toolchain import find_list

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.install.pipeline import TreeProof
    from gvmpy.install.progress import Cancellation, Progress
    from gvmpy.releases.model import Artifact, Context
    from gvmpy.trust.lockfile import LockFile
    from gvmpy.trust.manifest import Manifest


def tree_proofs(
    context: Context, lock: LockFile | None, progress: Progress, cancellation: Cancellation
) -> tuple[TreeProof, ...]:
    """Return what is to prove the trees of wheels: `lock` where there is one, else the checksum database
    where `trust.minimum` asks for more than an index can give.
    """
    if lock is not None:
        return (_by_lock(lock),)
    if context.config.trust_minimum == TRUST_LEVELS[0]:
        return ()
    return (_by_log(context, progress, cancellation),)


def _by_log(context: Context, progress: Progress, cancellation: Cancellation) -> TreeProof:
    prover = Prover(context, progress, cancellation)

    def prove(artifact: Artifact, tree: Path, manifest: Manifest) -> Artifact:
        if artifact.layout != "wheel":
            return artifact
        progress.say(f"proving {artifact.version.name} against the checksum database")
        proof = prover.prove_tree(tree, manifest, artifact.version, artifact.platform, keep_head=True)
        if not proof.coverage.agrees:
            raise _other(artifact, f"what {proof.evidence.database} has on record")
        return replace(artifact, trust=LEVEL, evidence=dict(artifact.evidence) | kept_evidence(proof))

    return prove


def _by_lock(lock: LockFile) -> TreeProof:
    def prove(artifact: Artifact, tree: Path, manifest: Manifest) -> Artifact:
        del tree
        if artifact.layout != "wheel":
            return artifact
        version, platform = artifact.version, artifact.platform
        locked = require_locked(lock, version, platform)
        module = f"{MODULE}@{module_version(version, platform)}"
        if not locked.h1 or find_list(manifest, module, locked.h1, version) is None:
            raise _other(artifact, f"what `{lock.origin}` pins")
        evidence = dict(artifact.evidence) | {"lock": lock.origin, "h1": locked.h1, "module": module}
        return replace(artifact, trust=TRUST, evidence=evidence)

    return prove


def _other(artifact: Artifact, what: str) -> IntegrityError:
    return IntegrityError(
        f"the files of {artifact.evidence['distribution']} are not {what}; nothing was installed",
        hint="take another source: see `sources.order` in `gvmpy config list`",
    )
