from __future__ import annotations

import base64
import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import HostError, IntegrityError, NetworkError
from gvmpy.trust.heads import ForkError
from gvmpy.trust.note import Verifier
from gvmpy.trust.sumdb import Database, MissingError
from tests.trust.fakedb import FakeDatabase, FakeServer, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = "golang.org/toolchain"
VERSION = "v0.0.1-go1.22.3.linux-amd64"
LOOKUP = f"/lookup/{MODULE}@{VERSION}"
H1 = digest_of("the zip")


@dataclasses.dataclass
class Client:
    """A user's directories, and the database as that user asks it."""

    server: FakeServer
    home: Path

    @property
    def latest(self) -> Path:
        return self.home / "state/sumdb/sums.example.com/latest"

    @property
    def cache(self) -> Path:
        return self.home / "cache/sumdb/sums.example.com"

    @property
    def latest_size(self) -> int:
        return int(self.latest.read_text().split("\n")[1])

    def database(self, server: FakeServer | None = None) -> Database:
        verifier = Verifier.parse(self.server.database.vkey)
        cache, state = self.home / "cache", self.home / "state"
        return Database(verifier, server or self.server, cache_dir=cache, state_dir=state)

    def prove(self, version: str = VERSION) -> str:
        return self.database().prove(MODULE, version).h1

    def files(self) -> dict[str, bytes]:
        return {
            str(file.relative_to(self.home)): file.read_bytes()
            for file in self.home.rglob("*")
            if file.is_file() and file.name != "latest.lock" and file.parent.name != "forks"
        }

    def refusal(self, version: str = VERSION) -> IntegrityError:
        """Have a proof refused, and see that nothing was written."""
        before = self.files()
        with pytest.raises(IntegrityError) as caught:
            self.prove(version)
        assert self.files() == before
        return caught.value


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """700 records, ours is number 400: a full tile below a partial one, and an edge of its own."""
    database = FakeDatabase()
    database.fill(400)
    database.add(MODULE, VERSION, H1)
    database.fill(700)
    return Client(FakeServer(database), tmp_path)


def grow(client: Client, size: int, version: str | None = None) -> None:
    database = client.server.database
    if version:
        database.add(MODULE, version)
    database.fill(size)


