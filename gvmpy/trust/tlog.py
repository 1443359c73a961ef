"""The arithmetic of a transparency log: hashes, tree heads, tiles, and proofs read from tiles.

Hashes are RFC 6962's; tiles of height 8 and their paths are golang.org/x/mod/sumdb/tlog's. Nothing here
reads a file or a network. See https://research.swtch.com/tlog for the drawing behind the words.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError
from gvmpy.trust.note import decode_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HASH_SIZE = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_SIZE = (1 << 63) - 1
"""Records a tree may have; the Go implementation counts them in an int64."""

EMPTY_ROOT = hashlib.sha256().digest()
_TITLE = "go.sum database tree"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_DIRECTORY_WIDTH = 1000


def record_hash(record: bytes) -> bytes:
    """Return the leaf hash of a record's text."""
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def parse_number(text: str) -> int:
    """Return a record number or tree size from its canonical decimal spelling.

    Raises ValueError for any other spelling, and beyond MAX_SIZE.
    """
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise ValueError(f"not a record number: {text[:40]!r}")
    return int(text)


@dataclass(frozen=True, slots=True)
class TreeHead:
    """How many records a tree has, and the hash over all of them."""

    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> TreeHead:
        """Read the text of a tree note: title, size, root in base64; lines after these are for the future.

        Raises IntegrityError when it is anything else.
        """
        title, _, rest = text.partition("\n")
        size_text, _, rest = rest.partition("\n")
        root_text, newline, _ = rest.partition("\n")
        root = decode_base64(root_text)
        if title != _TITLE or not newline or root is None or len(root) != HASH_SIZE:
            raise IntegrityError("the note is not a checksum database's tree head")
        try:
            return cls(parse_number(size_text), root)
        except ValueError:
            raise IntegrityError("the tree head has a malformed size") from None

    @property
    def root_text(self) -> str:
        """The root in base64, as notes spell it."""
        return base64.b64encode(self.root).decode("ascii")


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree: the records from `index << level` up to `(index + 1) << level`."""

    level: int
    index: int

    def is_within(self, size: int) -> bool:
        """Whether a tree of `size` records has all the records below this node."""
        return (self.index + 1) << self.level <= size


@dataclass(frozen=True, slots=True)
class Tile:
    """`width` neighbouring nodes at level `8 * level`, the first of them number `256 * index`."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where a database serves it: `tile/8/0/x001/234`, with `.p/W` behind when it is not full."""
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        digits = f"{self.index % _DIRECTORY_WIDTH:03}"
        rest = self.index // _DIRECTORY_WIDTH
        while rest:
            digits = f"x{rest % _DIRECTORY_WIDTH:03}/{digits}"
            rest //= _DIRECTORY_WIDTH
        return f"tile/{TILE_HEIGHT}/{self.level}/{digits}{partial}"

    @property
    def full(self) -> Tile:
        """The same tile once all its nodes are there."""
        return Tile(self.level, self.index, TILE_WIDTH)

    @property
    def root_node(self) -> Node:
        """The node that a full tile hangs from, itself one of its parent's entries."""
        return Node(TILE_HEIGHT * (self.level + 1), self.index)

    def node_in(self, data: bytes, node: Node) -> bytes:
        """Return the hash of `node` from this tile's `data`; the node must lie inside the tile."""
        height = node.level - TILE_HEIGHT * self.level
        start = (node.index << height) - TILE_WIDTH * self.index
        return _hash_over(data[start * HASH_SIZE : (start + (1 << height)) * HASH_SIZE])


def tile_of(node: Node, size: int) -> Tile:
    """Return the tile that holds `node`, as wide as it is in a tree of `size` records."""
    level, height = divmod(node.level, TILE_HEIGHT)
    index = (node.index << height) >> TILE_HEIGHT
    entries = (size >> (TILE_HEIGHT * level)) - TILE_WIDTH * index
    return Tile(level, index, min(TILE_WIDTH, entries))


def perfect_subtrees(size: int) -> list[Node]:
    """Return the perfect subtrees a tree of `size` records is made of, from left to right."""
    nodes = []
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            nodes.append(Node(level, start >> level))
            start += 1 << level
    return nodes


