"""Reminders follow from the timeline: when they are due, how often, and what keeps them quiet."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.incident import fold
from bot.domain.reminders import About, Lack, due, lacks, sentence
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
        return [(each.lack.about.value, (each.slot - NOON).total_seconds() / 60) for each in found]

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
    assert lacks(fold(chain.entries), chain.entries, NOON) == ()


def test_zero_minutes_or_zero_times_switch_off() -> None:
    never = ReminderRules(no_commander_min=0, no_update_min=0, not_resolved_min=0)
    assert Chain().due(600, never) == []
    assert Chain().due(600, ReminderRules(at_most=0)) == []


def promise(chain: Chain, minute: float, within: float) -> Chain:
    return chain.put(minute, Kind.UPDATE, text="rolling back", next_at=to_us(NOON + timedelta(minutes=minute + within)))


def test_a_promised_update_is_reminded_of_when_it_was_promised_and_then_as_ever() -> None:
    chain = promise(Chain().led(), 10, 20)
    assert list(chain.live(range(11, 200))) == [(30, "update"), (60, "update"), (90, "update")]
    assert list(promise(chain, 200, 45).live(range(201, 246))) == [(245, "update")]


def test_a_promise_is_reminded_of_once_where_no_update_is_asked_for() -> None:
    rules = replace(RULES, no_update_min=0)
    assert list(promise(Chain().led(), 10, 20).live(range(11, 200), rules)) == [(30, "update")]
    assert promise(Chain().led(), 10, 20).due(40, replace(rules, at_most=0)) == []


def test_a_promise_is_kept_by_the_next_update() -> None:
    chain = promise(Chain().led(), 10, 20).put(25, Kind.UPDATE, text="done, I think")
    assert chain.due(54) == []
    assert chain.due(55) == [("update", 55)]


def test_a_snoozed_promise_is_reminded_of_when_the_snooze_ends() -> None:
    chain = promise(Chain().led(), 10, 20).put(29, Kind.SNOOZED, until=to_us(NOON + timedelta(minutes=37)), minutes=8)
    assert list(chain.live(range(30, 60))) == [(37, "update")]


def test_a_promise_holds_when_mitigated_and_ends_with_the_incident() -> None:
    chain = promise(Chain().led(), 10, 20).put(15, Kind.STATUS_SET, status="mitigated", was="open", text="")
    assert chain.due(30) == [("update", 30)]
    chain.put(31, Kind.STATUS_SET, status="resolved", was="mitigated", text="")
    assert chain.due(90) == []
    chain.put(95, Kind.STATUS_SET, status="open", was="resolved", text="")
    assert chain.due(100) == []


def test_it_says_for_when_it_was_promised() -> None:
    chain = promise(Chain(), 10, 20)
    incident = fold(chain.entries)
    (lack,) = (each for each in lacks(incident, chain.entries, NOON) if each.about is About.UPDATE)
    said = sentence(incident, lack, NOON + timedelta(minutes=31))
    assert said == "The next update on INC-1 was promised for 12:30 UTC. Where do things stand?"


def asking(chain: Chain, minute: float, run: str = "r1") -> Chain:
    """Let somebody ask for an approval that expires after ten minutes."""
    body: dict[str, Any] = {
        "run": run,
        "playbook": "rollback",
        "params": {"service": "checkout"},
        "steps": ["Roll back"],
    }
    body |= {"measured": {}, "plan": "ab" * 32, "person": "U1", "name": "Ada"}
    return chain.put(minute, Kind.APPROVAL_ASKED, **body, expires_at=to_us(NOON + timedelta(minutes=minute + 10)))


def only_approvals(chain: Chain, minutes: range) -> list[tuple[int, str]]:
    rules = replace(RULES, no_commander_min=0, no_update_min=0)
    return list(chain.live(minutes, rules))


def test_an_approval_about_to_expire_is_reminded_of_once_before_it_is_too_late() -> None:
    assert only_approvals(asking(Chain(), 1), range(30)) == [(8, "approval")]
    assert only_approvals(asking(Chain(), 1), range(10, 30)) == [(10, "approval")]
    assert only_approvals(asking(Chain(), 1), range(11, 30)) == []


@pytest.mark.parametrize("decision", ["approved", "refused", "expired"])
def test_what_was_decided_is_not_reminded_of(decision: str) -> None:
    chain = asking(Chain(), 1)
    chain.put(4, Kind.APPROVAL_DECIDED, run="r1", playbook="rollback", plan="ab" * 32, decision=decision, reason="")
    assert only_approvals(chain, range(30)) == []


def test_each_request_has_its_own_reminder() -> None:
    chain = asking(asking(Chain(), 1), 3, "r2")
    assert only_approvals(chain, range(30)) == [(8, "approval"), (10, "approval")]


def test_an_approval_s_reminder_is_quiet_after_a_word_and_while_snoozed() -> None:
    assert only_approvals(asking(Chain(), 1).put(7, Kind.NOTE, text="looking"), range(30)) == [(9, "approval")]
    snoozed = asking(Chain(), 1).put(2, Kind.SNOOZED, until=to_us(NOON + timedelta(minutes=32)), minutes=30)
    assert only_approvals(snoozed, range(40)) == []


def test_it_says_what_waits_and_how_long_it_still_does() -> None:
    chain = asking(Chain(), 1)
    incident, now = fold(chain.entries), NOON + timedelta(minutes=8)
    said = sentence(incident, lacks(incident, chain.entries, now)[0], now)
    assert said == "rollback service=checkout waits for a second person, for 3 min more. Who agrees, who refuses?"


@pytest.mark.parametrize("about", [each for each in About if each is not About.APPROVAL])
def test_a_reminder_says_for_how_long_and_asks(about: About) -> None:
    chain = Chain()
    said = sentence(fold(chain.entries), Lack(about, NOON), NOON + timedelta(hours=1))
    assert "1 h" in said
    assert said.endswith("?")
