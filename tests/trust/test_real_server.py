"""The client against the Go project's own server: growth, forks, and every kind of lie on the way."""

from __future__ import annotations

import base64
import fcntl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import GvmpyError, IntegrityError, NetworkError
from gvmpy.trust import heads
from gvmpy.trust.heads import ForkError, Heads
from gvmpy.trust.note import Verifier
from gvmpy.trust.sumdb import Database, MissingError, parse_gosumdb
from gvmpy.trust.tlog import TreeHead, consistency_proof, record_hash
from tests.support.realsumdb import NAME, RealDatabase, serve_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gvmpy.trust.tlog import Tile

MODULE = "golang.org/toolchain"
VERSION = "v0.0.1-go1.22.3.linux-amd64"
SILENT, OTHER = "v0.0.1-go1.22.4.linux-amd64", "v0.0.1-go1.22.5.linux-amd64"
LOOKUP = f"/lookup/{MODULE}@{VERSION}"
SIZE = 600
H1 = "h1:LqXmlW4rn/rqR5z8Sz3hri+dYqwQ73YKgkSjm31jRFM="
RECORDS = {
    f"{MODULE} {VERSION}": f"{MODULE} {VERSION} {H1}\n{MODULE} {VERSION}/go.mod {H1}\n",
    f"{MODULE} {SILENT}": f"{MODULE} {OTHER} {H1}\n{MODULE} {OTHER}/go.mod {H1}\n",
}


@pytest.fixture(scope="module")
def real() -> Iterator[RealDatabase]:
    """A database of 600 common records, another in each branch, and ours behind it."""
    with serve_database(SIZE, RECORDS) as running:
        for branch in ("main", "fork"):
            running.fetch(branch)(LOOKUP, 1 << 20)
            running.fetch(branch)(f"/lookup/{MODULE}@{SILENT}", 1 << 20)
        yield running


@dataclass
class Liar:
    """Who passes on what a real server says, but for what a test makes of it."""

    database: RealDatabase
    branch: str = "main"
    changes: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    seen: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, path: str, limit: int) -> bytes:
        if path not in self.seen:
            self.seen[path] = self.database.fetch(self.branch)(path, limit)
        return self.changes.get(path, bytes)(self.seen[path])


def client(liar: Liar, home: Path, *, go_state: Path | None = None) -> Database:
    verifier = parse_gosumdb(liar.database.vkey).verifier
    return Database(verifier, liar, cache_dir=None, state_dir=home, go_state=go_state)


def latest(home: Path) -> Path:
    return home / "sumdb" / NAME / "latest"


def test_proves_what_the_server_has(real: RealDatabase, tmp_path: Path) -> None:
    evidence = client(Liar(real), tmp_path).prove(MODULE, VERSION)
    assert (evidence.h1, evidence.record) == (H1, SIZE + 1)
    assert (evidence.database, evidence.tree_size) == (NAME, SIZE + 3)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 1000])
def test_any_size_of_tree_and_growth(size: int, tmp_path: Path) -> None:
    with serve_database(size, RECORDS) as database:
        for step, count in enumerate((0, 1, 254, 1)):
            database.grow(f"step{step}-", count)
            assert client(Liar(database), tmp_path).prove(MODULE, VERSION).h1 == H1
            evidence = client(Liar(database), tmp_path).prove(f"example.com/common{size - 1}", "v1.0.0")
            assert evidence.record == size - 1
            assert latest(tmp_path).read_text().split("\n")[1] == str(evidence.tree_size)


