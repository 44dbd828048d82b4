"""Requests that a router loses at a target that was taken away."""

from dataclasses import replace

import pytest

from bot.domain.backends import Asked, Routed
from bot.domain.facts import Facts, Loss, Process, Sockets
from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.faults.lost_connections import FAULT
from bot.domain.snapshot import Probe
from tests.unit.domain.captures import good_probe
from tests.unit.domain.faults.found import classes, findings

LOST = Routed(
    "envoy", "checkout-baseline/127.0.0.1:8441", "healthy", 3.2, 56, 54, 54, 170, Asked(20, 7, "answered 503")
)
REFUSED = Probe("c", 5, (("no answer", 5),), error="c: nothing listens on http://127.0.0.1:8441: is the process up?")
GONE = Facts(
    "c", probe=REFUSED, sockets=Sockets((("TIME_WAIT", 3),)), routed=LOST, files=(("sockets", "c/sockets.json"),)
)


def test_a_router_that_sends_where_nothing_listens_loses_what_it_sends() -> None:
    (found,) = findings(GONE)

    assert (found.fault, found.confidence, found.weight) == (FAULT, CERTAIN, 54 / 170)
    assert found.claim == (
        "Nothing listens there, and the router still sends to it: 54 of 170 requests were lost in 3.2 s "
        "(54 connections refused); envoy has checkout-baseline/127.0.0.1:8441 as healthy."
    )
    assert [(each.value, each.artifact) for each in found.evidence[:4]] == [
        ("54 of 56", "router.json"),
        ("32 %", "router.json"),
        ("7 of 20 failed (answered 503)", "router.json"),
        ("no", "c/sockets.json"),
    ]
    assert "let readiness fail first" in found.fix
    assert "between two readings" in found.verify


def test_haproxy_is_told_in_its_own_words_to_leave_the_target_alone() -> None:
    (found,) = findings(replace(GONE, routed=replace(LOST, router="haproxy", backend="checkout/c", state="no check")))

    assert "`set server checkout/c state maint` on its socket" in found.fix
    assert found.claim.endswith("haproxy has checkout/c as no check.")


@pytest.mark.parametrize(
    "facts",
    [
        replace(GONE, probe=None),
        replace(
            GONE, probe=None, sockets=None, losses=(Loss("goroutine", "failed", "c: nothing listens on http://c:1"),)
        ),
        replace(GONE, sockets=Sockets((("LISTEN", 1),))),
    ],
    ids=["by its kernel", "by who asked it", "only its users' port is closed"],
)
def test_that_it_is_gone_is_known_by_whoever_can_tell(facts: Facts) -> None:
    assert classes(facts) == [FAULT]


def test_a_single_refused_connection_is_enough_and_where_the_router_tries_again_users_may_not_see_it() -> None:
    (found,) = findings(replace(GONE, routed=replace(LOST, failed=1, refused=1, front=Asked())))
    (seen,) = findings(replace(GONE, routed=replace(LOST, front=Asked(20, 0))))

    assert (found.confidence, seen.confidence) == (CERTAIN, LIKELY)


def test_a_restart_under_requests_loses_them_too() -> None:
    back = Facts("c", goroutines=9, probe=good_probe("c"), process=Process(7, uptime_s=2.0))
    (found,) = findings(replace(back, routed=replace(LOST, failed=9, refused=8)))

    assert found.confidence == LIKELY
    assert found.claim.startswith(
        "It was restarted under its requests: 9 of 170 requests were lost in 3.2 s (8 connections"
    )
    assert found.fix.startswith("Before the next stop")


@pytest.mark.parametrize(
    "facts",
    [
        replace(GONE, routed=None),
        replace(GONE, routed=replace(LOST, sent=0, failed=0, refused=0)),
        replace(GONE, routed=replace(LOST, failed=2, refused=0)),
        Facts(
            "c", goroutines=9, probe=good_probe("c"), process=Process(7, uptime_s=2.0), routed=replace(LOST, failed=0)
        ),
        Facts(
            "c",
            goroutines=9,
            probe=good_probe("c"),
            process=Process(7, uptime_s=2.0),
            routed=replace(LOST, failed=18, refused=0),
        ),
        Facts("c", goroutines=9, probe=good_probe("c"), process=Process(7, uptime_s=900.0), routed=LOST),
        Facts("c", goroutines=9, probe=good_probe("c"), routed=LOST),
    ],
    ids=[
        "no router",
        "drained",
        "two clients left",
        "restarted and lost nothing",
        "young, and its answers are errors",
        "its own errors",
        "age unknown",
    ],
)
def test_who_was_drained_or_answers_is_left_alone(facts: Facts) -> None:
    assert classes(facts) == []
