"""Contention: a lock that moves, and what is lost at it."""

from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.stacks import Frame
from tests.unit.domain.captures import LOCK, SLEEP, block, facts_of, failed_probe, good_probe, goroutines, mutex, twice
from tests.unit.domain.faults.found import AFTER, UNLOCK, WAITING, classes, findings
from tests.unit.domain.go_profiles import SERVE, main_frame

PLACE, RELEASE = main_frame("(*store).put", 20), main_frame("(*store).put", 26)


def lost(waits: int, seconds: float) -> dict[str, bytes]:
    return {
        "mutex": mutex(((UNLOCK, RELEASE), 10.0 + seconds)),
        "block": block(((*LOCK, PLACE), 10 + waits, 10.0 + seconds)),
    }


def waiting(count: int, *below: Frame) -> dict[str, bytes]:
    return {"goroutine": goroutines(((*LOCK, PLACE, *below), count))}


def test_what_is_lost_in_every_second_needs_no_crowd() -> None:
    (found,) = findings(twice("c", None, lost(0, 0.0) | waiting(2, *SERVE), lost(100, 12.5)))

    assert (found.fault, found.confidence) == ("lock-contention", CERTAIN)
    assert "5.0 s are lost in every second, 125 ms each time" in found.claim
    assert "main.(*store).put (checkout/main.go:26)" in found.fix


def test_a_lock_that_nobody_is_seen_at_is_held_by_who_gets_no_cpu() -> None:
    assert classes(twice("c", failed_probe("c"), lost(0, 0.0), lost(5, 4.3))) == []
    assert classes(twice("c", None, lost(0, 0.0), lost(100, 12.5))) == []


def test_a_few_jobs_that_take_turns_at_a_slow_machine_harm_nobody() -> None:
    jobs = waiting(7) | lost(0, 0.0)

    assert classes(twice("c", good_probe("c"), jobs, lost(2, 21.0))) == []
    assert classes(twice("c", failed_probe("c"), jobs, lost(2, 21.0))) == ["lock-contention"]
    assert classes(twice("c", good_probe("c", 155.0), jobs, lost(2, 21.0))) == ["lock-contention"]


def test_a_busy_lock_that_is_waited_for_a_millisecond_harms_nobody() -> None:
    assert classes(twice("c", None, lost(0, 0.0), lost(8_000, 8.0))) == []


def test_a_lock_held_through_slow_work_is_seen_without_profiles() -> None:
    crowd = goroutines(((*LOCK, *WAITING), 30), ((*SLEEP, *AFTER), 1))
    (found,) = findings(twice("c", failed_probe("c"), {"goroutine": crowd}))

    assert (found.fault, found.confidence) == ("lock-contention", LIKELY)
    assert "main.(*shop).load" in found.fix


def test_one_reading_shows_a_crowd_and_no_movement() -> None:
    crowd = goroutines(((*LOCK, PLACE, *SERVE), 30))

    assert classes(facts_of("c", failed_probe("c"), goroutine=crowd)) == []
