"""Restarts by probes: found where the probes are at fault, and not where they are right or nobody was ended by them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.facts import Crowd, Facts
from bot.domain.faults import Beside, probe_loop
from bot.domain.faults.finding import CERTAIN, LIKELY, Finding
from bot.domain.restarts import Asked, Life, ProbeSpec, Restarts, Told
from bot.domain.stacks import Frame

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
LIVE = ProbeSpec(initial_delay_s=5, period_s=10, timeout_s=1, failures=3, kind="http", path="/livez", port=8080)
READY = replace(LIVE, path="/readyz")
AWAY = Asked(503, 0.003, "redis: dial tcp 10.0.0.9:6379: connect: connection refused")
DOWN = Asked(503, 0.003, "down")
WELL = Asked(200, 0.002, "ok")
SLOW = Asked(0, 3.5, "no answer within 3.5 s")
PING = Frame("main.(*health).pingRedis", "main.go", 41)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def missed(probe: str, how: str, count: int = 6, last_s: float = -20) -> Told:
    said = {
        "refused": "dial tcp 10.1.2.3:8080: connect: connection refused",
        "timeout": "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    }.get(how, f"HTTP probe failed with statuscode: {how}")
    return Told("Unhealthy", probe, count, at(-200), at(last_s), f"{probe} probe failed: {said}")


def killed(probe: str = "liveness", count: int = 3) -> Told:
    return Told("Killing", probe, count, at(-150), at(-20), f"Container c failed {probe} probe, will be restarted")


FAILED = (missed("liveness", "503"), missed("readiness", "503"), killed())
POD = Restarts(
    pod="checkout-7f",
    container="checkout",
    count=3,
    ready=False,
    state="running",
    ready_changed_at=at(-190),
    last=Life(143, "Error", at(-60), at(-20)),
    liveness=LIVE,
    readiness=READY,
    told=FAILED,
    live=AWAY,
    well=AWAY,
    at=NOW,
)
STARTING = replace(
    POD,
    told=(missed("liveness", "refused"), killed()),
    last=Life(137, "Error", at(-48), at(-20)),
    live=Asked(0, 0.001, "nobody listens"),
    well=Asked(0, 0.001, "nobody listens"),
)


def facts(pod: Restarts, **more: Any) -> Facts:
    return Facts("checkout-1", restarts=pod, files=(("restarts", "checkout-1/restarts.json"),), **more)


def find(pod: Restarts, *others: Restarts, **more: Any) -> Finding | None:
    return probe_loop.find(facts(pod, **more), Beside([Facts("checkout-2", restarts=each) for each in others]))


def waiting(function: str, state: str = "IO wait") -> tuple[Crowd, ...]:
    frame = Frame(function, "main.go", 41)
    return (Crowd(frame, state, request=True, count=2, path=(frame,)),)


def test_a_liveness_that_says_whom_it_cannot_reach_is_certain() -> None:
    found = find(POD)
    assert found is not None
    assert (found.fault, found.confidence) == ("probe-loop", CERTAIN)
    assert "ended checkout 3 times" in found.claim
    assert "/livez answers 503 in 3 ms: `redis: dial tcp 10.0.0.9:6379: connect: connection refused`" in found.claim
    assert "ask for 10.0.0.9:6379 in /readyz" in found.fix
    assert ("its last end", "02:59:40 UTC, exit code 143 (Error) after 40 s") in [
        (e.what, e.value) for e in found.evidence
    ]
    assert {each.artifact for each in found.evidence} == {"checkout-1/restarts.json"}


def test_an_answer_that_takes_as_long_as_a_dependency_is_certain_where_the_waiting_is_seen() -> None:
    pod = replace(POD, live=SLOW, well=SLOW, told=(missed("liveness", "timeout"), killed()))
    found = find(pod, crowds=waiting(PING.function), pace_s=0.004)
    assert found is not None
    assert found.confidence == CERTAIN
    assert "takes 3.5 s where the probe waits 1 s, and waits at" in found.claim
    unnamed = find(pod, crowds=waiting("main.(*shop).load"), pace_s=0.004)
    assert unnamed is not None
    assert unnamed.confidence == LIKELY


@pytest.mark.parametrize("lives", [LIVE, replace(LIVE, failures=1)])
def test_replicas_that_are_ended_at_the_same_time_have_something_in_common(lives: ProbeSpec) -> None:
    pod = replace(POD, live=DOWN, well=DOWN, liveness=lives)
    alone, both = find(pod), find(pod, replace(pod, last=Life(143, "Error", at(-70), at(-25))))
    assert alone is not None
    assert both is not None
    assert (alone.confidence, both.confidence) == (LIKELY, CERTAIN)
    assert "So it is with checkout-2." in both.claim


def test_without_a_readiness_probe_there_is_none_to_fail_with_it() -> None:
    found = find(replace(POD, readiness=None, well=None, told=FAILED[::2]))
    assert found is not None
    assert found.confidence == CERTAIN
    assert "a readinessProbe of its own" in found.fix


def test_what_waits_to_be_started_again_is_told_by_what_was_seen_of_it() -> None:
    gone = replace(
        POD, state="waiting", waiting_for="CrashLoopBackOff", live=Asked(0, 0.0, "nobody listens"), well=None
    )
    found = find(gone)
    assert found is not None
    assert found.confidence == LIKELY
    hung = replace(gone, told=(missed("liveness", "timeout"), missed("readiness", "timeout"), killed()))
    assert find(hung) is not None
    assert find(replace(hung, ready_changed_at=at(-30))) is None  # a start did help: it may have hung itself


def test_a_start_that_takes_longer_than_its_probe_allows() -> None:
    found = find(STARTING)
    assert found is not None
    assert found.confidence == CERTAIN
    assert "the last time before it was ready: after 28 s it did not listen yet, and 35 s are allowed." in found.claim
    assert "failureThreshold 8" in found.fix


def test_a_startup_probe_may_be_too_short_too() -> None:
    start = replace(LIVE, period_s=5, failures=4)
    told = (missed("startup", "503"), killed("startup"))
    found = find(replace(STARTING, startup=start, told=told, last=Life(143, "Error", at(-42), at(-20))))
    assert found is not None
    assert found.confidence == LIKELY  # it listened: what it waits for is its own to say
    assert "Its startup probe ended checkout 3 times" in found.claim
    assert "after 22 s it was not well yet, and 25 s are allowed." in found.claim


HEALTHY = {
    "it is not in a cluster": None,
    "it never restarted": replace(POD, count=0, last=None, live=WELL, well=WELL, ready=True, told=()),
    "its dependency is back": replace(POD, live=WELL, well=WELL, ready=True),
    "it lives, and only is not ready": replace(POD, live=WELL),
    "it ran out of memory": replace(POD, last=Life(137, "OOMKilled", at(-60), at(-20))),
    "it panicked": replace(POD, last=Life(2, "Error", at(-60), at(-20)), told=()),
    "it panicked while probes failed": replace(POD, last=Life(2, "Error", at(-60), at(-20)), told=FAILED[:2]),
    "it was ended by a person": replace(POD, last=Life(143, "Error", at(-60), at(-20)), told=()),
    "it is scaled down": replace(POD, deleting=True),
    "its last end was long ago": replace(POD, last=Life(143, "Error", at(-9000), at(-8000)), told=()),
    "it was killed yesterday": replace(
        POD,
        last=Life(143, "Error", at(-90_000), at(-86_400)),
        told=(Told("Killing", "liveness", 1, at(-86_401), at(-86_401)),),
    ),
    "it hangs, and liveness is right": replace(
        POD, live=SLOW, well=SLOW, ready_changed_at=at(-25), told=(missed("liveness", "timeout"), killed())
    ),
    "its own watchdog barked once": replace(
        POD, live=DOWN, well=WELL, told=(missed("liveness", "503"), killed(count=1))
    ),
    "it was once restarted at its start": replace(STARTING, live=WELL, well=WELL, ready=True),
    "it listened for hours before it hung": replace(STARTING, last=Life(137, "Error", at(-9000), at(-20))),
}


@pytest.mark.parametrize("why", HEALTHY)
def test_what_is_well_or_ended_for_another_reason_is_left_alone(why: str) -> None:
    pod = HEALTHY[why]
    assert probe_loop.find(Facts("checkout-1", restarts=pod), Beside()) is None


def test_who_hangs_at_a_lock_is_not_taken_for_one_who_waits_for_others() -> None:
    pod = replace(POD, live=SLOW, well=SLOW, ready_changed_at=at(-25), told=(missed("liveness", "timeout"), killed()))
    assert find(pod, crowds=waiting("main.(*health).live", "sync.Mutex.Lock"), pace_s=0.004) is None
