"""What waits for one person, of all that is open."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from bot.domain.actions import ActionItem
from bot.domain.approval import Request
from bot.domain.incident import Incident, Role, Severity, Status
from bot.domain.mine import Mine, mine
from bot.domain.service import ReminderRules
from bot.domain.timeline import Person

ADA, BEN = Person("U1", "Ada"), Person("U2", "Ben")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OPEN = Incident("INC-1", "checkout slow", Severity.SEV3, NOW - timedelta(minutes=10), ADA)
ASKED = Request("r1", "redact", {}, (), {}, "ab", ADA, NOW, NOW + timedelta(minutes=9))
LED = replace(OPEN, roles={Role.COMMANDER: ADA})


def of(person: Person, *incidents: Incident, items: tuple[ActionItem, ...] = (), later_min: float = 0) -> Mine:
    return mine(incidents, items, person, ReminderRules(no_update_min=30), NOW + timedelta(minutes=later_min))


def test_the_gravest_come_first_and_what_is_over_not_at_all() -> None:
    grave = replace(OPEN, id="INC-3", severity=Severity.SEV1)
    found = of(BEN, OPEN, replace(OPEN, id="INC-2", status=Status.RESOLVED), grave)
    assert [each.id for each in found.incidents] == ["INC-3", "INC-1"]


def test_a_stranger_sees_nothing_of_what_is_private() -> None:
    secret = replace(OPEN, private=True, waiting=(ASKED,))
    assert of(BEN, secret) == Mine()
    assert of(ADA, secret).incidents == (secret,)


def test_who_asked_does_not_approve_and_what_expired_waits_for_nobody() -> None:
    waiting = replace(OPEN, waiting=(ASKED,))
    assert of(BEN, waiting).approvals == ((waiting, ASKED),)
    assert of(ADA, waiting).approvals == ()
    assert of(BEN, waiting, later_min=9).approvals == ()


def test_the_commander_owes_what_was_promised_and_a_word_now_and_then() -> None:
    assert of(ADA, LED).updates == ()
    assert of(ADA, LED, later_min=20).updates == (LED,)
    assert of(BEN, LED, later_min=20).updates == ()
    promised = replace(LED, next_update_at=NOW + timedelta(minutes=40))
    assert of(ADA, promised, later_min=39).updates == ()
    assert of(ADA, promised, later_min=40).updates == (promised,)


def test_who_takes_part_is_told_that_nobody_leads() -> None:
    assert of(ADA, OPEN, LED).leaderless == (OPEN,)
    assert of(BEN, OPEN).leaderless == ()


def test_open_items_of_theirs_are_there_the_earliest_due_first() -> None:
    late = ActionItem("INC-9", 1, "raise the limit", ADA, date(2026, 11, 20))
    some_day, done = ActionItem("INC-9", 2, "tidy", ADA), replace(late, number=3, done_on=date(2026, 11, 21))
    items = (some_day, done, late, replace(late, number=4, owner=BEN), replace(late, number=5, owner=None))
    assert of(ADA, items=items).actions == (late, some_day)
