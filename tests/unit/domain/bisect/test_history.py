"""Which commits are searched: ends that make no sense are refused, merges and branches are counted right."""

import pytest

from bot.domain.bisect.history import EndsReversed, EndsUnrelated, SameEnds, between, places
from tests.unit.domain.bisect.histories import graph, line, listing, name

REPOSITORY = graph({0: [], 1: [0], 2: [1], 3: [1], 4: [2, 3], 5: [4], 9: []})
"""A branch, 3, that left at 1 and came back at 4; 9 has nothing to do with it."""


def numbers(ids: tuple[str, ...]) -> list[int]:
    return [int(each, 16) for each in ids]


def test_a_line() -> None:
    history = line(3)
    assert numbers(history.ids(history.everything)) == [1, 2, 3]
    assert (name(3), name(0)) == history.ends


def test_a_merge_brings_its_branch_in() -> None:
    history = between(listing(REPOSITORY, name(2), name(5)), name(2), name(5))
    assert numbers(history.ids(history.everything)) == [3, 4, 5]
    assert numbers(history.ids(history.holds[history.place[name(4)]])) == [3, 4]
    assert history.forks == ()


def test_first_parents_leave_the_branch_out() -> None:
    history = between(listing(REPOSITORY, name(0), name(5)), name(0), name(5), first_parent=True)
    assert numbers(history.ids(history.everything)) == [1, 2, 4, 5]


def test_an_old_end_aside_of_the_way_names_where_it_left() -> None:
    history = between(listing(REPOSITORY, name(2), name(3)), name(2), name(3))
    assert numbers(history.ids(history.everything)) == [3]
    assert (name(3), name(2), name(1)) == history.ends


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        (2, 2, SameEnds, "nothing to search"),
        (5, 1, EndsReversed, "came after"),
        (9, 5, EndsUnrelated, "no commit in common"),
    ],
)
def test_ends_that_make_no_sense(old: int, new: int, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        between(listing(REPOSITORY, name(old), name(new)), name(old), name(new))


def test_a_root_may_be_among_the_commits() -> None:
    commits = graph({0: [], 1: [0], 8: [], 2: [1, 8]})
    history = between(listing(commits, name(0), name(2)), name(0), name(2))
    assert {1, 2, 8} == set(numbers(history.ids(history.everything)))


def test_what_has_the_key_of_a_parent_changed_nothing() -> None:
    history = between(listing(REPOSITORY, name(0), name(5)), name(0), name(5))
    keys = {name(0): "a", name(1): "a", name(2): "b", name(3): "a", name(4): "b", name(5): "c"}
    assert {1, 3, 4} == set(numbers(history.ids(history.unchanged(keys))))
    assert history.unchanged({}) == 0


def test_places_are_those_of_the_bits() -> None:
    assert list(places(1 | 8 | 1 << 70)) == [0, 3, 70]
