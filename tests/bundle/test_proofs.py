"""The proofs in a kit: one head for all, enough tiles for any order, and what one machine alone can see."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from gvmpy.bundle.layout import Kit
from gvmpy.bundle.proofs import prove, prove_by_itself, record
from gvmpy.config import Config
from gvmpy.errors import IntegrityError
from gvmpy.goenv.settings import GoSettings
from gvmpy.home import Home
from gvmpy.net import Network
from gvmpy.releases.model import Context
from gvmpy.releases.sources.goproxy import MODULE
from gvmpy.trust.heads import ForkError, SignedHead
from gvmpy.trust.note import Verifier
from gvmpy.trust.sumdb import Database
from tests.trust.fakedb import FakeDatabase, FakeServer

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("v0.0.1-go1.21.6.linux-amd64", "v0.0.1-go1.22.3.linux-amd64", "v0.0.1-go1.22.3.linux-arm64")


def grown(*, sizes: tuple[int, ...] = (300, 1500, 70_000)) -> FakeDatabase:
    """Return a database with each of NAMES behind so many other records."""
    database = FakeDatabase()
    for size, name in zip(sizes, NAMES, strict=True):
        database.fill(size)
        database.add(MODULE, name)
    database.fill(database.size + 77)
    return database


def make_kit(path: Path, database: FakeDatabase, names: tuple[str, ...] = NAMES) -> Kit:
    verifier, kit = Verifier.parse(database.vkey), Kit(path / "kit")
    for name, data in record(verifier, FakeServer(database), Home(path / "maker"), names).items():
        file = kit.database(database.name) / name.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return kit


def somebody(path: Path, network: Network) -> Context:
    return Context(Config(cache=path / "cache"), network, Home(path / "root"), GoSettings({}, []))


def test_all_answers_carry_the_newest_head(tmp_path: Path) -> None:
    """Also when the database signed another head for each answer, as real ones do."""
    database = grown()
    server = FakeServer(database)
    for size, name in zip((400, 1600, database.size), NAMES, strict=True):
        server.instead[f"/lookup/{MODULE}@{name}"] = database.lookup(f"{MODULE}@{name}", size)
    verifier = Verifier.parse(database.vkey)
    files = record(verifier, server, Home(tmp_path), NAMES)
    notes = {files[f"/lookup/{MODULE}@{name}"].partition(b"\n\n")[2] for name in NAMES} | {files["/latest"]}
    assert len(notes) == 1
    assert SignedHead.open(notes.pop(), verifier).head.size == database.size
    assert files["/supported"] == b""


@pytest.mark.parametrize("order", list(itertools.permutations(NAMES)))
def test_whoever_asks_in_whatever_order_finds_all_tiles(tmp_path: Path, order: tuple[str, ...]) -> None:
    """As the go command does: one client, which keeps the newest head it has seen."""
    database = grown(sizes=(300, 500, 900))
    kit = make_kit(tmp_path, database)
    with Network({}, offline=True) as network:
        context = somebody(tmp_path, network)
        proofs = [prove(kit, name, Verifier.parse(database.vkey), context) for name in order]
    assert all(proof.consistent for proof in proofs)
    assert {proof.evidence.tree_size for proof in proofs} == {database.size}


def test_every_file_counts(tmp_path: Path) -> None:
    """Without any one of them, or with a flipped byte in it, something is no longer proven."""
    database = grown(sizes=(300, 500, 900))
    kit = make_kit(tmp_path, database)
    verifier = Verifier.parse(database.vkey)
    place = kit.database(database.name)
    needed = [path for path in place.rglob("*") if path.is_file() and path.parent != place]
    assert len(needed) >= len(NAMES) + 3
    with Network({}, offline=True) as network:

        def unproven() -> int:
            refused = 0
            for name in NAMES:
                try:
                    prove_by_itself(kit, name, verifier, network)
                except IntegrityError:
                    refused += 1
            return refused

        assert unproven() == 0
        for path in needed:
            genuine = path.read_bytes()
            flipped = bytearray(genuine)
            flipped[len(flipped) // 2] ^= 1
            path.write_bytes(flipped)
            assert unproven() > 0, path
            path.unlink()
            assert unproven() > 0, path
            path.write_bytes(genuine)
        assert unproven() == 0


def test_a_machine_that_has_seen_a_newer_tree(tmp_path: Path) -> None:
    """The kit proves itself; that both are one history takes hashes that only the network has."""
    database = grown(sizes=(300, 500, 900))
    kit = make_kit(tmp_path, database)
    verifier = Verifier.parse(database.vkey)
    database.fill(5000)
    database.add(MODULE, "v0.0.1-go1.25.5.linux-amd64")
    with Network({}, offline=True) as network:
        context = somebody(tmp_path, network)
        online = Database(verifier, FakeServer(database), cache_dir=None, state_dir=context.home.state)
        online.prove(MODULE, "v0.0.1-go1.25.5.linux-amd64")
        proof = prove(kit, NAMES[0], verifier, context)
        assert not proof.consistent
        assert proof.evidence.tree_size == 900 + 1 + 77
        latest = (context.home.state / "sumdb" / database.name / "latest").read_bytes()
    assert SignedHead.open(latest, verifier).head.size == database.size


def test_a_machine_that_has_seen_another_story(tmp_path: Path) -> None:
    database = grown(sizes=(300, 500, 900))
    other = database.fork()
    database.fill(other.size)
    kit = make_kit(tmp_path, database)
    verifier = Verifier.parse(database.vkey)
    with Network({}, offline=True) as network:
        context = somebody(tmp_path, network)
        server = FakeServer(other)
        Database(verifier, server, cache_dir=None, state_dir=context.home.state).prove(MODULE, NAMES[0])
        with pytest.raises(ForkError):
            prove(kit, NAMES[1], verifier, context)


def test_another_key_proves_nothing(tmp_path: Path) -> None:
    database = grown(sizes=(300, 500, 900))
    kit = make_kit(tmp_path, database)
    stranger = Verifier.parse(FakeDatabase(seed=b"\x08" * 32).vkey)
    with Network({}, offline=True) as network, pytest.raises(IntegrityError):
        prove_by_itself(kit, NAMES[0], stranger, network)