class TestForks:
    def test_is_refused_and_its_evidence_stands_by_itself(self, real: RealDatabase, tmp_path: Path) -> None:
        client(Liar(real, "fork"), tmp_path).prove(MODULE, VERSION)
        before = latest(tmp_path).read_bytes()
        real.grow("after", 300)
        with pytest.raises(ForkError, match="contradict each other") as caught:
            client(Liar(real), tmp_path).prove(MODULE, VERSION)
        assert caught.value.exit_code == 5
        assert latest(tmp_path).read_bytes() == before
        [file] = (tmp_path / "sumdb" / NAME / "forks").iterdir()
        assert caught.value.details[0] == f"the evidence is kept in `{file}`"
        assert file.stat().st_mode & 0o777 == 0o600
        self.check_evidence(file.read_text(), real)
        with pytest.raises(ForkError):
            client(Liar(real), tmp_path).prove(MODULE, VERSION)
        assert list(file.parent.iterdir()) == [file]

    def check_evidence(self, text: str, real: RealDatabase) -> None:
        """Read the file as a stranger would, and let Go's own code check the proof in it."""
        assert f"key {real.vkey}\n" in text
        verifier = Verifier.parse(real.vkey)
        notes = [
            "go.sum database tree\n" + part.partition(f"\n\N{EM DASH} {NAME} ")[0]
            for part in text.split("go.sum database tree\n")[1:]
        ]
        assert len(notes) == 2
        older, newer = (TreeHead.parse(note) for note in notes)
        assert text.count(f"\N{EM DASH} {verifier.name} ") == 2
        other, *proof = (
            text.partition(" have the root\n")[2].replace("as this consistency proof shows:\n", "").split()
        )
        assert other != older.root_text
        question = {"NewSize": newer.size, "OldSize": older.size, "NewRoot": newer.root_text, "Proof": proof}
        assert real.ask("/checktree", {**question, "OldRoot": other})
        assert not real.ask("/checktree", {**question, "OldRoot": older.root_text})

    def test_of_one_size(self, real: RealDatabase, tmp_path: Path) -> None:
        with serve_database(SIZE, RECORDS) as database:
            client(Liar(database, "fork"), tmp_path).prove(MODULE, VERSION)
            with pytest.raises(ForkError) as caught:
                client(Liar(database), tmp_path).prove(MODULE, VERSION)
        assert "consistency proof" not in "\n".join(caught.value.details)

    def test_that_only_the_go_command_has_seen(self, real: RealDatabase, tmp_path: Path) -> None:
        """A head of go's own is never written to, and binds the database all the same."""
        client(Liar(real, "fork"), tmp_path / "gopath").prove(MODULE, VERSION)
        theirs = latest(tmp_path / "gopath")
        before = theirs.read_bytes(), theirs.stat().st_mtime_ns
        go_state = tmp_path / "gopath" / "sumdb"
        with pytest.raises(ForkError):
            client(Liar(real), tmp_path / "home", go_state=go_state).prove(MODULE, VERSION)
        assert not latest(tmp_path / "home").exists()
        assert (theirs.read_bytes(), theirs.stat().st_mtime_ns) == before

    def test_evidence_that_cannot_be_kept_is_shown(self, real: RealDatabase, tmp_path: Path) -> None:
        client(Liar(real, "fork"), tmp_path).prove(MODULE, VERSION)
        (tmp_path / "sumdb" / NAME / "forks").write_text("a file where a directory should be")
        with pytest.raises(ForkError) as caught:
            client(Liar(real), tmp_path).prove(MODULE, VERSION)
        assert caught.value.details[0].startswith("the evidence could not be kept in")
        assert sum("\N{EM DASH}" in line for line in caught.value.details) == 2

    def test_that_go_has_seen_while_ours_is_honest(self, real: RealDatabase, tmp_path: Path) -> None:
        client(Liar(real), tmp_path / "home").prove(MODULE, VERSION)
        client(Liar(real, "fork"), tmp_path / "gopath").prove(MODULE, VERSION)
        go_state = tmp_path / "gopath" / "sumdb"
        with pytest.raises(ForkError):
            client(Liar(real), tmp_path / "home", go_state=go_state).prove(MODULE, VERSION)


