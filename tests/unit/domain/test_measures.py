from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import MilestoneRefused
from bot.domain.measures import Milestone, check_milestone, duration, measure

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORDER = (
    Milestone.STARTED,
    Milestone.DETECTED,
    Milestone.ACKNOWLEDGED,
    Milestone.LOCATED,
    Milestone.MITIGATED,
    Milestone.RESOLVED,
)
MINUTES = dict(zip(ORDER, (0, 2, 3, 5, 10, 60), strict=True))
ALL = {name.value: NOON + timedelta(minutes=minutes) for name, minutes in MINUTES.items()}


def test_measures_lie_between_their_milestones() -> None:
    assert {one.name: one.text for one in measure(ALL)} == {
        "MTTD": "2 min",
        "MTTA": "1 min",
        "Time to locate": "5 min",
        "MTTM": "10 min",
        "MTTR": "1 h",
    }


@pytest.mark.parametrize("missing", ORDER)
def test_what_was_never_recorded_is_never_zero(missing: Milestone) -> None:
    known = {name: at for name, at in ALL.items() if name != missing}
    for one in measure(known):
        is_unknown = missing in {one.since, one.until}
        assert (one.text == "not recorded", one.value is None) == (is_unknown, is_unknown)


def test_an_incident_without_milestones_has_no_measures() -> None:
    assert {one.text for one in measure({})} == {"not recorded"}


def test_a_moment_that_is_not_there_yet_is_refused() -> None:
    check_milestone({}, Milestone.DETECTED, NOON, NOON)
    with pytest.raises(MilestoneRefused, match="has not come yet"):
        check_milestone({}, Milestone.DETECTED, NOON + timedelta(microseconds=1), NOON)


# A rollback may mitigate before anything is acknowledged or located, and those two come in any order.
FREE = {
    frozenset({Milestone.ACKNOWLEDGED, Milestone.LOCATED}),
    frozenset({Milestone.ACKNOWLEDGED, Milestone.MITIGATED}),
    frozenset({Milestone.LOCATED, Milestone.MITIGATED}),
}


@pytest.mark.parametrize(("earlier", "later"), list(combinations(ORDER, 2)))
def test_milestones_keep_their_order(earlier: Milestone, later: Milestone) -> None:
    now = NOON + timedelta(days=1)
    check_milestone({earlier: NOON}, later, NOON, now)
    check_milestone({later: NOON}, earlier, NOON, now)
    if frozenset({earlier, later}) in FREE or (earlier, later) in UNORDERED:
        check_milestone({earlier: NOON}, later, NOON - timedelta(seconds=1), now)
        return
    with pytest.raises(MilestoneRefused, match=f"{later.value} .* would come before {earlier.value}"):
        check_milestone({earlier: NOON}, later, NOON - timedelta(seconds=1), now)
    with pytest.raises(MilestoneRefused, match="/incident milestone"):
        check_milestone({later: NOON}, earlier, NOON + timedelta(seconds=1), now)


# Held by way of the one between them when that is recorded.
UNORDERED = {(Milestone.STARTED, Milestone.ACKNOWLEDGED), (Milestone.STARTED, Milestone.LOCATED)}


def test_a_milestone_may_be_corrected() -> None:
    check_milestone(ALL, Milestone.MITIGATED, NOON + timedelta(minutes=20), NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.9, "0 s"),
        (41, "41 s"),
        (60, "1 min"),
        (252, "4 min 12 s"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (3_601, "1 h"),
        (86_400 * 2 + 3_600 * 3, "2 d 3 h"),
        (86_400, "1 d"),
        (86_399, "23 h 59 min"),
    ],
)
def test_durations_read_as_people_write_them(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_a_duration_has_at_most_two_units_and_is_never_empty(value: timedelta) -> None:
    assert 2 <= len(duration(value).split()) <= 4