class TestProve:
    def test_evidence(self, client: Client) -> None:
        database = client.server.database
        evidence = client.database().prove(MODULE, VERSION)
        assert evidence.database == "sums.example.com"
        assert (evidence.record, evidence.tree_size) == (400, 700)
        assert base64.b64decode(evidence.root) == database.root()
        assert (evidence.h1, evidence.go_mod_h1) == (H1, digest_of(MODULE))
        assert client.latest.read_bytes() == database.head()

    def test_second_time_asks_nothing(self, client: Client) -> None:
        client.prove()
        client.server.down = True
        before = client.latest.stat()
        assert client.prove() == H1
        assert client.latest.stat() == before

    def test_cache_is_laid_out_like_the_database(self, client: Client) -> None:
        client.prove()
        database = client.server.database
        names = {path.removeprefix("cache/sumdb/sums.example.com") for path in client.files()} - {
            "state/sumdb/sums.example.com/latest"
        }
        assert LOOKUP in names
        assert "/tile/8/0/001" in names
        assert "/tile/8/0/002.p/188" in names
        assert all((client.cache / name[1:]).read_bytes() == database.answer(name) for name in names)

    def test_without_a_cache_everything_is_asked_again(self, client: Client) -> None:
        database = Database(
            Verifier.parse(client.server.database.vkey), client.server, cache_dir=None, state_dir=client.home
        )
        assert database.prove(MODULE, VERSION) == database.prove(MODULE, VERSION)
        assert client.server.asked.count(LOOKUP) == 2
        assert not client.cache.exists()

    def test_cache_that_cannot_be_written_is_no_failure(self, client: Client) -> None:
        (client.home / "cache").write_text("a file where a directory should be")
        assert client.prove() == H1

    def test_state_that_cannot_be_kept_is_one(self, client: Client) -> None:
        (client.home / "state").mkdir()
        (client.home / "state/sumdb").write_text("a file where a directory should be")
        with pytest.raises(HostError, match="latest"):
            client.prove()
        assert set(client.files()) == {"state/sumdb"}

    @pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537])
    def test_first_and_last_record_around_tile_edges(self, size: int, tmp_path: Path) -> None:
        database = FakeDatabase()
        database.add(MODULE, VERSION, H1)
        if size > 1:
            database.fill(size - 1)
            database.add(MODULE, "v0.0.1-last")
        client = Client(FakeServer(database), tmp_path)
        assert client.prove() == H1
        if size > 1:
            assert client.database().prove(MODULE, "v0.0.1-last").record == size - 1
        assert client.latest_size == size

    def test_a_partial_tile_may_have_become_a_full_one(self, client: Client) -> None:
        """The relay's head is old, and of its edge tile only the full version is left."""
        database = client.server.database
        old = database.lookup(f"{MODULE}@{VERSION}", 700)
        grow(client, 1000)
        client.server.instead = {LOOKUP: old, "/tile/8/0/002.p/188": None}
        assert client.prove() == H1
        assert "/tile/8/0/002" in client.server.asked
        assert (client.cache / "tile/8/0/002.p/188").stat().st_size == 188 * 32

    def test_a_full_tile_in_the_cache_serves_for_a_partial_one(self, client: Client) -> None:
        grow(client, 1000)
        whole = client.server.database.answer("/tile/8/0/002")
        assert whole is not None
        client.cache.joinpath("tile/8/0").mkdir(parents=True)
        client.cache.joinpath("tile/8/0/002").write_bytes(whole)
        client.server.instead = {LOOKUP: client.server.database.lookup(f"{MODULE}@{VERSION}", 700)}
        assert client.prove() == H1
        assert "/tile/8/0/002.p/188" not in client.server.asked

    @pytest.mark.parametrize("length", [188 * 32, 255 * 32, 8191])
    def test_a_full_tile_must_be_full(self, client: Client, length: int) -> None:
        grow(client, 1000)
        whole = client.server.database.answer("/tile/8/0/002") or b""
        old = client.server.database.lookup(f"{MODULE}@{VERSION}", 700)
        client.server.instead = {LOOKUP: old, "/tile/8/0/002.p/188": None, "/tile/8/0/002": whole[:length]}
        assert f"has {length} bytes where 8192 belong" in client.refusal().message

    def test_missing_in_both_forms_is_a_network_error(self, client: Client) -> None:
        client.server.instead = {"/tile/8/0/002.p/188": None}
        with pytest.raises(MissingError, match="/tile/8/0/002 answered 404"):
            client.prove()
        assert client.files() == {}

    def test_unknown_version(self, client: Client) -> None:
        with pytest.raises(MissingError):
            client.prove("v0.0.1-go9.99.linux-amd64")


