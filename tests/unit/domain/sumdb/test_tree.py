import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.sumdb import tiles, tree
from bot.domain.sumdb.tiles import Tile
from bot.domain.sumdb.tree import Head, Node, ProofRefused
from tests.gomodules.log import Log

LOG = Log()
LOG.fill(1_500)


def hashes(nodes: list[Node], size: int, log: Log = LOG) -> dict[Node, bytes]:
    """Fetch the tiles of nodes, and read these out of them."""
    wanted = tiles.tiles_of(nodes, size)
    return tiles.hashes(nodes, size, {each: log.tile(each.level, each.index, each.width) or b"" for each in wanted})


def proof(steps: tuple[tuple[Node, ...], ...], size: int, log: Log = LOG) -> tuple[bytes, ...]:
    return tree.proof(steps, hashes([node for step in steps for node in step], size, log))


def head(size: int, log: Log = LOG) -> Head:
    return Head(size, log.root(size))


def leaf(index: int, log: Log = LOG) -> bytes:
    return tree.record_hash(log.records[index])


SIZES = st.integers(1, 1_500)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_every_record_is_proven_in_every_tree_and_at_no_other_place(data: st.DataObject) -> None:
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    given = proof(tree.inclusion_nodes(index, size), size)

    tree.check_inclusion(leaf(index), index, head(size), given)
    for place in {data.draw(st.integers(0, size)), index + 1, size} - {index}:
        with pytest.raises(ProofRefused):
            tree.check_inclusion(leaf(index), place, head(size), given)
    with pytest.raises(ProofRefused):
        tree.check_inclusion(tree.record_hash(b"poison\n"), index, head(size), given)


@settings(deadline=None, max_examples=25)
@given(SIZES, SIZES)
def test_a_tree_that_grew_is_proven_and_a_fork_is_not(one: int, other: int) -> None:
    old, new = sorted((one, other))
    given = proof(tree.consistency_nodes(old, new), new)
    tree.check_consistency(head(old), head(new), given)

    with pytest.raises(ProofRefused, match="rewritten"):
        tree.check_consistency(Head(old, bytes(32)), head(new), given)
    if old < new:
        with pytest.raises(ProofRefused, match="rewritten"):
            tree.check_consistency(head(old), Head(new, bytes(32)), given)
        with pytest.raises(ProofRefused, match="rewritten"):
            tree.check_consistency(head(old), head(new), given[:-1])
        with pytest.raises(ProofRefused, match="rewritten"):
            tree.check_consistency(head(new), head(old), given)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_a_changed_byte_of_a_tile_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 1_500))
    index = data.draw(st.integers(0, size - 1))
    steps = tree.inclusion_nodes(index, size)
    given = list(proof(steps, size))
    place = data.draw(st.integers(0, len(given) - 1))
    given[place] = bytes([given[place][0] ^ 1]) + given[place][1:]

    with pytest.raises(ProofRefused):
        tree.check_inclusion(leaf(index), index, head(size), given)
    for wrong in (given[:-1], [*given, bytes(32)]):
        with pytest.raises(ProofRefused):
            tree.check_inclusion(leaf(index), index, head(size), wrong)


def test_whoever_rewrites_one_record_is_found_out() -> None:
    forged = Log()
    forged.fill(300)
    before = head(300, forged)
    forged.forge(7, b"example.com/filler7 v1.0.0 h1:poison\n")
    forged.fill(20)
    given = proof(tree.consistency_nodes(300, 320), 320, forged)

    with pytest.raises(ProofRefused, match="the tree of 320 is not the tree of 300 grown"):
        tree.check_consistency(before, head(320, forged), given)


def test_an_empty_tree_is_where_every_log_begins() -> None:
    empty = Head(0, tree.root([]))

    tree.check_consistency(empty, head(10), ())
    with pytest.raises(ProofRefused, match="not in a tree of 0"):
        tree.check_inclusion(leaf(0), 0, empty, ())
    with pytest.raises(ProofRefused, match="rewritten"):
        tree.check_consistency(head(10), Head(10, bytes(32)), ())


def test_the_whole_tree_is_made_of_its_nodes() -> None:
    for size in (1, 2, 3, 255, 256, 257, 1_000):
        nodes = list(tree.whole_nodes(size))
        known = hashes(nodes, size)
        assert tree.root([known[node] for node in nodes]) == LOG.root(size)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "go.sum database tree\n",
        "go.sum database tree\n01\n" + "A" * 43 + "=\n",
        "go.sum database tree\n-1\n" + "A" * 43 + "=\n",
        "go.sum database tree\n1\n" + "A" * 42 + "=\n",
        "another tree\n1\n" + "A" * 43 + "=\n",
        "go.sum database tree\n9999999999999999999\n" + "A" * 43 + "=\n",
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ProofRefused, match="no head"):
        tree.read_head(text)


def test_a_head_may_say_more_than_we_know() -> None:
    assert tree.read_head("go.sum database tree\n12\n" + "A" * 43 + "=\nmore\n") == Head(12, bytes(32))


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/8/0/000"),
        (Tile(1, 3, 5), "tile/8/1/003.p/5"),
        (Tile(0, 1234067, 256), "tile/8/0/x001/x234/067"),
        (Tile(2, 1000, 1), "tile/8/2/x001/000.p/1"),
    ],
)
def test_a_tile_is_where_go_looks_for_it(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_tile_that_is_cut_is_refused() -> None:
    with pytest.raises(ProofRefused, match="has 31 bytes where 320 were due"):
        tiles.hashes([(0, 3)], 10, {Tile(0, 0, 10): bytes(31)})


def test_a_tile_that_grew_meanwhile_is_as_good() -> None:
    grown = {Tile(0, 0, 10): LOG.tile(0, 0) or b""}

    assert tiles.hashes([(0, 3)], 10, grown) == {(0, 3): leaf(3)}
