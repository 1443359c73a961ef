from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvmpy.errors import IntegrityError
from gvmpy.trust.tlog import (
    EMPTY_ROOT,
    MAX_SIZE,
    Node,
    Tile,
    TreeHead,
    node_hash,
    parse_number,
    perfect_subtrees,
    proven_hashes,
    record_hash,
    root_over,
    tile_of,
)
from tests.trust.fakedb import FakeDatabase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EDGES = (1, 2, 3, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 66309)

DATABASE = FakeDatabase()
DATABASE.fill(max(EDGES))
LEAVES = DATABASE._levels[0]


def head_of(size: int) -> TreeHead:
    return TreeHead(size, DATABASE.root(size))


def reader(changed: dict[str, bytes] | None = None) -> Callable[[Sequence[Tile]], list[bytes]]:
    def read(tiles: Sequence[Tile]) -> list[bytes]:
        answers = [(changed or {}).get(tile.path, DATABASE.answer(f"/{tile.path}")) for tile in tiles]
        assert None not in answers
        return [answer for answer in answers if answer is not None]

    return read


def rfc6962_root(leaves: list[bytes]) -> bytes:
    """Section 2.1 of RFC 6962, word for word, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = rfc6962_root(leaves[:half]), rfc6962_root(leaves[half:])
    return hashlib.sha256(b"\x01" + left + right).digest()


class TestHashes:
    def test_rfc6962_vectors(self) -> None:
        # From the test data of the certificate-transparency reference implementation.
        assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        empty, zero = record_hash(b""), record_hash(b"\x00")
        assert empty.hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        assert (
            node_hash(empty, zero).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        )

    @pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 511, 512, 1000])
    def test_the_test_database_keeps_to_the_rfc(self, size: int) -> None:
        assert DATABASE.root(size) == rfc6962_root(LEAVES[:size])


class TestHeads:
    def test_real(self) -> None:
        root = "f3f8U0MoQmXkWAgAEKDtXcaI3c2y6N9+55KNSRefF/w="
        head = TreeHead.parse(f"go.sum database tree\n28905453\n{root}\n")
        assert head.size == 28905453
        assert head.root_text == root

    def test_further_lines_are_for_the_future(self) -> None:
        root = head_of(3).root_text
        assert TreeHead.parse(f"go.sum database tree\n3\n{root}\nmore\nand more\n") == head_of(3)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "go.sum database tree\n",
            "go.sum database tree\n3\n",
            "go.sum database tree\n3\nROOT",
            "go.sum database tree v2\n3\nROOT\n",
            "\ngo.sum database tree\n3\nROOT\n",
            "go.sum database tree\n-3\nROOT\n",
            "go.sum database tree\n+3\nROOT\n",
            "go.sum database tree\n03\nROOT\n",
            "go.sum database tree\n3 \nROOT\n",
            "go.sum database tree\n\u0663\nROOT\n",
            "go.sum database tree\n9223372036854775808\nROOT\n",
            f"go.sum database tree\n{'9' * 5000}\nROOT\n",
            "go.sum database tree\n3\nROOT=\n",
            "go.sum database tree\n3\n AAAA\n",
            "go.sum database tree\n3\nAAAA\n",
            "go.sum database tree\n3\n\n",
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(IntegrityError):
            TreeHead.parse(text.replace("ROOT", head_of(3).root_text))

    def test_numbers_reach_as_far_as_go_counts(self) -> None:
        assert parse_number(str(MAX_SIZE)) == MAX_SIZE
        with pytest.raises(ValueError, match="not a record number"):
            parse_number(str(MAX_SIZE + 1))


class TestTiles:
    @pytest.mark.parametrize(
        ("tile", "path"),
        [
            (Tile(0, 0, 1), "tile/8/0/000.p/1"),
            (Tile(0, 0, 256), "tile/8/0/000"),
            (Tile(1, 17, 255), "tile/8/1/017.p/255"),
            (Tile(2, 999, 256), "tile/8/2/999"),
            (Tile(0, 1000, 256), "tile/8/0/x001/000"),
            (Tile(0, 1234, 113), "tile/8/0/x001/234.p/113"),
            (Tile(4, 1234067, 256), "tile/8/4/x001/x234/067"),
            (Tile(0, 123456789, 8), "tile/8/0/x123/x456/789.p/8"),
        ],
    )
    def test_paths(self, tile: Tile, path: str) -> None:
        assert tile.path == path

    def test_width_grows_with_the_tree(self) -> None:
        assert tile_of(Node(0, 256), 257) == Tile(0, 1, 1)
        assert tile_of(Node(0, 256), 511) == Tile(0, 1, 255)
        assert tile_of(Node(0, 256), 512) == Tile(0, 1, 256)
        assert tile_of(Node(8, 1), 512) == Tile(1, 0, 2)
        assert tile_of(Node(9, 0), 512) == Tile(1, 0, 2)
        assert tile_of(Node(16, 0), 65536) == Tile(2, 0, 1)

    @given(st.integers(0, 1 << 62))
    def test_perfect_subtrees_cover_the_tree_once_from_left_to_right(self, size: int) -> None:
        reached = 0
        for node in perfect_subtrees(size):
            assert node.index << node.level == reached
            reached = (node.index + 1) << node.level
        assert reached == size

    @given(st.integers(1, MAX_SIZE))
    def test_edge_tiles_are_never_full_and_hold_no_more_than_the_root_is_made_of(self, size: int) -> None:
        covered: dict[Tile, int] = {}
        for node in perfect_subtrees(size):
            tile = tile_of(node, size)
            covered[tile] = covered.get(tile, 0) + (1 << node.level - 8 * tile.level)
        assert all(tile.width == entries < 256 for tile, entries in covered.items())


class TestProofs:
    @pytest.mark.parametrize("size", EDGES)
    def test_leaves(self, size: int) -> None:
        numbers = sorted({0, size // 2, max(0, size - 257), max(0, size - 2), size - 1, min(255, size - 1)})
        found = proven_hashes(head_of(size), [Node(0, number) for number in numbers], reader())
        assert found == [LEAVES[number] for number in numbers]

    @pytest.mark.parametrize("size", EDGES)
    def test_every_older_size_around_the_edges(self, size: int) -> None:
        for older in (0, *(edge for edge in EDGES if edge <= size)):
            hashes = proven_hashes(head_of(size), perfect_subtrees(older), reader())
            assert root_over(hashes) == DATABASE.root(older)

    @settings(max_examples=60)
    @given(st.data())
    def test_any_leaf_and_any_older_size(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(1, DATABASE.size))
        number, older = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
        wanted = [Node(0, number), *perfect_subtrees(older)]
        leaf, *hashes = proven_hashes(head_of(size), wanted, reader())
        assert leaf == LEAVES[number]
        assert root_over(hashes) == DATABASE.root(older)

    def test_empty_tree(self) -> None:
        assert proven_hashes(TreeHead(0, EMPTY_ROOT), [], reader()) == []
        with pytest.raises(IntegrityError, match="do not add up"):
            proven_hashes(TreeHead(0, bytes(32)), [], reader())

    @pytest.mark.parametrize("node", [Node(0, 300), Node(8, 1), Node(9, 0), Node(40, 0)])
    def test_beyond_the_tree(self, node: Node) -> None:
        with pytest.raises(IntegrityError, match="too small"):
            proven_hashes(head_of(300), [node], reader())

    @pytest.mark.parametrize("size", [300, 513, 66309])
    def test_any_flipped_byte_of_any_tile_is_refused(self, size: int) -> None:
        chance = random.Random(size)  # noqa: S311 - picks bytes, guards nothing
        wanted = [Node(0, 5), *perfect_subtrees(size // 3)]
        read: list[Tile] = []

        def recorded(tiles: Sequence[Tile]) -> list[bytes]:
            read.extend(tiles)
            return reader()(tiles)

        proven_hashes(head_of(size), wanted, recorded)
        assert len(read) >= 2
        for tile in read:
            good = reader()([tile])[0]
            positions = {0, len(good) - 1, *chance.sample(range(len(good)), min(len(good), 12))}
            for position in positions:
                bad = bytearray(good)
                bad[position] ^= 1 << chance.randrange(8)
                with pytest.raises(IntegrityError):
                    proven_hashes(head_of(size), wanted, reader({tile.path: bytes(bad)}))

    @pytest.mark.parametrize("cut", [-1, 1, -32, 32])
    def test_tiles_of_another_length_are_refused(self, cut: int) -> None:
        good = reader()([Tile(0, 0, 256)])[0]
        bad = good[:cut] if cut < 0 else good + bytes(cut)
        with pytest.raises(IntegrityError, match=r"`tile/8/0/000` has \d+ bytes where 8192 belong"):
            proven_hashes(head_of(300), [Node(0, 5)], reader({"tile/8/0/000": bad}))

    def test_wrong_root(self) -> None:
        with pytest.raises(IntegrityError, match="do not add up"):
            proven_hashes(TreeHead(300, DATABASE.root(299)), [Node(0, 5)], reader())

    @pytest.mark.parametrize("size", [65536 + 256 + 1, 66309, 65536 + 255 * 2 + 1])
    @pytest.mark.parametrize("depth", [1, 2])
    def test_every_tile_is_held_against_its_parent(self, size: int, depth: int) -> None:
        """CVE-2026-56865: with more perfect subtrees than edge tiles, tiles went unchecked.

        The forger replaces a leaf and, at depth 2, its tile's parent to suit; the root is left as signed.
        """
        forged = record_hash(b"forged\n")
        low = forged + reader()([Tile(0, 3, 256)])[0][32:]
        low_root = rfc6962_root([low[start : start + 32] for start in range(0, len(low), 32)])
        high = bytearray(reader()([Tile(1, 0, 256)])[0])
        high[3 * 32 : 4 * 32] = low_root
        changed = {"tile/8/0/003": low, "tile/8/1/000": bytes(high)}
        if depth == 1:
            del changed["tile/8/1/000"]
        with pytest.raises(IntegrityError, match="is not the tile"):
            proven_hashes(head_of(size), [Node(0, 3 * 256)], reader(changed))
