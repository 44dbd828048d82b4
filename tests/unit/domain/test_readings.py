"""What two readings of one target tell that one does not."""

from dataclasses import replace

from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.snapshot import FIRST, again
from bot.domain.stacks import Frame
from tests.unit.domain.captures import (
    CHAN_RECEIVE,
    CHAN_SEND,
    LOCK,
    SLEEP,
    allocs,
    block,
    document,
    dump_of,
    facts_of,
    goroutines,
    mutex,
    parts_of,
    twice,
)
from tests.unit.domain.go_profiles import SERVE, main_frame

GET, WATCH, ENCODE = main_frame("(*pool).Get", 45), main_frame("watch", 51), main_frame("encode", 54)
UNLOCK = (Frame("sync.(*Mutex).Unlock"), GET)


def numbers(facts: Facts) -> dict[str, tuple[int, int | None, int | None]]:
    return {each.frame.function: (each.count, each.before, each.stayed) for each in facts.crowds}


def test_crowds_are_held_against_the_first_reading() -> None:
    facts = twice(
        "c",
        first={"goroutine": goroutines(((*CHAN_RECEIVE, WATCH), 40), ((*CHAN_SEND, GET, *SERVE), 5))},
        second={"goroutine": goroutines(((*CHAN_RECEIVE, WATCH), 52), ((*SLEEP, ENCODE), 3))},
    )

    assert numbers(facts) == {"main.watch": (52, 40, None), "main.encode": (3, 0, None)}
    assert (facts.goroutines, facts.window and facts.window.goroutines) == (45, 55)
    assert (facts.handling, facts.window and facts.window.handling) == (5, 0)


def test_dumps_tell_who_is_still_in_the_same_call() -> None:
    stack = [*LOCK[3:], GET]
    first, second = dump_of([("sync.Mutex.Lock", stack, 6)]), dump_of([("sync.Mutex.Lock, 1 minutes", stack, 4)])
    groups = goroutines(((*LOCK, GET), 6))
    facts = twice("c", first={"goroutine": groups, "goroutine-dump": first}, second={"goroutine-dump": second})

    assert numbers(facts) == {"main.(*pool).Get": (6, 6, 4)}


def test_cumulative_profiles_are_differences() -> None:
    facts = twice(
        "c",
        first={"mutex": mutex((UNLOCK, 100.0)), "block": block(((*LOCK, GET), 10, 50.0))},
        second={"mutex": mutex((UNLOCK, 104.5)), "block": block(((*LOCK, GET), 14, 52.0))},
    )

    assert facts.window is not None
    assert [(each.frame, each.seconds) for each in facts.window.locks or ()] == [(GET, 4.5)]
    (waited,) = facts.window.blocked or ()
    assert (waited.frame, waited.state, waited.times, waited.mean_s) == (GET, "sync.Mutex.Lock", 4, 0.5)


def test_what_was_never_recorded_is_unknown_and_what_did_not_change_is_nothing() -> None:
    quiet = twice("c", first={"mutex": mutex((UNLOCK, 100.0))})
    silent = twice("c")

    assert quiet.window is not None
    assert quiet.window.locks == ()
    assert quiet.window.blocked is None
    assert silent.window is not None
    assert silent.window.locks is None


def test_memory_is_what_was_allocated_and_what_of_it_is_kept() -> None:
    facts = twice(
        "c",
        first={"heap-gc": allocs(((ENCODE,), 900, 400), ((GET, *SERVE), 100, 100))},
        second={"heap-gc": allocs(((ENCODE,), 1900, 300), ((GET, *SERVE), 150, 150))},
    )

    assert facts.window is not None
    assert [
        (each.frame, each.allocated, each.grown, each.freed, each.request) for each in facts.window.memory or ()
    ] == [
        (ENCODE, 1000, -100, 1600, False),
        (GET, 50, 50, 0, True),
    ]
    assert (facts.window.allocated_bytes, facts.window.grown_bytes, facts.window.memory_s) == (1050, -50, 2.5)
    assert facts.heap is not None
    assert (facts.heap.part, facts.heap.inuse_bytes, facts.heap.current) == ("heap-gc-2", 450, True)


def test_sockets_whose_unsent_bytes_do_not_change_stand_still() -> None:
    facts = twice(
        "c",
        first={"sockets": document({"states": {"ESTABLISHED": 3}, "stuck": {"1": 50, "2": 70, "3": 9}})},
        second={"sockets": document({"states": {"ESTABLISHED": 4}, "stuck": {"1": 50, "2": 60, "4": 9}})},
    )

    assert facts.window is not None
    assert facts.window.unmoved == 1
    assert facts.window.sockets is not None
    assert facts.window.sockets.count("ESTABLISHED") == 4


def test_one_reading_alone_has_no_window() -> None:
    assert facts_of("c").window is None
    alone = examine([again(part) for part in parts_of("c", {})])
    assert alone.window is None


def test_a_shared_second_reading_is_held_against_its_own_first() -> None:
    """Two minutes old, both of them: against the snapshot's own reading everything would seem to shrink."""
    own = parts_of("c", {"goroutine": goroutines(((*CHAN_RECEIVE, WATCH), 90))})
    shared = [again(each, FIRST) for each in parts_of("c", {"goroutine": goroutines(((*CHAN_RECEIVE, WATCH), 10))})]
    second = [
        replace(again(each), at_s=2.5)
        for each in parts_of("c", {"goroutine": goroutines(((*CHAN_RECEIVE, WATCH), 20))})
    ]

    assert numbers(examine([*own, *shared, *second])) == {"main.watch": (20, 10, None)}
