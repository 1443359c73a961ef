"""Whether a kit is, to the last byte, what it says it is; nothing is installed for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.bundle.proofs import prove_by_itself
from gvmpy.errors import IntegrityError, UsageError
from gvmpy.install.unpack import Budget, hash_zip
from gvmpy.releases.sources.goproxy import MODULE, gosumdb_setting, module_version
from gvmpy.trust.lockfile import load_lock
from gvmpy.trust.sumdb import parse_gosumdb

if TYPE_CHECKING:
    from gvmpy.bundle.layout import Kit
    from gvmpy.releases.model import Context
    from gvmpy.trust.lockfile import LockedArtifact


def check(kit: Kit, context: Context) -> tuple[tuple[LockedArtifact, ...], list[str]]:
    """Return what the kit has, and what is wrong with it, a text for each fault.

    Raises UsageError when there is no kit, IntegrityError when it is not whole.
    """
    if not kit.path.is_dir():
        raise UsageError(f"there is no kit `{kit.path}`")
    faults = kit.faults(big=True)
    try:
        lock = load_lock(kit.lock)
    except UsageError as error:
        return (), [*faults, error.message]
    for locked in lock.artifacts:
        if kit.module(locked.version, locked.platform, ".zip").exists():
            try:
                _check_module(kit, locked, context)
            except IntegrityError as error:
                faults.append(error.message)
    return lock.artifacts, faults


def _check_module(kit: Kit, locked: LockedArtifact, context: Context) -> None:
    name = module_version(locked.version, locked.platform)
    verifier = parse_gosumdb(gosumdb_setting(context)).verifier
    evidence = prove_by_itself(kit, name, verifier, context.network)
    zip_file = kit.module(locked.version, locked.platform, ".zip")
    have = hash_zip(zip_file, prefix=f"{MODULE}@{name}/", budget=Budget())
    if not have == evidence.h1 == locked.h1:
        raise IntegrityError(f"{zip_file.name}: not what {verifier.name} has on record")
