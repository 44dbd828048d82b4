"""Slots follow from the cron line and the zone alone, over both changes of the clocks too."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.engine.slots import LOOK_BACK, Slots, name_of, slot_named


def between(cron: str, zone: str, after: str, until: str) -> list[str]:
    names = (name_of(slot) for slot in Slots(cron, zone).between(at(after), at(until)))
    return [name.removesuffix(":00Z") for name in names]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "after", "until", "slots"),
    [
        # 02:00 becomes 03:00 on 29 March: 02:30 does not exist and is due at 03:30 local time.
        ("Europe/Berlin", "2026-03-28T12:00", "2026-03-30T12:00", ["2026-03-29T01:30", "2026-03-30T00:30"]),
        # 03:00 becomes 02:00 on 25 October: 02:30 is there twice and due once.
        ("Europe/Berlin", "2026-10-24T12:00", "2026-10-26T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("America/New_York", "2026-03-07T12:00", "2026-03-09T12:00", ["2026-03-08T07:30", "2026-03-09T06:30"]),
        ("America/New_York", "2026-10-31T12:00", "2026-11-02T12:00", ["2026-11-01T07:30", "2026-11-02T07:30"]),
    ],
)
def test_a_fixed_hour_is_due_once_on_every_day(zone: str, after: str, until: str, slots: list[str]) -> None:
    assert between("30 2 * * *", zone, after, until) == slots


def test_the_doubled_hour_of_new_york_is_due_once() -> None:
    slots = between("30 1 * * *", "America/New_York", "2026-10-31T12:00", "2026-11-02T12:00")
    assert slots == ["2026-11-01T05:30", "2026-11-02T06:30"]


@pytest.mark.parametrize(
    ("zone", "after"),
    [
        ("Europe/Berlin", "2026-03-28T23:00"),
        ("Europe/Berlin", "2026-10-24T23:00"),
        ("America/New_York", "2026-03-08T04:00"),
        ("America/New_York", "2026-11-01T04:00"),
    ],
)
@pytest.mark.parametrize("cron", ["0 * * * *", "*/30 * * * *"])
def test_wildcard_hours_go_on_through_every_change(zone: str, after: str, cron: str) -> None:
    until = at(after) + timedelta(hours=6)
    slots = Slots(cron, zone).between(at(after), until)
    step = timedelta(minutes=60 if cron.startswith("0") else 30)
    assert slots == [at(after) + step * n for n in range(1, int(timedelta(hours=6) / step) + 1)]


def test_nine_in_the_morning_stays_nine_in_the_morning() -> None:
    assert between("0 9 * * *", "Europe/Berlin", "2026-10-24T00:00", "2026-10-25T23:00") == [
        "2026-10-24T07:00",
        "2026-10-25T08:00",
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("1-5", ["23", "24", "25", "26", "27"]),
        ("mon-fri", ["23", "24", "25", "26", "27"]),
        ("0", ["29"]),
        ("7", ["29"]),
        ("6-1", ["23", "28", "29"]),
        ("0-2", ["23", "24", "29"]),
        ("*/2", ["24", "26", "28", "29"]),
        ("1,WED", ["23", "25"]),
    ],
)
def test_weekdays_are_those_of_cron(days: str, expected: list[str]) -> None:
    slots = between(f"0 9 * * {days}", "UTC", "2026-11-23T00:00", "2026-11-30T00:00")
    assert [slot[8:10] for slot in slots] == expected


def test_the_same_moment_asked_from_anywhere_gives_the_same_slots() -> None:
    slots = Slots("*/5 * * * *")
    whole = slots.between(at("2026-01-01T00:00"), at("2026-01-01T01:00"))
    minutes = [at("2026-01-01T00:00") + timedelta(minutes=n) for n in range(61)]
    parts = [slot for after, until in pairwise(minutes) for slot in slots.between(after, until)]
    assert parts == whole
    assert len(whole) == 12


def test_what_is_older_than_a_week_is_not_looked_for() -> None:
    slots = Slots("0 0 * * *").between(at("2025-01-01T00:00"), at("2026-01-01T00:00"))
    assert len(slots) == LOOK_BACK.days


def test_a_slot_has_one_name_and_names_sort() -> None:
    slot = at("2026-03-29T01:30")
    assert slot_named(name_of(slot)) == slot
    assert name_of(slot) < name_of(slot + timedelta(seconds=1))
    assert Slots("0  9 * * *").revision == Slots("0 9 * * *").revision != Slots("0 9 * * *", "Europe/Berlin").revision


@pytest.mark.parametrize(
    ("cron", "zone", "complaint"),
    [
        ("0 9 * *", "UTC", "has 4 fields"),
        ("0 25 * * *", "UTC", "is not a cron line"),
        ("0 9 * * 8", "UTC", "there is no weekday 8"),
        ("0 9 * * someday", "UTC", "is not a cron line"),
        ("0 9 * * *", "Berlin", "is not a time zone; write one like Europe/Berlin"),
        ("0 9 * * *", "../etc", "is not a time zone"),
    ],
)
def test_what_is_no_schedule_is_refused(cron: str, zone: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Slots(cron, zone)
