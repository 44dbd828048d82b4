"""Tiles: how a log gives its tree, 256 hashes at a time (golang.org/x/mod/sumdb/tlog: height 8).

What a tile holds is believed by nobody: proofs are made of it, and it is they that fit the signed head, or do not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.sumdb.tree import HASH_BYTES, Node, ProofRefused, root

HEIGHT = 8
FULL = 1 << HEIGHT


@dataclass(frozen=True, order=True)
class Tile:
    """A row of hashes: of nodes HEIGHT * level above the records, from index * FULL on; `width` of them exist."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where a log serves it."""
        number, rest = f"{self.index % 1000:03}", self.index // 1000
        while rest:
            number, rest = f"x{rest % 1000:03}/{number}", rest // 1000
        partial = "" if self.width == FULL else f".p/{self.width}"
        return f"tile/{HEIGHT}/{self.level}/{number}{partial}"

    @property
    def full(self) -> "Tile":
        """The same tile once it is full: a log may have dropped what was only partly filled."""
        return Tile(self.level, self.index, FULL)


def tile_of(node: Node, size: int) -> Tile:
    """Give the tile from which a node of a tree can be had."""
    level, index = node
    row = level // HEIGHT
    place = (index << (level % HEIGHT)) // FULL
    return Tile(row, place, min(FULL, (size >> (row * HEIGHT)) - place * FULL))


def tiles_of(nodes: Iterable[Node], size: int) -> tuple[Tile, ...]:
    """Give the tiles from which nodes can be had, each once."""
    return tuple(sorted({tile_of(node, size) for node in nodes}))


def hashes(nodes: Iterable[Node], size: int, tiles: Mapping[Tile, bytes]) -> dict[Node, bytes]:
    """Read nodes out of tiles.

    :raises ProofRefused: a tile is not as long as it must be.
    """
    return {node: _hash(node, tile := tile_of(node, size), tiles[tile]) for node in nodes}


def _hash(node: Node, tile: Tile, content: bytes) -> bytes:
    level, index = node
    if len(content) < tile.width * HASH_BYTES or len(content) > FULL * HASH_BYTES:
        raise ProofRefused(f"{tile.path} has {len(content)} bytes where {tile.width * HASH_BYTES} were due")
    depth = level % HEIGHT
    begin = (index << depth) % FULL
    row = [content[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(begin, begin + (1 << depth))]
    return _over(row)


def _over(row: list[bytes]) -> bytes:
    """Give the hash over a power of two of neighbours."""
    while len(row) > 1:
        row = [root(row[at : at + 2]) for at in range(0, len(row), 2)]
    return row[0]
