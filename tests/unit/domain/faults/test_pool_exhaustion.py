"""A pool: who waits for a place, who holds one, and whom it harms."""

import pytest

from bot.domain.faults.finding import CERTAIN
from bot.domain.snapshot import Probe
from bot.domain.stacks import Frame
from tests.unit.domain.captures import (
    CHAN_RECEIVE,
    CHAN_SEND,
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
from tests.unit.domain.faults.found import AFTER, HANDLE, TAKE, WAITING, classes, findings
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
