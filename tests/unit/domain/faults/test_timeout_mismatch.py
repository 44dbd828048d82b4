"""Handlers that outlive their clients."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.snapshot import Probe
from bot.domain.stacks import Frame
from tests.unit.domain.captures import LOCK, SELECT, SLEEP, block, document, failed_probe, good_probe, goroutines, twice
from tests.unit.domain.faults.found import classes, findings
from tests.unit.domain.go_profiles import SERVE, main_frame

WORK = main_frame("search", 88)
READER = ("net/http.(*connReader).backgroundRead",)


def sockets(left: int) -> dict[str, bytes]:
    return {"sockets": document({"states": {"CLOSE_WAIT": left, "ESTABLISHED": 9}})}


def test_a_dozen_clients_that_gave_up_are_enough() -> None:
    (found,) = findings(twice("c", None, {"goroutine": goroutines(((*SLEEP, WORK, *SERVE), 16))} | sockets(12)))

    assert (found.fault, found.confidence) == ("timeout-mismatch", CERTAIN)
    assert "12 of 16 requests are worked on for clients that gave up (CLOSE_WAIT)" in found.claim


def test_clients_that_left_in_one_reading_only_were_noticed() -> None:
    working = {"goroutine": goroutines(((*SLEEP, WORK, *SERVE), 16))}

    assert classes(twice("c", None, working | sockets(12), sockets(1))) == []


def test_without_sockets_it_is_seen_by_who_no_longer_reads_ahead() -> None:
    alone = goroutines(((*SLEEP, WORK, *SERVE), 40), (READER, 6))
    attended = goroutines(((*SLEEP, WORK, *SERVE), 40), (READER, 40))

    assert [(found.fault, found.confidence) for found in findings(twice("c", None, {"goroutine": alone}))] == [
        ("timeout-mismatch", LIKELY)
    ]
    assert classes(twice("c", None, {"goroutine": attended})) == []


def test_who_waits_for_a_lock_or_computes_has_another_cause() -> None:
    for stack in ((*LOCK, WORK, *SERVE), (WORK, *SERVE)):
        facts = twice("c", None, {"goroutine": goroutines((stack, 16))} | sockets(12))
        assert "timeout-mismatch" not in classes(facts)


def test_requests_whose_connection_the_server_itself_has_closed_are_lost_too() -> None:
    def facts(probe: Probe, closed: int) -> Facts:
        waiting = goroutines(((*SELECT, Frame("net/http.(*persistConn).roundTrip"), WORK, *SERVE), 43))
        before, after = (document({"states": {"TIME_WAIT": 400 + more}}) for more in (0, closed))
        return twice("c", probe, {"goroutine": waiting, "sockets": before}, {"sockets": after})

    (found,) = findings(facts(failed_probe("c"), 63))
    assert "43 of 43 requests are worked on for clients that gave up (TIME_WAIT, 63 more" in found.claim
    assert classes(facts(failed_probe("c"), 0)) == []
    assert classes(facts(good_probe("c"), 63)) == []


ANSWER = Frame("net/http.(*persistConn).roundTrip")


def test_handlers_that_go_on_after_their_answer_was_given_up_are_counted_against_the_connections() -> None:
    """As http.TimeoutHandler runs them: in goroutines of their own, of which the connection waits for the latest."""
    inner = (*SELECT, ANSWER, WORK, Frame("net/http.HandlerFunc.ServeHTTP"), main_frame("budgeted", 9))
    outer = (*SELECT, main_frame("(*app).ServeHTTP", 59), *SERVE)

    def facts(number: int) -> Facts:
        return twice("c", failed_probe("c"), {"goroutine": goroutines((inner, number), (outer, 30))})

    (found,) = findings(facts(63))
    assert (found.fault, found.confidence) == ("timeout-mismatch", LIKELY)
    assert "33 of 93 requests are worked on for clients that gave up (http.TimeoutHandler" in found.claim
    assert "timeout-mismatch" not in classes(facts(31))
    attended = {"goroutine": goroutines((inner, 30), (outer, 30), (READER, 30))}
    assert "timeout-mismatch" not in classes(twice("c", failed_probe("c"), attended))


def test_helpers_that_take_longer_than_their_request_waits_outlive_it() -> None:
    asking = (*SELECT, main_frame("insurers.func1", 52), *SERVE)
    work = (*SELECT, ANSWER, main_frame("cover", 97), main_frame("insurers.func1.1", 60))

    def facts(probe: Probe, took_s: float) -> Facts:
        waits = [
            {"block": block((asking, 10 + more, 24.0 + 2.4 * more), (work, 10 + more, 35.0 + took_s * more))}
            for more in (0, 20)
        ]
        crowd = {"goroutine": goroutines((asking, 13), (work, 54))}
        return twice("c", probe, crowd | waits[0], waits[1])

    (found,) = findings(facts(failed_probe("c"), 3.5))
    assert found.fault == "timeout-mismatch"
    assert "answers take 3.5 s, and 2.4 s are waited for them" in found.claim
    assert "timeout-mismatch" not in classes(facts(failed_probe("c"), 2.4))
    assert classes(facts(good_probe("c"), 3.5)) == []