class TestHistory:
    def test_growth_is_proven_and_kept(self, client: Client) -> None:
        client.prove()
        for size in (701, 768, 1024, 1300):
            grow(client, size, f"v0.0.1-at{size}")
            client.prove(f"v0.0.1-at{size}")
            assert client.latest_size == size

    def test_an_older_head_is_proven_a_prefix_and_nothing_is_rolled_back(self, client: Client) -> None:
        grow(client, 1300, "v0.0.1-late")
        client.prove("v0.0.1-late")
        client.server.instead = {LOOKUP: client.server.database.lookup(f"{MODULE}@{VERSION}", 650)}
        evidence = client.database().prove(MODULE, VERSION)
        assert (evidence.h1, evidence.tree_size) == (H1, 1300)
        assert client.latest_size == 1300

    def test_a_cached_answer_with_an_older_head_too(self, client: Client) -> None:
        client.prove()
        grow(client, 1300, "v0.0.1-late")
        client.prove("v0.0.1-late")
        client.server.asked.clear()
        assert client.database().prove(MODULE, VERSION).tree_size == 1300
        assert LOOKUP not in client.server.asked

    @pytest.mark.parametrize(("seen", "told"), [(702, 702), (1000, 702), (702, 1000), (703, 1000)])
    def test_forks_are_refused_with_both_heads(self, client: Client, seen: int, told: int) -> None:
        ours, twin = client.server.database, client.server.database.fork()
        twin.fill(seen - 1)
        twin.add(MODULE, "v0.0.1-twin")
        Client(FakeServer(twin), client.home).prove("v0.0.1-twin")
        grow(client, told)
        # Whose head is newer has the tiles; the older head is told all the same.
        answer = ours.lookup(f"{MODULE}@{VERSION}")
        client.server = FakeServer(ours if told > seen else twin, {LOOKUP: answer})
        refused = client.refusal()
        assert isinstance(refused, ForkError)
        shown = "\n".join(refused.details)
        assert twin.head().decode().strip() in shown
        assert ours.head().decode().strip() in shown

    def test_a_fork_in_the_cache_is_not_passed_over(self, client: Client) -> None:
        """A signature is no accident: what a spoilt disk cannot do needs no second try."""
        twin = client.server.database.fork()
        grow(client, 800, "v0.0.1-late")
        client.prove("v0.0.1-late")
        cached = client.cache / LOOKUP[1:]
        cached.write_bytes(twin.lookup(f"{MODULE}@{VERSION}"))
        assert isinstance(client.refusal(), ForkError)
        cached.unlink()
        assert client.prove() == H1

    @pytest.mark.parametrize("junk", [b"", b"junk", b"go.sum database tree\n1\n", None])
    def test_a_stored_head_that_is_none_is_refused(self, client: Client, junk: bytes | None) -> None:
        client.prove()
        stranger = FakeDatabase(seed=b"\x09" * 32).head()
        client.latest.write_bytes(stranger if junk is None else junk)
        client.server.asked.clear()
        refused = client.refusal()
        assert str(client.latest) in refused.message
        assert str(client.latest) in (refused.hint or "")
        assert client.server.asked == []

    def test_a_stored_head_with_a_flipped_byte_is_refused(self, client: Client) -> None:
        client.prove()
        head = client.latest.read_bytes()
        for position in range(len(head)):
            client.latest.write_bytes(head[:position] + bytes([head[position] ^ 1]) + head[position + 1 :])
            client.refusal()

    def test_another_process_gets_ahead_meanwhile(self, client: Client) -> None:
        """While we prove against 700 records, somebody else stores a head of 1300."""
        behind = client.server.database.lookup(f"{MODULE}@{VERSION}", 700)
        grow(client, 1300, "v0.0.1-late")

        class Overtaken(FakeServer):
            def __call__(self, path: str, limit: int) -> bytes:
                if path.startswith("/tile/") and not client.latest.exists():
                    client.prove("v0.0.1-late")
                return super().__call__(path, limit)

        overtaken = Overtaken(client.server.database, {LOOKUP: behind})
        assert client.database(overtaken).prove(MODULE, VERSION).tree_size == 700
        assert client.latest_size == 1300

    def test_another_process_is_behind_but_first(self, client: Client) -> None:
        ahead = client.server.database
        behind = ahead.lookup(f"{MODULE}@{VERSION}", 650)
        slow = Client(FakeServer(ahead, {LOOKUP: behind}), client.home)

        class Overtaken(FakeServer):
            def __call__(self, path: str, limit: int) -> bytes:
                if path.startswith("/tile/") and not client.latest.exists():
                    slow.prove()
                return super().__call__(path, limit)

        client.database(Overtaken(ahead)).prove(MODULE, VERSION)
        assert client.latest_size == 700

    def test_another_process_saw_another_history(self, client: Client) -> None:
        twin = client.server.database.fork()
        other = Client(FakeServer(twin), client.home)
        grow(client, twin.size)

        class Overtaken(FakeServer):
            def __call__(self, path: str, limit: int) -> bytes:
                if path.startswith("/tile/") and not client.latest.exists():
                    other.prove()
                return super().__call__(path, limit)

        with pytest.raises(ForkError):
            client.database(Overtaken(client.server.database)).prove(MODULE, VERSION)
        assert client.latest.read_bytes() == twin.head()

    def test_many_at_once_end_with_the_largest_head(self, client: Client) -> None:
        database = client.server.database
        grow(client, 1300)
        sizes = [*range(700, 1300, 40), 1300]

        def prove(size: int) -> str:
            answer = database.lookup(f"{MODULE}@{VERSION}", size)
            fresh = FakeServer(database, {LOOKUP: answer})
            alone = Database(
                Verifier.parse(database.vkey), fresh, cache_dir=None, state_dir=client.home / "state"
            )
            return alone.prove(MODULE, VERSION).h1

        with ThreadPoolExecutor(6) as pool:
            assert set(pool.map(prove, sizes)) == {H1}
        assert client.latest_size == 1300


def flips(data: bytes, step: int) -> Iterator[bytes]:
    for position in {*range(0, len(data), step), len(data) - 1}:
        yield data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1 :]


