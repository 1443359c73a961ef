"""The checksum database's proofs in a kit: as much of the database as its toolchains need, and no more.

A lookup's answer carries whatever signed head the database had at that moment. In a kit all answers carry one
and the same, the newest: then whoever asks in whatever order needs the tiles of one tree only, and those are
there. Nothing is forged by that: record and signature are each the database's own.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError, NetworkError
from gvmpy.releases.sources.goproxy import MODULE
from gvmpy.trust.heads import SignedHead
from gvmpy.trust.relay import fetcher
from gvmpy.trust.sumdb import Database, lookup_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gvmpy.bundle.layout import Kit
    from gvmpy.home import Home
    from gvmpy.net import Network
    from gvmpy.releases.model import Context
    from gvmpy.trust.note import Verifier
    from gvmpy.trust.sumdb import Evidence, Fetch


@dataclass(frozen=True, slots=True)
class KitProof:
    """What a kit proves of a version. `consistent`: whether its tree could also be shown to be of one history
    with the newest this machine has seen; offline, that takes hashes that the kit may not have.
    """

    evidence: Evidence
    consistent: bool


def record(verifier: Verifier, fetch: Fetch, home: Home, module_versions: Iterable[str]) -> dict[str, bytes]:
    """Return the files that prove each of `module_versions`, by their paths below the database.

    Raises as Database.prove does.
    """
    names = list(module_versions)
    memory: dict[str, bytes] = {}

    def remembering(path: str, limit: int) -> bytes:
        if path not in memory:
            memory[path] = fetch(path, limit)
        return memory[path]

    database = Database(verifier, remembering, cache_dir=None, state_dir=home.state)
    for name in names:
        database.prove(MODULE, name)
    lookups = [lookup_path(MODULE, name) for name in names]
    heads = [SignedHead.open(_note(memory[path]), verifier) for path in lookups]
    newest = max(heads, key=lambda signed: signed.head.size).note
    files = {"/supported": b"", "/latest": newest}
    for path in lookups:
        files[path] = memory[path].removesuffix(_note(memory[path])) + newest

    def keeping(path: str, limit: int) -> bytes:
        if path not in files:
            files[path] = remembering(path, limit)
        return files[path]

    for name in names:
        _prove_alone(verifier, keeping, name)
    return files


def prove(kit: Kit, name: str, verifier: Verifier, context: Context) -> KitProof:
    """Prove the module version `name` out of `kit`, by itself and then with what this machine knows.

    Raises IntegrityError when the kit does not prove it, ForkError when the kit's tree and the newest known
    one contradict each other.
    """
    evidence = prove_by_itself(kit, name, verifier, context.network)
    database = Database(
        verifier,
        _reader(kit, verifier, context.network),
        cache_dir=context.config.cache,
        state_dir=context.home.state,
    )
    try:
        database.prove(MODULE, name)
    except NetworkError:
        return KitProof(evidence, consistent=False)
    return KitProof(evidence, consistent=True)


def prove_by_itself(kit: Kit, name: str, verifier: Verifier, network: Network) -> Evidence:
    """Prove the module version `name` out of `kit` alone, remembering nothing. Raises IntegrityError."""
    try:
        return _prove_alone(verifier, _reader(kit, verifier, network), name)
    except NetworkError as error:
        reason = f"`{kit.path}` does not prove {MODULE}@{name}"
        raise IntegrityError(reason, details=(error.message,)) from error


def _reader(kit: Kit, verifier: Verifier, network: Network) -> Fetch:
    def get(url: str, limit: int) -> tuple[int, bytes]:
        answer = network.get(url, limit=limit)
        return answer.status, answer.body

    return fetcher(kit.database(verifier.name).as_uri(), get)


def _prove_alone(verifier: Verifier, fetch: Fetch, name: str) -> Evidence:
    """Prove `name` as somebody would who has never seen the database before."""
    with tempfile.TemporaryDirectory(prefix="gvmpy-") as nothing:
        return Database(verifier, fetch, cache_dir=None, state_dir=Path(nothing)).prove(MODULE, name)


def _note(answer: bytes) -> bytes:
    """Return the signed note at the end of the answer to a lookup."""
    return answer.partition(b"\n\n")[2]
