"""The digest: conditions with weights, news against the last one, one line when there is nothing to say."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.conditions import Condition, ServiceSight, TargetSight, conditions, of_incidents
from bot.domain.digest import SHOWN, Seen, compare, count_incidents, period, write
from bot.domain.fronts import Certificate, Flaw
from bot.domain.incident import Incident, Severity, Status
from bot.domain.snapshot import Probe
from bot.domain.timeline import Person
from bot.domain.usual import Habit, Usual
from tests.fakes import NOON

ADA = Person("U1", "Ada")
CERTIFICATE = "checkout-1: its certificate"
GOOD, HALF, DOWN = (
    Probe("checkout-1", 4, (("200", 4),), 3.0, 5.0),
    Probe("checkout-1", 4, (("200", 2), ("503", 2)), 3.0, 5.0),
    Probe("checkout-1", 4, (("503", 4),), 3.0, 5.0),
)
USUAL = Usual(
    {"checkout-1": {"goroutines": Habit((40.0, 42.0, 41.0), NOON)}, "": {"latency": Habit((10.0,) * 3, NOON)}}
)


def sight(
    *, ratio: float | None = None, latency: float | None = None, flaws: tuple[Flaw, ...] = (), **target: Any
) -> ServiceSight:
    seen = TargetSight("checkout-1", **{"probe": GOOD, **target})
    numbers = {} if latency is None else {"latency": latency}
    return ServiceSight("checkout", (seen,), ratio, numbers, flaws=flaws)


def expiring(**left: float) -> Certificate:
    return Certificate("checkout-1", NOON + timedelta(**left))


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (sight(probe=DOWN), "checkout-1 answers 4 x 503 in 3 ms (max 5 ms)"),
        (sight(probe=HALF), "checkout-1 answers 2 x 200, 2 x 503 in 3 ms (max 5 ms)"),
        (
            sight(probe=DOWN, reason="no"),
            "checkout-1 answers 4 x 503 in 3 ms (max 5 ms); it could not be examined: no",
        ),
        (sight(reason="nothing listens"), "checkout-1 could not be examined: nothing listens"),
        (sight(certificate=expiring(days=12.5)), f"{CERTIFICATE} expires in 12 days, on 2026-03-14 00:00 UTC"),
        (sight(certificate=expiring(days=1.5)), f"{CERTIFICATE} expires in 1 day, on 2026-03-03 00:00 UTC"),
        (sight(certificate=expiring(hours=2)), f"{CERTIFICATE} expires in 2 h, on 2026-03-01 14:00 UTC"),
        (sight(certificate=expiring(hours=-2)), f"{CERTIFICATE} expired 2 h ago, on 2026-03-01 10:00 UTC"),
        (sight(certificate=Certificate("checkout-1", error="no TLS")), "checkout-1: no TLS"),
        (sight(numbers={"goroutines": 5100.0}), "checkout-1: 5100 goroutines, usually 41"),
        (sight(latency=80.0), "checkout: 80 ms at the 95th percentile, usually 10 ms"),
        (sight(ratio=0.062), "checkout: 6.2 % of requests fail"),
        (sight(flaws=(Flaw("edge:u:a", "stale", "u is stale"),)), "u is stale"),
        (replace(sight(), metrics="no answer"), "checkout: no metrics: no answer"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_said(seen: ServiceSight, text: str) -> None:
    assert [each.text for each in conditions(seen, USUAL, NOON)] == [text]


@pytest.mark.parametrize(
    "seen",
    [
        sight(),
        sight(probe=Probe("checkout-1", 0, error="no url")),
        sight(ratio=0.009, latency=12.0, numbers={"goroutines": 90.0}),
        sight(certificate=expiring(days=22)),
        sight(certificate=Certificate("checkout-1")),
    ],
)
def test_what_is_well_is_not_said(seen: ServiceSight) -> None:
    assert conditions(seen, USUAL, NOON) == []


def test_targets_that_run_different_builds_are_named() -> None:
    targets = tuple(TargetSight(f"c-{n}", GOOD, build="aaaaaaa" if n else "bbbbbbb") for n in range(6))
    (found,) = conditions(ServiceSight("checkout", targets), USUAL, NOON)
    assert found.text == "checkout runs 2 builds: aaaaaaa on c-1, c-2, c-3 and 2 more; bbbbbbb on c-0"


def incident(
    number: int = 1, status: Status = Status.OPEN, age: timedelta = timedelta(hours=51), **more: Any
) -> Incident:
    return Incident(f"INC-{number}", "slow", Severity.SEV2, NOON - age, ADA, status, **more)


def test_open_incidents_come_first_with_their_age_and_closed_ones_do_not() -> None:
    (found,) = of_incidents([incident(), incident(2, Status.RESOLVED), incident(3, Status.CLOSED)], NOON)
    assert found.text == "INC-1 SEV2 is open for 2 d 3 h: slow; nobody commands"
    assert found.weight > max(
        each.weight for each in conditions(sight(probe=DOWN, certificate=expiring(days=-1)), USUAL, NOON)
    )


def condition(key: str = "a", grade: str = "x", weight: int = 50, over: str = "a is over") -> Condition:
    return Condition(key, grade, weight, f"{key} is {grade}", over)


def lines(now: list[Condition], before: list[Condition]) -> list[str]:
    _, seen = compare(before, None, NOON - timedelta(days=1))
    return [str(line) for line in compare(now, seen, NOON)[0]]


def test_new_changed_lasting_and_ended_are_told_apart() -> None:
    assert lines([condition()], []) == ["New: a is x"]
    assert lines([condition()], [condition()]) == ["Still: a is x (since 2026-02-28 12:00 UTC)"]
    assert lines([condition(grade="y")], [condition()]) == ["Changed: a is y"]
    assert lines([], [condition()]) == ["Over: a is over"]
    assert lines([], []) == []


def test_the_most_important_comes_first_and_news_before_what_lasts() -> None:
    before = [condition("b")]
    now = [condition("b"), condition("a"), condition("worst", weight=90)]
    assert [line.partition(" is")[0] for line in lines(now, before)] == ["New: worst", "New: a", "Still: b"]


def test_what_lasts_keeps_the_moment_it_began() -> None:
    _, first = compare([condition()], None, NOON - timedelta(days=3))
    _, second = compare([condition(grade="y")], first, NOON - timedelta(days=1))
    assert second.conditions[0].since == NOON - timedelta(days=3)


def test_nothing_to_say_is_one_line_and_changes_nothing() -> None:
    digest, seen = write([sight()], [], Seen(NOON), NOON, "")
    assert not digest.changed
    assert digest.text("Shop") == "*Shop*: nothing to say. 1 service, 1 target, 1 of them probed: all well."
    assert seen.conditions == ()


def test_a_lasting_trouble_is_shown_but_is_no_change() -> None:
    first, seen = write([], [condition()], None, NOON, "")
    again, _ = write([], [condition()], seen, NOON, "")
    healed, _ = write([], [], seen, NOON, "")
    assert [digest.changed for digest in (first, again, healed)] == [True, False, True]
    heads = [digest.text("Shop").splitlines()[0] for digest in (first, again, healed)]
    assert heads == ["*Shop*: 1 new", "*Shop*: 1 as before", "*Shop*: 1 over"]


def test_another_build_is_news_once() -> None:
    old, new = sight(build="aaaaaaa"), sight(build="bbbbbbb")
    _, seen = write([old], [], None, NOON, "")
    digest, seen = write([new], [], seen, NOON, "")
    assert [str(line) for line in digest.lines] == ["New: checkout runs build bbbbbbb, before aaaaaaa"]
    assert write([new], [], seen, NOON, "")[0].lines == ()


def test_a_long_digest_is_cut_and_says_so() -> None:
    digest, _ = write([], [condition(str(n)) for n in range(SHOWN + 5)], None, NOON, "")
    assert digest.text("Shop").splitlines()[-2:] == [
        "… and 5 more",
        "Looked at 0 services, 0 targets.",
    ]


def test_incidents_of_the_period_are_measured_against_the_period_before() -> None:
    def acknowledged(number: int, hours: float, minutes: float) -> Incident:
        opened = NOON - timedelta(hours=hours)
        times = {"started": opened, "detected": opened, "acknowledged": opened + timedelta(minutes=minutes)}
        return incident(number, Status.RESOLVED, timedelta(hours=hours), milestones=times)

    found = [acknowledged(1, 2, 2), acknowledged(2, 3, 4), acknowledged(3, 30, 10), acknowledged(4, 90, 60)]
    said = count_incidents([*found, incident(5, age=timedelta(hours=1))], NOON, timedelta(hours=24))
    assert said == "3 incidents in the last 24 h, 1 before. MTTA 3 min (before 10 min). 1 of them not resolved."
    assert count_incidents([], NOON, timedelta(hours=24)) == ""


def test_the_period_is_the_time_since_the_last_digest_within_reason() -> None:
    assert period(None, NOON) == timedelta(hours=24)
    assert period(Seen(NOON - timedelta(minutes=5)), NOON) == timedelta(hours=24)
    assert period(Seen(NOON - timedelta(days=7)), NOON) == timedelta(days=7)
    assert period(Seen(NOON - timedelta(days=400)), NOON) == timedelta(days=31)
