from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.incident import Incident, Severity
from bot.domain.outcomes import NAMES, Outcome, groups, monday, panels, shares, together, weeks
from bot.domain.timeline import Person

WEDNESDAY = datetime(2026, 3, 4, 23, 59, tzinfo=UTC)


def outcome(number: int = 1, verdict: str = "", opened_at: datetime = WEDNESDAY, **minutes: float) -> Outcome:
    milestones = {name: opened_at + timedelta(minutes=after) for name, after in minutes.items()}
    return Outcome.of(
        Incident(
            f"INC-{number}", "", Severity.SEV2, opened_at, Person("U1", "A"), milestones=milestones, verdict=verdict
        )
    )


def test_medians_are_of_what_was_recorded() -> None:
    told = [
        outcome(started=0, detected=1, acknowledged=3, located=2, resolved=60),
        outcome(started=0, detected=3, mitigated=20),
        outcome(started=0, detected=2, resolved=30),
        outcome(),
    ]
    group = together("checkout", told)
    assert (group.name, group.count) == ("checkout", 4)
    assert dict(zip(NAMES, group.medians, strict=True)) == {
        "MTTD": timedelta(minutes=2),
        "MTTA": timedelta(minutes=2),
        "Time to locate": timedelta(minutes=2),
        "MTTM": timedelta(minutes=20),
        "MTTR": timedelta(minutes=45),
    }
    assert group.recorded == (3, 1, 1, 1, 2)
    assert together("", []).medians == (None,) * 5


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (WEDNESDAY, date(2026, 3, 2)),
        (datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), date(2026, 2, 23)),
        (datetime(2026, 1, 1, tzinfo=UTC), date(2025, 12, 29)),
        (datetime(2026, 3, 8, 23, 59, 59, 999999, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(1970, 1, 1, tzinfo=UTC), date(1969, 12, 29)),
    ],
)
def test_a_week_begins_on_monday(at: datetime, day: date) -> None:
    assert monday(outcome(opened_at=at)) == day


def test_a_week_without_incidents_is_there_too() -> None:
    told = [outcome(opened_at=WEDNESDAY - timedelta(weeks=2)), outcome(), outcome()]
    by_week = weeks(told, date(2026, 2, 18), date(2026, 3, 4))
    assert [(week.name, week.count) for week in by_week] == [("2026-02-16", 1), ("2026-02-23", 0), ("2026-03-02", 2)]


def test_shares_name_the_most_frequent_first_and_no_verdict_last() -> None:
    told = [
        outcome(number, verdict) for number, verdict in enumerate(("", "", "", "deadlock", "tls-chain", "deadlock"))
    ]
    assert [(each.verdict, each.count, each.latest) for each in shares(told)] == [
        ("deadlock", 2, ("INC-5", "INC-3")),
        ("tls-chain", 1, ("INC-4",)),
        ("", 3, ("INC-2", "INC-1", "INC-0")),
    ]
    assert sum(each.share for each in shares(told)) == pytest.approx(1)
    assert shares([]) == []


def test_what_nobody_recorded_is_not_drawn() -> None:
    told = [outcome(started=0, mitigated=30), outcome(opened_at=WEDNESDAY - timedelta(weeks=1))]
    drawn = panels(weeks(told, date(2026, 2, 23), date(2026, 3, 4)))
    assert [(panel.title, panel.values) for panel in drawn] == [
        ("incidents per week", (1.0, 1.0)),
        ("MTTM, median, min", (None, 30.0)),
    ]
    assert panels(weeks([], date(2026, 2, 23), date(2026, 3, 4))) == ()
    assert panels(weeks(told[:1], date(2026, 3, 4), date(2026, 3, 4))) == ()


def test_groups_keep_their_order() -> None:
    told = [outcome(1, "b"), outcome(2, "a"), outcome(3, "b")]
    assert {key: [each.id for each in of] for key, of in groups(told, lambda each: each.verdict).items()} == {
        "b": ["INC-1", "INC-3"],
        "a": ["INC-2"],
    }