class TestGoHead:
    @pytest.fixture
    def theirs(self, tmp_path: Path) -> Path:
        file = latest(tmp_path / "gopath")
        file.parent.mkdir(parents=True)
        return file

    def prove(self, real: RealDatabase, tmp_path: Path) -> int:
        go_state = tmp_path / "gopath" / "sumdb"
        return client(Liar(real), tmp_path / "home", go_state=go_state).prove(MODULE, VERSION).tree_size

    def test_a_newer_one_becomes_ours(self, real: RealDatabase, tmp_path: Path, theirs: Path) -> None:
        old = real.fetch()(LOOKUP, 1 << 20)
        real.grow("newer", 10)
        theirs.write_bytes(real.fetch()("/latest", 1 << 20))
        liar = Liar(real, changes={LOOKUP: lambda _: old})
        size = client(liar, tmp_path / "home", go_state=tmp_path / "gopath/sumdb").prove(MODULE, VERSION)
        assert latest(tmp_path / "home").read_bytes() == theirs.read_bytes()
        assert f"\n{size.tree_size}\n" in theirs.read_text()

    def test_go_may_be_writing_it(
        self, real: RealDatabase, theirs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Go empties the file under a lock before it fills it."""
        monkeypatch.setattr(heads, "_GO_LOCK_TRIES", 10_000)
        head = real.fetch()("/latest", 1 << 20)
        with theirs.open("wb") as stream, ThreadPoolExecutor(1) as pool:
            fcntl.flock(stream, fcntl.LOCK_EX)
            reading = pool.submit(self.heads(real, theirs).read_foreign)
            with pytest.raises(TimeoutError):
                reading.result(timeout=0.1)
            stream.write(head)
            stream.close()
            found = reading.result()
        assert found is not None
        assert found.note == head

    def test_a_lock_that_is_never_released_is_not_waited_for(
        self, real: RealDatabase, theirs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heads, "_GO_LOCK_PAUSE", 0)
        head = real.fetch()("/latest", 1 << 20)
        theirs.write_bytes(head)
        with theirs.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            found = self.heads(real, theirs).read_foreign()
        assert found is not None
        assert found.note == head

    def heads(self, real: RealDatabase, theirs: Path) -> Heads:
        return Heads(theirs.parent, Verifier.parse(real.vkey), theirs)

    @pytest.mark.parametrize("isolated", [True, False])
    def test_nothing_to_compare_it_with(
        self, real: RealDatabase, tmp_path: Path, theirs: Path, isolated: bool
    ) -> None:
        """A kit on a disk has the tiles of its own tree only; a proxy may not get away with that."""
        kit = Liar(real)
        evidence = client(kit, tmp_path / "kit").prove(MODULE, VERSION)
        real.grow(f"later{isolated}-", 600)
        theirs.write_bytes(real.fetch()("/latest", 1 << 20))

        def from_kit(path: str, limit: int) -> bytes:
            if path not in kit.seen:
                raise MissingError(f"{path} answered 404")
            return kit.seen[path]

        database = Database(
            Verifier.parse(real.vkey),
            from_kit,
            cache_dir=None,
            state_dir=tmp_path / "home",
            go_state=tmp_path / "gopath/sumdb",
            is_isolated=lambda: isolated,
        )
        if isolated:
            assert database.prove(MODULE, VERSION) == evidence
        else:
            with pytest.raises(MissingError):
                database.prove(MODULE, VERSION)

    @pytest.mark.parametrize("content", [b"", None])
    def test_empty_or_none_is_no_head(
        self, real: RealDatabase, tmp_path: Path, theirs: Path, content: bytes | None
    ) -> None:
        if content is not None:
            theirs.write_bytes(content)
        assert self.prove(real, tmp_path) > SIZE

    def test_a_forged_one_is_refused_by_name(self, real: RealDatabase, tmp_path: Path, theirs: Path) -> None:
        theirs.write_bytes(real.fetch()("/latest", 1 << 20).replace(b"tree\n", b"tree\n9", 1))
        with pytest.raises(IntegrityError, match="is not the signed tree head") as caught:
            self.prove(real, tmp_path)
        assert str(theirs) in caught.value.message


def test_consistency_proofs_are_those_that_go_checks() -> None:
    sizes = [2, 3, 4, 7, 8, 255, 256, 300]
    heads: list[TreeHead] = []
    with serve_database(1, {}) as growing:  # and one more, the branch's own
        for size in sizes:
            growing.grow(f"at{size}-", size - (heads[-1].size if heads else 2))
            heads.append(TreeHead.parse(growing.fetch()("/latest", 1 << 20).decode()))
            assert heads[-1].size == size
        for new in heads:
            # A database answers for any earlier tree, too: tiles only grow.
            for old in heads[: heads.index(new)]:
                proof = consistency_proof(new, old.size, tiles_of(Liar(growing)))
                question = {
                    "NewSize": new.size,
                    "OldSize": old.size,
                    "NewRoot": new.root_text,
                    "OldRoot": old.root_text,
                    "Proof": [base64.b64encode(piece).decode() for piece in proof],
                }
                assert growing.ask("/checktree", question)
                assert not growing.ask("/checktree", {**question, "OldRoot": new.root_text})
        assert consistency_proof(new, new.size, tiles_of(Liar(growing))) == []


def tiles_of(liar: Liar) -> Callable[[Sequence[Tile]], list[bytes]]:
    return lambda tiles: [liar(f"/{tile.path}", 1 << 20) for tile in tiles]


def flips(data: bytes, step: int) -> Iterator[bytes]:
    for position in {*range(0, len(data), step), len(data) - 1}:
        yield data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1 :]


class TestLies:
    def refused(self, liar: Liar, home: Path, version: str = VERSION) -> str:
        """Have a proof refused with code 4 or 5, nothing written."""
        with pytest.raises(GvmpyError) as caught:
            client(liar, home).prove(MODULE, version)
        assert isinstance(caught.value, IntegrityError | NetworkError)
        assert caught.value.exit_code in {4, 5}
        assert not home.exists()
        return caught.value.message

    def test_every_flipped_byte_of_every_answer(self, real: RealDatabase, tmp_path: Path) -> None:
        honest = Liar(real)
        client(honest, tmp_path / "honest").prove(MODULE, VERSION)
        tiles = [path for path in honest.seen if path.startswith("/tile/")]
        assert len(tiles) >= 2
        for path in honest.seen:
            for bad in flips(honest.seen[path], 1 if path == LOOKUP else 97):
                liar = Liar(real, changes={path: lambda _, bad=bad: bad}, seen=dict(honest.seen))  # type: ignore[misc]
                self.refused(liar, tmp_path / "none")

    def test_every_truncated_answer(self, real: RealDatabase, tmp_path: Path) -> None:
        honest = Liar(real)
        client(honest, tmp_path / "honest").prove(MODULE, VERSION)
        for path, good in honest.seen.items():
            for length in range(0, len(good), 1 if path == LOOKUP else 509):
                liar = Liar(real, changes={path: lambda good, n=length: good[:n]}, seen=dict(honest.seen))  # type: ignore[misc]
                self.refused(liar, tmp_path / "none")

    def test_a_record_without_the_line(self, real: RealDatabase, tmp_path: Path) -> None:
        """CVE-2026-42501, from a server that signs such a record."""
        assert "no h1 digest" in self.refused(Liar(real), tmp_path / "none", SILENT)

    def test_the_line_outside_of_the_record(self, real: RealDatabase, tmp_path: Path) -> None:
        """CVE-2026-56864."""
        line = f"{MODULE} {SILENT} {H1}\n{MODULE} {SILENT}/go.mod {H1}\n".encode()
        path = f"/lookup/{MODULE}@{SILENT}"
        for change in (lambda good: good + line, lambda good: line + good, lambda good: good + b"\n" + line):
            self.refused(Liar(real, changes={path: change}), tmp_path / "none", SILENT)

    def test_a_forged_record_with_its_forged_tiles(self, real: RealDatabase, tmp_path: Path) -> None:
        """CVE-2026-56865: a tile that is not held against its parent lets any record in."""
        honest = Liar(real)
        evidence = client(honest, tmp_path / "honest").prove(MODULE, VERSION)
        evil = f"h1:{base64.b64encode(bytes(32)).decode()}"
        number, rest = honest.seen[LOOKUP].split(b"\n", 1)
        record, head = rest.split(b"\n\n", 1)
        forged = record.replace(H1.encode(), evil.encode()) + b"\n"
        leaf, place = record_hash(forged), evidence.record % 256 * 32
        [tile] = [path for path in honest.seen if path.startswith("/tile/8/0/002")]
        bad = honest.seen[tile][:place] + leaf + honest.seen[tile][place + 32 :]
        answer = number + b"\n" + forged + b"\n" + head
        for lies in ({LOOKUP: answer}, {LOOKUP: answer, tile: bad}, {tile: bad}):
            self.refused(Liar(real, seen={**honest.seen, **lies}), tmp_path / "none")