def root_over(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree whose perfect subtrees, from left to right, have these `hashes`."""
    if not hashes:
        return EMPTY_ROOT
    return functools.reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def proven_hashes(
    head: TreeHead, wanted: Sequence[Node], read_tiles: Callable[[Sequence[Tile]], Sequence[bytes]]
) -> list[bytes]:
    """Return the hashes of the `wanted` nodes, every tile on the way to them proven to be of `head`'s tree.

    `read_tiles` answers for each tile it is given; what it answers is not believed. Raises IntegrityError
    when a node lies beyond the tree, a tile has the wrong length, or the tiles do not lead up to the root.
    """
    if not all(node.is_within(head.size) for node in wanted):
        raise IntegrityError(f"the tree of {head.size} records is too small for what should be in it")
    edge_nodes = perfect_subtrees(head.size)
    edge = list(dict.fromkeys(tile_of(node, head.size) for node in edge_nodes))
    below = _tiles_below(edge, wanted, head.size)
    data = _read([*edge, *below], read_tiles)

    def hash_of(node: Node) -> bytes:
        tile = tile_of(node, head.size)
        return tile.node_in(data[tile], node)

    # Edge tiles are never full, and hold nothing but what the root is made of: the root proves all of them.
    if root_over([hash_of(node) for node in edge_nodes]) != head.root:
        raise IntegrityError(f"the tiles do not add up to the signed tree of {head.size} records")
    # Parents stand before their children, so each is compared with an entry that is proven already.
    for tile in below:
        if _hash_over(data[tile]) != hash_of(tile.root_node):
            raise IntegrityError(f"`{tile.path}` is not the tile that the signed tree has there")
    return [hash_of(node) for node in wanted]


def consistency_proof(
    head: TreeHead, old_size: int, read_tiles: Callable[[Sequence[Tile]], Sequence[bytes]]
) -> list[bytes]:
    """Return the proof (RFC 6962, 2.1.2) of what the first `old_size` records of `head`'s tree hash to.

    Its order is that of tlog.ProveTree and tlog.CheckTree; it is empty when `old_size` is all of the tree, or
    nothing. Raises IntegrityError as `proven_hashes` does.
    """
    if not 0 < old_size < head.size:
        return []
    ranges = _proof_ranges(old_size, 0, head.size)
    nodes = [_shifted_subtrees(start, end) for start, end in ranges]
    hashes = iter(proven_hashes(head, [node for group in nodes for node in group], read_tiles))
    return [root_over([next(hashes) for _ in group]) for group in nodes]


def _proof_ranges(old_size: int, start: int, end: int) -> list[tuple[int, int]]:
    """Return which runs of records the hashes of a consistency proof are over; RFC 6962's SUBPROOF."""
    if old_size == end:
        return [(start, end)] if start else []
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    if old_size <= middle:
        return [*_proof_ranges(old_size, start, middle), (middle, end)]
    return [*_proof_ranges(old_size, middle, end), (start, middle)]


def _shifted_subtrees(start: int, end: int) -> list[Node]:
    """Return the perfect subtrees of the records from `start` up to `end`, a run out of `_proof_ranges`."""
    return [Node(node.level, node.index + (start >> node.level)) for node in perfect_subtrees(end - start)]


def _tiles_below(edge: Iterable[Tile], wanted: Iterable[Node], size: int) -> list[Tile]:
    """Return the full tiles between the edge and the wanted nodes, each after its parent."""
    known = set(edge)
    below: list[Tile] = []
    for node in wanted:
        climb: list[Tile] = []
        tile = tile_of(node, size)
        while tile not in known:
            climb.append(tile)
            tile = tile_of(tile.root_node, size)
        known.update(climb)
        below.extend(reversed(climb))
    return below


def _read(
    tiles: Sequence[Tile], read_tiles: Callable[[Sequence[Tile]], Sequence[bytes]]
) -> dict[Tile, bytes]:
    data = dict(zip(tiles, read_tiles(tiles), strict=True))
    for tile, content in data.items():
        if len(content) != tile.width * HASH_SIZE:
            raise IntegrityError(
                f"`{tile.path}` has {len(content)} bytes where {tile.width * HASH_SIZE} belong"
            )
    return data


def _hash_over(data: bytes) -> bytes:
    """Return the hash of the perfect subtree whose lowest hashes stand in `data`."""
    hashes = [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