class TestLies:
    def test_every_flipped_byte_of_the_answer_is_refused(self, client: Client) -> None:
        answer = client.server.database.lookup(f"{MODULE}@{VERSION}")
        for changed in flips(answer, 1):
            client.server.instead = {LOOKUP: changed}
            client.refusal()

    def test_every_truncated_answer_is_refused(self, client: Client) -> None:
        answer = client.server.database.lookup(f"{MODULE}@{VERSION}")
        for length in range(len(answer)):
            client.server.instead = {LOOKUP: answer[:length]}
            client.refusal()

    def test_flipped_and_truncated_tiles_are_refused(self, client: Client) -> None:
        Client(client.server, client.home / "probe").prove()
        tiles = [path for path in client.server.asked if path.startswith("/tile/")]
        assert len(tiles) == 3
        for tile in tiles:
            good = client.server.database.answer(tile)
            assert good is not None
            for bad in (*flips(good, 97), good[:-1], good[:-32], b""):
                client.server.instead = {tile: bad}
                Client(client.server, client.home / "none").refusal()

    def test_no_line_for_the_module(self, client: Client) -> None:
        """CVE-2026-42501: a proven record that says nothing of the module proved anything."""
        database = client.server.database
        database.add(MODULE, "v0.0.1-empty", text="golang.org/other v1.0.0 h1:x\n")
        assert "no h1 digest" in client.refusal("v0.0.1-empty").message

    def test_record_of_another_version(self, client: Client) -> None:
        database = client.server.database
        database.add(MODULE, "v0.0.1-go1.21.6.linux-amd64")
        other = database.lookup(f"{MODULE}@v0.0.1-go1.21.6.linux-amd64")
        client.server.instead = {LOOKUP: other}
        assert f"no h1 digest of `{MODULE} {VERSION}`" in client.refusal().message

    @pytest.mark.parametrize("place", ["head", "signature", "before", "after"])
    def test_lines_outside_the_record(self, client: Client, place: str) -> None:
        """CVE-2026-56864: the whole answer was searched, not only the record that was proven."""
        database = client.server.database
        line = f"{MODULE} {VERSION} {digest_of('evil')}\n{MODULE} {VERSION}/go.mod {digest_of('evil')}\n"
        database.add(MODULE, "v0.0.1-other")
        if place == "head":
            database.extra = line
        other = database.lookup(f"{MODULE}@v0.0.1-other")
        if place == "signature":
            other += line.encode()
        elif place == "before":
            other = line.encode() + other
        elif place == "after":
            other += b"\n" + line.encode()
        client.server.instead = {LOOKUP: other}
        refused = client.refusal()
        if place == "head":
            assert "no h1 digest" in refused.message

    def test_half_of_the_lines_outside_the_record(self, client: Client) -> None:
        database = client.server.database
        database.add(MODULE, VERSION, text=f"{MODULE} {VERSION}/go.mod {digest_of('a')}\n")
        database.extra = f"{MODULE} {VERSION} {digest_of('evil')}\n"
        assert "no h1 digest" in client.refusal().message

    def test_forged_record_with_its_forged_tile(self, client: Client) -> None:
        """CVE-2026-56865: a tile that is not held against its parent lets any record in."""
        forged = FakeDatabase()
        forged.fill(400)
        forged.add(MODULE, VERSION, digest_of("evil"))
        forged.fill(700)
        number, record, _ = forged.lookup(f"{MODULE}@{VERSION}").partition(b"\n\n")
        answer = number + record + client.server.database.head()
        tiles = ("/tile/8/0/001", "/tile/8/1/000.p/2", "/tile/8/0/002.p/188")
        for count in range(len(tiles) + 1):
            for lied in itertools.combinations(tiles, count):
                lies = {tile: forged.answer(tile) for tile in lied}
                client.server.instead = {LOOKUP: answer, **lies}
                client.refusal()

    def test_number_beyond_the_tree(self, client: Client) -> None:
        answer = client.server.database.lookup(f"{MODULE}@{VERSION}", 400)
        client.server.instead = {LOOKUP: answer}
        assert "claims record 400 of a tree that has only 400 records" in client.refusal().message

    def test_another_number(self, client: Client) -> None:
        answer = client.server.database.lookup(f"{MODULE}@{VERSION}")
        client.server.instead = {LOOKUP: answer.replace(b"400\n", b"399\n", 1)}
        assert "record 399 is not" in client.refusal().message

    def test_what_came_fresh_is_not_asked_for_again(self, client: Client) -> None:
        client.server.instead = {"/tile/8/0/001": bytes(8192)}
        client.refusal()
        assert client.server.asked.count(LOOKUP) == client.server.asked.count("/tile/8/0/001") == 1

    def test_signed_by_somebody_else(self, client: Client) -> None:
        impostor = FakeDatabase(seed=b"\x09" * 32)
        impostor.add(MODULE, VERSION, digest_of("evil"))
        client.server.database, real = impostor, client.server.database
        verifier = Verifier.parse(real.vkey)
        with pytest.raises(IntegrityError, match="not signed by the key"):
            Database(verifier, client.server, cache_dir=None, state_dir=client.home).prove(MODULE, VERSION)

    @pytest.mark.parametrize(
        "lines",
        [
            "M V h1:AAAA\nM V/go.mod GOOD\n",
            "M V h1:\nM V/go.mod GOOD\n",
            "M V h2:GOOD\nM V/go.mod GOOD\n",
            "M V GOOD\n",
            "M V/go.mod GOOD\n",
            "M V GOOD more\nM V/go.mod GOOD\n",
            "M V GOOD\nM V OTHER\nM V/go.mod GOOD\n",
            "M  V GOOD\nM V/go.mod GOOD\n",
            " M V GOOD\nM V/go.mod GOOD\n",
            "M V9 GOOD\nM V/go.mod GOOD\n",
        ],
    )
    def test_genuine_records_without_the_exact_lines(self, client: Client, lines: str) -> None:
        words = {"M ": f"{MODULE} ", "V": "v0.0.1-odd", "GOOD": digest_of("a"), "OTHER": digest_of("b")}
        for word, meaning in words.items():
            lines = lines.replace(word, meaning)
        client.server.database.add(MODULE, "v0.0.1-odd", text=lines)
        assert "h1 digest of" in client.refusal("v0.0.1-odd").message

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"\n\n",
            b"<!doctype html>\n<html>\n\n</html>\n",
            b"-1\nx\n\n",
            b"5\n\nx\n\ny\n",
            b"5\n\n\n",
            b"\xff\n",
        ],
    )
    def test_no_record_at_all(self, client: Client, answer: bytes) -> None:
        client.server.instead = {LOOKUP: answer}
        assert "answer" in client.refusal().message

    @pytest.mark.parametrize("number", [b"+400", b"0400", b" 400", b"4_00", b"", b"9" * 5000])
    def test_odd_spellings_of_the_number(self, client: Client, number: bytes) -> None:
        answer = client.server.database.lookup(f"{MODULE}@{VERSION}")
        client.server.instead = {LOOKUP: answer.replace(b"400", number, 1)}
        assert "record number" in client.refusal().message


