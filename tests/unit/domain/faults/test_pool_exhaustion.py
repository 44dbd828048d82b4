"""A pool: who waits for a place, who holds one, and whom it harms."""

import pytest

from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.snapshot import Probe
from bot.domain.stacks import Frame
from tests.unit.domain.captures import (
    CHAN_RECEIVE,
    CHAN_SEND,
    LOCK,
    SELECT,
    SLEEP,
    block,
    document,
    dump_of,
    facts_of,
    failed_probe,
    good_probe,
    goroutines,
    twice,
)
from tests.unit.domain.faults.found import ACCEPT, AFTER, CALL, HANDLE, TAKE, WAITING, classes, findings
from tests.unit.domain.go_profiles import SERVE, main_frame

SUBSCRIBER = main_frame("(*hub).follow", 9)


def queue(waiting: int, held: int) -> dict[str, bytes]:
    return {"goroutine": goroutines(((*SELECT, *WAITING), waiting), ((*SLEEP, *AFTER), held))}


def waited(times: int, seconds: float) -> dict[str, bytes]:
    return {"block": block(((*SELECT, *WAITING), 10 + times, 1.0 + seconds))}


@pytest.mark.parametrize("probe", [None, failed_probe("c")])
def test_a_queue_whose_places_are_held_is_found_whether_users_are_asked_or_not(probe: Probe | None) -> None:
    first = queue(60, 8) | waited(0, 0.0)
    (found,) = findings(twice("c", probe, first, queue(60, 8) | waited(20, 30.0)))

    assert (found.fault, found.confidence) == ("pool-exhaustion", CERTAIN)
    assert "60 of 68 requests wait for their turn at main.(*shop).take (checkout/main.go:12)" in found.claim
    assert "main.(*shop).load (checkout/main.go:70) holds its place" in found.fix


def test_a_full_pool_that_is_quick_harms_nobody() -> None:
    first = queue(24, 8) | waited(0, 0.0)

    assert classes(twice("c", good_probe("c"), first, queue(26, 8) | waited(600, 18.0))) == []


def test_many_at_one_line_who_go_on_at_once_are_no_queue_even_where_users_suffer() -> None:
    busy = queue(24, 1) | waited(0, 0.0)

    assert classes(twice("c", failed_probe("c"), busy, queue(24, 1) | waited(1_300, 4.0))) == []


def test_subscribers_wait_for_events_and_hold_nothing() -> None:
    stack = (*CHAN_RECEIVE, SUBSCRIBER, *SERVE)
    dump = dump_of([("chan receive", [SUBSCRIBER, *SERVE], 400)])
    polls = {"goroutine": goroutines((stack, 400)), "goroutine-dump": dump}

    assert classes(twice("c", good_probe("c"), polls)) == []


def test_long_polls_at_one_target_of_several_are_none() -> None:
    polls = {"goroutine": goroutines(((*SELECT, SUBSCRIBER, *SERVE), 300))}
    others = [facts_of(name, good_probe(name), goroutine=goroutines(((*SELECT, HANDLE), 9))) for name in "ab"]

    assert classes(twice("c", good_probe("c"), polls), *others) == []
    assert classes(twice("c", failed_probe("c"), polls), *others) == ["pool-exhaustion"]


def test_nobody_followed_and_nothing_recorded_is_no_proof() -> None:
    assert classes(twice("c", good_probe("c"), queue(30, 8))) == []
    assert classes(twice("c", good_probe("c"), queue(30, 8), queue(45, 8))) == ["pool-exhaustion"]


def test_clients_that_leave_the_queue_do_not_hide_it() -> None:
    left = {"sockets": document({"states": {"CLOSE_WAIT": 50}})}

    assert classes(twice("c", failed_probe("c"), queue(60, 8) | left)) == ["pool-exhaustion"]


def test_answers_that_come_after_the_clients_have_gone_are_no_queue() -> None:
    stack = (*CHAN_RECEIVE, TAKE, HANDLE, *SERVE)
    late = {"goroutine": goroutines((stack, 96)), "sockets": document({"states": {"CLOSE_WAIT": 88}})}

    assert classes(twice("c", failed_probe("c"), late)) == ["timeout-mismatch"]


def test_jobs_that_wait_to_be_taken_by_workers_are_a_queue_inside_of_a_library() -> None:
    module = {"build": document({"go": "go1.27.3", "module": "checkout"})}
    put, got = (Frame("acme.dev/frame.(*Group).Do", "/lib/frame.go", line) for line in (45, 46))
    waiting, served = ((state, (call, HANDLE, *SERVE)) for state, call in ((CHAN_SEND, put), (CHAN_RECEIVE, got)))
    groups = {"goroutine": goroutines(*(((*state, *stack), n) for (state, stack), n in ((waiting, 40), (served, 6))))}

    assert classes(twice("c", failed_probe("c"), groups | module)) == ["pool-exhaustion"]


SQL = (*SELECT, Frame("database/sql.(*DB).conn"))


def test_places_that_were_never_given_back_have_no_holder() -> None:
    stack = (*CHAN_SEND, TAKE, *CALL)
    full = {
        "goroutine": goroutines((stack, 40), (ACCEPT, 1)),
        "goroutine-dump": dump_of([("chan send", stack[2:], 40)]),
    }
    (found,) = findings(twice("c", good_probe("c"), full))

    assert (found.fault, found.confidence) == ("pool-exhaustion", LIKELY)
    assert "40 of 40 requests wait for their turn at main.(*shop).take" in found.claim


def test_who_waits_for_the_answers_of_those_at_a_lock_only_follows() -> None:
    fan = (*SELECT, *WAITING)
    behind = goroutines((fan, 30), ((*LOCK, main_frame("(*ledger).book", 71), main_frame("work", 9)), 20))

    assert "pool-exhaustion" not in classes(twice("c", failed_probe("c"), {"goroutine": behind}))
    computing = goroutines((fan, 30), ((main_frame("table", 46), *SERVE), 33))
    assert "pool-exhaustion" not in classes(twice("c", failed_probe("c"), {"goroutine": computing}))
    assert classes(twice("c", failed_probe("c"), {"goroutine": goroutines((fan, 30))})) == ["pool-exhaustion"]


def test_goroutines_that_wait_for_a_connection_on_behalf_of_requests_are_the_queue() -> None:
    groups = goroutines(((*SQL, main_frame("load", 61), main_frame("crew", 9)), 60), ((*SELECT, *WAITING), 80))
    (found,) = findings(twice("c", failed_probe("c"), {"goroutine": groups}))

    assert "60 goroutines, beside 80 requests, wait for their turn at main.load" in found.claim
    assert classes(twice("c", good_probe("c"), {"goroutine": groups})) == []


@pytest.mark.parametrize(
    ("p50_ms", "seconds", "expected"), [(190.0, 3.0, ["pool-exhaustion"]), (190.0, 0.3, []), (4.0, 3.0, [])]
)
def test_a_connection_that_each_request_waits_for_in_turn_makes_no_queue(
    p50_ms: float, seconds: float, expected: list[str]
) -> None:
    stack = (*SQL, *WAITING)
    first, second = ({"block": block((stack, 10 + more, 1.0 + lost))} for more, lost in ((0, 0.0), (50, seconds)))

    assert classes(twice("c", good_probe("c", p50_ms), first, second)) == expected
