"""Leaks that the runtime cannot prove: crowds that only grow."""

from bot.domain.faults.finding import CERTAIN, LIKELY
from tests.unit.domain.captures import (
    CHAN_RECEIVE,
    CHAN_SEND,
    SELECT,
    document,
    dump_of,
    facts_of,
    goroutines,
    leaks,
    twice,
)
from tests.unit.domain.faults.found import ACCEPT, CALL, classes, findings
from tests.unit.domain.go_profiles import SERVE, main_frame

PUBLISH = main_frame("publish", 51)


def reading(number: int, clients: int = 5) -> dict[str, bytes]:
    return {
        "goroutine": goroutines(((*CHAN_SEND, PUBLISH), number)),
        "goroutine-dump": dump_of([("chan send", [PUBLISH], number)]),
        "sockets": document({"states": {"ESTABLISHED": clients}}),
    }


def test_a_crowd_that_only_grows_and_of_which_nobody_goes_on_is_a_leak() -> None:
    (found,) = findings(twice("c", None, reading(90), reading(102)))

    assert (found.fault, found.confidence) == ("goroutine-leak", LIKELY)
    assert "12 more than 2.5 s before" in found.claim
    assert "main.publish (checkout/main.go:51)" in found.fix


def test_what_grows_with_the_clients_serves_them() -> None:
    assert classes(twice("c", None, reading(90, 90), reading(102, 102))) == []


def test_work_that_comes_and_goes_is_none() -> None:
    """Others are there now: who was there before has ended."""
    later = reading(102) | {"goroutine-dump": dump_of([("chan send", [main_frame("publish", 52)], 102)])}

    assert classes(twice("c", None, reading(90), later)) == []


def test_parked_workers_do_not_grow() -> None:
    assert classes(twice("c", None, reading(3_000))) == []
    assert classes(facts_of("c", None, **reading(3_000))) == []


def test_parked_workers_at_one_target_of_several_are_none() -> None:
    others = [facts_of(name, goroutine=goroutines(((*CHAN_SEND, PUBLISH), 9))) for name in "ab"]

    assert classes(twice("c", None, reading(3_000)), *others) == []
    assert classes(twice("c", None, reading(2_998), reading(3_000)), *others) == []
    assert classes(facts_of("c", None, **reading(3_000)), *others) == ["goroutine-leak"]


def test_requests_that_wait_are_no_leak() -> None:
    first, second = (goroutines(((*CHAN_RECEIVE, PUBLISH, *SERVE), number)) for number in (90, 110))

    assert classes(twice("c", None, {"goroutine": first}, {"goroutine": second})) == []


def test_a_healthy_time_tells_a_crowd_that_was_not_there() -> None:
    before = facts_of("c", goroutine=goroutines(((*CHAN_SEND, PUBLISH), 20)))

    assert classes(facts_of("c", None, **reading(900)), baseline=before) == ["goroutine-leak"]


def test_twenty_proven_among_thousands_are_enough() -> None:
    facts = facts_of(
        "c",
        goroutine=goroutines(((*CHAN_RECEIVE, main_frame("work", 3)), 5_000), ((*CHAN_SEND, PUBLISH), 21)),
        goroutineleak=leaks(((*CHAN_SEND, PUBLISH), 21)),
    )

    assert [(found.fault, found.confidence) for found in findings(facts)] == [("goroutine-leak", CERTAIN)]


def test_requests_for_which_no_connection_came_are_a_leak() -> None:
    def calls(number: int) -> dict[str, bytes]:
        stack = (*SELECT, main_frame("watch", 40), *CALL)
        return reading(0) | {
            "goroutine": goroutines((stack, number), (ACCEPT, 1)),
            "goroutine-dump": dump_of([("select", stack[2:], number)]),
        }

    (found,) = findings(twice("c", None, calls(90), calls(110)))

    assert found.fault == "goroutine-leak"
    assert "110 goroutines wait at one place for which no connection came, 20 more" in found.claim
