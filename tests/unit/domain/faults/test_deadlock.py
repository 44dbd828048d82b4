"""A deadlock: nobody moves, and nobody is at work under the lock."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN
from bot.domain.stacks import Frame
from tests.unit.domain.captures import CHAN_SEND, LOCK, SLEEP, block, dump_of, facts_of, goroutines, leaks, mutex, twice
from tests.unit.domain.faults.found import UNLOCK, classes, findings
from tests.unit.domain.go_profiles import SERVE, main_frame

FIRST, SECOND = main_frame("transfer", 20), main_frame("refund", 40)
UNDER = main_frame("transfer", 24)


def readings(*groups: tuple[tuple[Frame, ...], int], **profiles: tuple[bytes, bytes]) -> Facts:
    """Look twice at goroutines that all stay where they are."""
    profile = goroutines(*((stack, number) for stack, number in groups))
    shown = [("sync.Mutex.Lock", [each for each in stack if each not in LOCK[:3]], number) for stack, number in groups]
    first = {"goroutine": profile, "goroutine-dump": dump_of(shown)}
    first |= {name: both[0] for name, both in profiles.items()}
    return twice("c", None, first, {name: both[1] for name, both in profiles.items()})


def test_two_that_do_not_move_are_enough() -> None:
    (found,) = findings(readings(((*LOCK, FIRST), 1), ((*LOCK, SECOND), 1)))

    assert (found.fault, found.confidence) == ("deadlock", CERTAIN)
    assert "2 goroutines wait at main.refund (checkout/main.go:40) and main.transfer" in found.claim
    assert "two snapshots" in found.verify


def test_who_works_under_the_lock_will_release_it() -> None:
    held = readings(((*LOCK, FIRST), 3), ((*SLEEP, UNDER), 1))

    assert "deadlock" not in classes(held)


def test_who_waits_for_a_goroutine_under_the_lock_will_not() -> None:
    assert classes(readings(((*LOCK, FIRST), 3), ((*CHAN_SEND, UNDER), 1))) == ["deadlock"]


def test_a_lock_that_was_got_meanwhile_is_none() -> None:
    """Each of twelve workers waits again and again: the same goroutines in the same call, but the lock moves."""
    waits = (block(((*LOCK, FIRST), 100, 24.0)), block(((*LOCK, FIRST), 220, 52.0)))
    delays = (mutex(((UNLOCK, FIRST), 24.0)), mutex(((UNLOCK, FIRST), 52.0)))

    assert classes(readings(((*LOCK, FIRST), 12), block=waits, mutex=delays)) == ["lock-contention"]


def test_others_who_get_through_the_same_line_have_locks_of_their_own() -> None:
    waits = (block(((*LOCK, FIRST), 10, 0.2)), block(((*LOCK, FIRST), 30, 0.6)))
    (found,) = findings(readings(((*LOCK, FIRST), 6), block=waits))

    assert (found.fault, found.claim.split()[0]) == ("deadlock", "6")


def test_the_runtime_proves_it_where_no_second_reading_is() -> None:
    facts = facts_of("c", goroutine=goroutines(((*LOCK, FIRST), 4)), goroutineleak=leaks(((*LOCK, FIRST), 4)))

    assert [(found.fault, found.confidence) for found in findings(facts)] == [("deadlock", CERTAIN)]


def test_where_nobody_can_be_followed_a_crowd_must_not_shrink() -> None:
    crowd, fewer = goroutines(((*LOCK, FIRST, *SERVE), 14)), goroutines(((*LOCK, FIRST, *SERVE), 12))

    assert classes(twice("c", None, {"goroutine": crowd})) == ["deadlock"]
    assert "deadlock" not in classes(twice("c", None, {"goroutine": crowd}, {"goroutine": fewer}))
    assert "deadlock" not in classes(facts_of("c", goroutine=crowd))
