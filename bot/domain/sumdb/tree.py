"""The tree over a log's records and its proofs: RFC 6962 section 2.1, checked as RFC 9162 section 2.1 says.

A node (level, index) is the hash over the 2^level records from index * 2^level on, all of which exist.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256

from bot.domain.errors import FirstFiveError

HASH_BYTES = 32
MAX_SIZE = 1 << 62
_HEAD = re.compile(r"go\.sum database tree\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")

Node = tuple[int, int]


class ProofRefused(FirstFiveError):
    """What a log says does not fit the head of its tree; says what."""


@dataclass(frozen=True)
class Head:
    """How many records a tree has, and the hash over them all."""

    size: int
    root: bytes


def read_head(text: str) -> Head:
    """Read the text of a signed tree head; lines after the first three are for later releases.

    :raises ProofRefused: it is none.
    """
    found = _HEAD.match(text)
    if found is None or int(found[1]) > MAX_SIZE:
        raise ProofRefused("it is no head of a tree of records")
    return Head(int(found[1]), b64decode(found[2]))


def record_hash(record: bytes) -> bytes:
    """Hash a record: a leaf."""
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two halves of a tree."""
    return sha256(b"\x01" + left + right).digest()


def inclusion_nodes(index: int, size: int) -> tuple[tuple[Node, ...], ...]:
    """Give what proves that a record is in a tree of a size: by step upwards, the nodes that make up the sibling."""
    return tuple(tuple(_nodes(low, high)) for low, high in _path(index, 0, size))


def consistency_nodes(old: int, new: int) -> tuple[tuple[Node, ...], ...]:
    """Give what proves that the first `old` records of a tree of `new` are those of the older tree; 0 < old <= new."""
    return tuple(tuple(_nodes(low, high)) for low, high in _subproof(old, 0, new, whole=True))


def whole_nodes(size: int) -> tuple[Node, ...]:
    """Give the nodes that make up a tree."""
    return tuple(_nodes(0, size))


def proof(steps: Sequence[Sequence[Node]], hashes: Mapping[Node, bytes]) -> tuple[bytes, ...]:
    """Make a proof of its steps, by the hashes of all their nodes."""
    return tuple(root([hashes[node] for node in step]) for step in steps)


def root(hashes: Sequence[bytes]) -> bytes:
    """Give the hash over neighbouring nodes that fall in size from left to right; of none, that of an empty tree."""
    if not hashes:
        return sha256(b"").digest()
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def check_inclusion(leaf: bytes, index: int, head: Head, proof: Sequence[bytes]) -> None:
    """Prove that a record is in a tree at its place (RFC 9162, 2.1.3.2).

    :raises ProofRefused: it is not.
    """
    if not 0 <= index < head.size:
        raise ProofRefused(f"record {index} is not in a tree of {head.size}")
    at, last, found = index, head.size - 1, leaf
    for step in proof:
        if not last:
            raise ProofRefused("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(step, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last or found != head.root:
        raise ProofRefused(f"record {index} is not the one that the tree of {head.size} was signed over")


def check_consistency(old: Head, new: Head, proof: Sequence[bytes]) -> None:
    """Prove that a tree only grew: nothing it once held was changed (RFC 9162, 2.1.4.2).

    :raises ProofRefused: it was: the log shows different trees at different times, or to different people.
    """
    forked = ProofRefused(f"the tree of {new.size} is not the tree of {old.size} grown: the log was rewritten")
    if old.size == new.size and old.root != new.root:
        raise forked
    if old.size in {0, new.size}:
        return
    if old.size > new.size or not proof:
        raise forked
    rest = list(proof)
    older = newer = old.root if not old.size & (old.size - 1) else rest.pop(0)
    at, last = old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    for step in rest:
        if not last:
            raise forked
        if at & 1 or at == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        at, last = at >> 1, last >> 1
    if last or (older, newer) != (old.root, new.root):
        raise forked


def _path(index: int, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Give the ranges beside a record on the way up: PATH(m, D[n]) of RFC 6962."""
    if high - low > 1:
        middle = low + _half(high - low)
        if index < middle:
            yield from _path(index, low, middle)
            yield middle, high
        else:
            yield from _path(index, middle, high)
            yield low, middle


def _subproof(old: int, low: int, high: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Give the ranges that prove consistency: SUBPROOF(m, D[n], b) of RFC 6962, `old` being a record's place."""
    if old == high:
        if not whole:
            yield low, high
        return
    middle = low + _half(high - low)
    if old <= middle:
        yield from _subproof(old, low, middle, whole=whole)
        yield middle, high
    else:
        yield from _subproof(old, middle, high, whole=False)
        yield low, middle


def _half(count: int) -> int:
    """Give the largest power of two below a count."""
    return 1 << ((count - 1).bit_length() - 1)


def _nodes(low: int, high: int) -> Iterator[Node]:
    """Cut a range that a tree has as a subtree into whole nodes, falling in size."""
    while low < high:
        level = (high - low).bit_length() - 1
        yield level, low >> level
        low += 1 << level
