"""What each flame graph is of: the better part where several could give it, and the gain where it was read twice."""

import pytest

from bot.domain.lenses import LENSES, costs_of
from bot.domain.snapshot import FIRST, HEAP_GC, MUTEX, SECOND, Captured, again, captured
from tests.unit.domain.captures import heap, mutex
from tests.unit.domain.go_profiles import main_frame

LOCKED, KEPT = main_frame("locked", 7), main_frame("kept", 9)


def parts(*found: Captured) -> dict[str, Captured]:
    return {each.part: each for each in found}


def locks(seconds: float, ending: str = "", at_s: float = 0.0) -> Captured:
    part = captured("c-1", MUTEX, mutex(((LOCKED,), seconds)), 0.1)
    named = again(part, ending) if ending else part
    return Captured(**{**named.__dict__, "at_s": at_s})


def test_what_was_counted_since_the_start_is_shown_as_it_is_when_read_once() -> None:
    found = costs_of("mutex", parts(locks(60.0)))
    assert found is not None
    assert (found.total, found.duration_ns) == (60_000_000_000, 0)


@pytest.mark.parametrize("first", ["", FIRST])
def test_what_it_gained_is_shown_when_it_was_read_twice(first: str) -> None:
    found = costs_of("mutex", parts(locks(60.0, first, 1.0), locks(63.0, SECOND, 3.5)))
    assert found is not None
    assert (found.total, found.duration_ns) == (3_000_000_000, 2_500_000_000)


def test_allocations_between_two_collections_are_better_than_all_there_ever_were() -> None:
    early = captured("c-1", HEAP_GC, heap(((KEPT,), 1_000)), 0.1)
    late = again(captured("c-1", HEAP_GC, heap(((KEPT,), 5_000)), 0.1))
    found = costs_of("allocs", parts(early, late))
    assert found is not None
    assert found.total == 4_000
    current = costs_of("heap", parts(early, late))
    assert current is not None
    assert current.total == 5_000


def test_what_cannot_be_read_gives_way_to_what_can() -> None:
    broken = again(captured("c-1", HEAP_GC, b"no profile", 0.1))
    found = costs_of("heap", parts(broken, captured("c-1", HEAP_GC, heap(((KEPT,), 7)), 0.1)))
    assert found is not None
    assert found.total == 7
    assert all(costs_of(lens, parts(broken)) is None for lens in LENSES)