class TestSpoiltCache:
    @pytest.mark.parametrize("content", [b"", b"junk", b"\x00" * 8192, b"\x00" * 9000])
    def test_every_file_heals(self, client: Client, content: bytes) -> None:
        client.prove()
        good = client.files()
        spoilable = [name for name in good if name.startswith("cache/")]
        assert len(spoilable) == 4
        for name in spoilable:
            (client.home / name).write_bytes(content)
            assert client.prove() == H1
            assert client.files() == good

    def test_all_at_once(self, client: Client) -> None:
        client.prove()
        good = client.files()
        for name in good:
            if name.startswith("cache/"):
                (client.home / name).write_bytes(b"junk")
        assert client.prove() == H1
        assert client.files() == good

    def test_a_genuine_record_of_another_version_under_the_wrong_name(self, client: Client) -> None:
        grow(client, 800, "v0.0.1-other")
        client.prove()
        client.prove("v0.0.1-other")
        other = client.cache / f"lookup/{MODULE}@v0.0.1-other"
        client.cache.joinpath(LOOKUP[1:]).write_bytes(other.read_bytes())
        assert client.prove() == H1

    def test_a_spoilt_full_tile_that_is_no_longer_asked_for_is_swept_out(self, client: Client) -> None:
        client.cache.joinpath("tile/8/0").mkdir(parents=True)
        bad = client.cache / "tile/8/0/002"
        bad.write_bytes(bytes(8192))
        assert client.prove() == H1
        assert not bad.exists()
        client.server.down = True
        assert client.prove() == H1

    def test_offline_it_is_a_network_error_and_nothing_is_lost(self, client: Client) -> None:
        client.prove()
        client.cache.joinpath("tile/8/0/001").write_bytes(b"junk")
        before = client.files()
        client.server.down = True
        with pytest.raises(NetworkError):
            client.prove()
        assert client.files() == before

    def test_the_network_is_asked_once_more_only(self, client: Client) -> None:
        client.prove()
        client.cache.joinpath("tile/8/0/001").write_bytes(b"junk")
        client.server.instead = {"/tile/8/0/001": bytes(8192)}
        client.server.asked.clear()
        client.refusal()
        assert client.server.asked.count("/tile/8/0/001") == 1
