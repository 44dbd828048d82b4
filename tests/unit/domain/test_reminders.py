"""Reminders follow from the timeline: when they are due, how often, and what keeps them quiet."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.incident import fold
from bot.domain.reminders import About, due, lacks, sentence
from bot.domain.service import ReminderRules
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Entry, Kind, Person, link, to_us
from tests.fakes import NOON

ADA = Person("U1", "Ada")
RULES = ReminderRules(no_commander_min=5, no_update_min=30, not_resolved_min=60, quiet_min=2, at_most=3)


class Chain:
    """An incident opened at noon; entries are put at so many minutes after."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.put(0, Kind.OPENED, title="slow", severity="SEV2", service="")

    def put(self, minute: float, kind: Kind, by: Person = ADA, **body: Any) -> "Chain":
        last = self.entries[-1] if self.entries else None
        at = NOON + timedelta(minutes=minute)
        self.entries.append(link("INC-1", last, Draft(kind, body), Author(by), at))
        return self

    def led(self) -> "Chain":
        return self.put(0.5, Kind.ROLE_SET, role="commander", person="U1", name="Ada")

    def due(self, minute: float, rules: ReminderRules = RULES) -> list[tuple[str, float]]:
        found = due(fold(self.entries), self.entries, rules, NOON + timedelta(minutes=minute))
        return [(each.about.value, (each.slot - NOON).total_seconds() / 60) for each in found]

    def live(self, minutes: range, rules: ReminderRules = RULES) -> Iterator[tuple[int, str]]:
        """Look every minute, and remind as often as it is due."""
        for minute in minutes:
            for about, slot in self.due(minute, rules):
                yield minute, about
                self.put(minute, Kind.REMINDED, FIRSTFIVE, about=about, slot=str(slot), text="x")


def test_nobody_commands_is_said_every_five_minutes_three_times() -> None:
    rules = ReminderRules(no_commander_min=5, no_update_min=0, at_most=3)
    assert list(Chain().live(range(40), rules)) == [(5, "commander"), (10, "commander"), (15, "commander")]


def test_a_look_that_comes_late_reminds_once_and_not_once_for_each_missed_slot() -> None:
    chain = Chain().led()
    assert chain.due(29) == []
    assert chain.due(95) == [("update", 90)]
    assert list(chain.live(range(95, 118))) == [(95, "update")]


def test_an_update_begins_the_count_anew() -> None:
    chain = Chain().led()
    assert list(chain.live(range(200))) == [(30, "update"), (60, "update"), (90, "update")]
    chain.put(200, Kind.UPDATE, text="rolling back")
    assert chain.due(229) == []
    assert list(chain.live(range(200, 400))) == [(230, "update"), (260, "update"), (290, "update")]


def test_it_is_quiet_when_somebody_has_just_written() -> None:
    chain = Chain().put(4, Kind.NOTE, text="looking")
    assert chain.due(5) == []
    assert chain.due(6) == [("commander", 5)]


def test_what_firstfive_records_itself_is_no_word_of_a_person() -> None:
    assert Chain().put(4, Kind.NOTE, FIRSTFIVE, text="x").due(5) == [("commander", 5)]


def test_a_snooze_silences_until_it_is_over_and_then_waits_for_the_next_slot() -> None:
    until = to_us(NOON + timedelta(minutes=33))
    chain = Chain().put(4, Kind.SNOOZED, until=until, minutes=29)
    assert chain.due(20) == []
    assert chain.due(34) == []
    assert ("commander", 35) in chain.due(35)


def test_a_snooze_can_be_ended() -> None:
    chain = Chain().put(4, Kind.SNOOZED, until=to_us(NOON + timedelta(hours=3)), minutes=176)
    chain.put(11, Kind.SNOOZED, until=to_us(NOON + timedelta(minutes=11)), minutes=0)
    assert chain.due(15) == [("commander", 15)]


def test_mitigated_asks_to_resolve_and_not_for_updates() -> None:
    chain = Chain().led().put(10, Kind.STATUS_SET, status="mitigated", was="open", text="")
    assert chain.due(69) == []
    assert chain.due(70) == [("resolve", 70)]


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_what_is_over_lacks_nothing(status: str) -> None:
    chain = Chain().put(10, Kind.STATUS_SET, status=status, was="open", text="")
    assert chain.due(10_000) == []
    assert lacks(fold(chain.entries), chain.entries) == ()


def test_zero_minutes_or_zero_times_switch_off() -> None:
    never = ReminderRules(no_commander_min=0, no_update_min=0, not_resolved_min=0)
    assert Chain().due(600, never) == []
    assert Chain().due(600, ReminderRules(at_most=0)) == []


@pytest.mark.parametrize("about", list(About))
def test_a_reminder_says_for_how_long_and_asks(about: About) -> None:
    chain = Chain()
    said = sentence(fold(chain.entries), about, NOON, NOON + timedelta(hours=1))
    assert "1 h" in said
    assert said.endswith("?")
