"""The list of incidents: each row is what its timeline comes to, and it is searched by words, filters and pages."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.adapters.sql.tables import AUDITED as AUDITED_SQL
from bot.domain.audit_log import AUDITED, Question
from bot.domain.incident import Severity, Status, fold
from bot.domain.outcomes import Outcome
from bot.domain.timeline import HOUSE, Draft, Kind, Person, to_us
from bot.ports import Listed, Selection
from tests.fakes import NOON
from tests.integration.contracts.conftest import ANN, Ground

BEN, CLEO = Person("U2", "Ben Ökafor"), Person("U3", "Cleo")
LEAK = Draft(Kind.VERDICT, {"verdict": "goroutine-leak", "target": "cart-1", "statement": "It leaks.", "proof": ""})
COMMANDER = Draft(Kind.ROLE_SET, {"role": "commander", "person": BEN.id, "name": BEN.name})
TOLD: tuple[Draft, ...] = (
    Draft(Kind.CHANNEL_OPENED, {"channel": "C9", "name": "inc-1", "team": "T1"}),
    Draft(Kind.SERVICE_SET, {"service": "cart"}),
    Draft(Kind.SEVERITY_SET, {"severity": "SEV1", "was": "SEV2"}),
    COMMANDER,
    Draft(Kind.ROLE_SET, {"role": "scribe", "person": CLEO.id, "name": CLEO.name}),
    Draft(Kind.MILESTONE, {"milestone": "started", "at": to_us(NOON - timedelta(hours=1)), "source": "alert"}),
    Draft(Kind.MILESTONE, {"milestone": "mitigated", "at": to_us(NOON), "source": "person"}),
    LEAK,
    Draft(Kind.STATUS_SET, {"status": "mitigated", "was": "open", "text": ""}),
    Draft(Kind.ON_CALL, {"people": [{"id": "U4", "name": "Dee"}], "source": "rota", "note": ""}),
    Draft(Kind.JOINED, {"person": "U5", "name": "Eve \ud800\0", "how": "asked"}),
    Draft(Kind.LEFT, {"person": BEN.id, "name": BEN.name, "how": "channel"}),
    Draft(Kind.LEFT, {"person": "U5", "name": "Eve", "how": "channel"}),
    COMMANDER,
    Draft(Kind.VERDICT, {"verdict": None, "target": "", "statement": "", "proof": ""}),
    Draft(Kind.MERGED, {"into": "INC-7", "channel": ""}),
    Draft(Kind.STATUS_SET, {"status": "open", "was": "mitigated", "text": "again"}),
    Draft(Kind.CANCELLED, {"reason": "a false alarm"}),
    Draft(Kind.DRILL_STARTED, {"service": "cart", "class": "", "target": "", "size": "", "blind": True}),
    Draft(Kind.MADE_PRIVATE),
)


async def row(ground: Ground, incident_id: str = "INC-1") -> Listed:
    return await ground.read(lambda tx: ground.timeline.listed(tx, incident_id))


async def told(ground: Ground, incident_id: str = "INC-1") -> Listed:
    return Listed.of(fold(await ground.read(lambda tx: ground.timeline.entries(tx, incident_id))))


async def measured(ground: Ground) -> list[Outcome]:
    return await ground.read(lambda tx: ground.timeline.outcomes(tx, Selection(private=["INC-1"])))


async def to_be_measured(ground: Ground) -> list[Outcome]:
    incident = fold(await ground.read(lambda tx: ground.timeline.entries(tx, "INC-1")))
    return [Outcome.of(incident)] if incident.counts else []


async def test_a_row_is_what_its_timeline_comes_to_after_every_entry(ground: Ground) -> None:
    await ground.open("Slow")
    seen = [await row(ground)]
    for draft in TOLD:
        await ground.append(draft, to="INC-1")
        assert await row(ground) == await told(ground), draft.kind
        assert await measured(ground) == await to_be_measured(ground), draft.kind
        seen.append(await row(ground))
    assert all(now != before for before, now in pairwise(seen))


async def test_all_at_once_comes_to_the_same(ground: Ground) -> None:
    await ground.open("Slow")
    await ground.append(*TOLD, to="INC-1")
    assert await row(ground) == await told(ground)
    assert [person.id for person in (await row(ground)).people] == ["U1", "U3", "U2", "U4"]


async def test_what_was_blanked_is_in_no_row(ground: Ground) -> None:
    await ground.open("Slow")
    await ground.append(*TOLD, to="INC-1")
    for seq in range(len(TOLD) + 1, 0, -1):
        await ground.write(lambda tx, seq=seq: ground.timeline.blank(tx, "INC-1", seq))  # type: ignore[misc]
        assert await row(ground) == await told(ground), seq
        assert await measured(ground) == await to_be_measured(ground), seq
    assert await found(ground, "slow") == await found(ground, "cleo") == []


async def test_the_house_is_no_incident_whatever_it_tells(ground: Ground) -> None:
    await ground.append(Draft(Kind.VERDICT, {"verdict": "deadlock", "statement": ""}))
    assert await found(ground) == []


async def found(ground: Ground, *words: str, **other: object) -> list[str]:
    selection = replace(Selection(words=words), **other)  # type: ignore[arg-type]
    rows = await ground.read(lambda tx: ground.timeline.find(tx, selection))
    if not (selection.before or selection.after) and len(rows) < selection.limit:
        assert await ground.read(lambda tx: ground.timeline.count(tx, selection)) == len(rows)
    return [each.id for each in rows]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ((), ["INC-4", "INC-2", "INC-1"]),
        (("CHECK",), ["INC-2"]),
        (("inc-2",), ["INC-2"]),
        (("payment", "errors"), ["INC-1"]),
        (("payment", "gone"), []),
        (("goroutine-leak",), ["INC-2"]),
        (("öKAF",), ["INC-2"]),
        (("100%",), ["INC-4"]),
        (("_",), ["INC-4"]),
        (("\\",), ["INC-4"]),
        (("leaked",), []),
    ],
)
async def test_finds_what_has_every_word_somewhere(ground: Ground, words: tuple[str, ...], ids: list[str]) -> None:
    await ground.open("Payment errors")
    second = await ground.open("Slow", service="checkout")
    await ground.append(LEAK, COMMANDER, to=second)
    await ground.open("Leaked keys", private=True)
    await ground.open("100% of \\_ is lost")
    assert await found(ground, *words) == ids


async def test_filters_are_all_met(ground: Ground) -> None:
    await ground.open("one", severity="SEV1", service="cart")
    await ground.open("two", severity="SEV3", service="cart", drill=True)
    await ground.open("three", severity="SEV3", service="checkout")
    await ground.append(Draft(Kind.STATUS_SET, {"status": "resolved", "was": "open", "text": ""}), to="INC-3")
    assert await found(ground, severities=[Severity.SEV1]) == ["INC-1"]
    assert await found(ground, severities=[Severity.SEV1, Severity.SEV3]) == ["INC-3", "INC-2", "INC-1"]
    assert await found(ground, statuses=[Status.OPEN, Status.MITIGATED]) == ["INC-2", "INC-1"]
    assert await found(ground, service="cart") == ["INC-2", "INC-1"]
    assert await found(ground, service="cart", drill=False) == ["INC-1"]
    assert await found(ground, drill=True) == ["INC-2"]
    assert await found(ground, "three", service="cart") == []


async def test_private_ones_are_given_by_name_only(ground: Ground) -> None:
    for private in (True, False, True):
        await ground.open("Leaked keys", private=private)
    assert await found(ground, "leaked") == ["INC-2"]
    assert await found(ground, "leaked", private=["INC-3", "INC-2"]) == ["INC-3", "INC-2"]
    hidden = await ground.read(ground.timeline.private)
    assert [(each.id, each.people) for each in hidden] == [("INC-3", (ANN,)), ("INC-1", (ANN,))]


async def test_pages_follow_each_other_both_ways(ground: Ground) -> None:
    for number in range(1, 8):
        await ground.open("odd" if number % 2 else "even")
    assert await found(ground, limit=3) == ["INC-7", "INC-6", "INC-5"]
    assert await found(ground, limit=3, before=5) == ["INC-4", "INC-3", "INC-2"]
    assert await found(ground, limit=3, before=2) == ["INC-1"]
    assert await found(ground, limit=3, after=1) == ["INC-4", "INC-3", "INC-2"]
    assert await found(ground, limit=3, after=6) == ["INC-7"]
    assert await found(ground, limit=3, after=7) == []
    assert await found(ground, "odd", limit=2, before=7) == ["INC-5", "INC-3"]
    assert await ground.read(lambda tx: ground.timeline.count(tx, Selection(words=["odd"], before=3, limit=1))) == 4


async def test_outcomes_are_of_what_counts_oldest_first(ground: Ground) -> None:
    for number in range(1, 6):
        await ground.open("Slow", service="cart" if number % 2 else "checkout", private=number == 3)
    at = to_us(NOON)
    await ground.append(LEAK, Draft(Kind.MILESTONE, {"milestone": "resolved", "at": at, "source": "x"}), to="INC-1")
    await ground.append(Draft(Kind.CANCELLED, {"reason": "a false alarm"}), to="INC-5")

    async def outcomes(selection: Selection) -> list[Outcome]:
        return await ground.read(lambda tx: ground.timeline.outcomes(tx, selection))

    every = await outcomes(Selection(limit=1, before=1))
    assert [each.id for each in every] == ["INC-1", "INC-2", "INC-4"]
    assert (every[0].verdict, every[0].resolved_at_us, every[1].resolved_at_us) == ("goroutine-leak", at, None)
    assert [each.id for each in await outcomes(Selection(service="cart", private=["INC-3"]))] == ["INC-1", "INC-3"]
    assert await outcomes(Selection(since=ground.now + timedelta(seconds=1))) == []


async def test_the_audit_log_has_the_latest_first_of_what_may_be_told(ground: Ground) -> None:
    for private in (False, True):
        await ground.open("Slow", private=private)
    frozen, thawed = Draft(Kind.FROZEN, {"service": "x"}), Draft(Kind.THAWED, {"service": "x"}, actor=BEN)
    for incident_id in ("INC-1", "INC-2", HOUSE):
        await ground.append(frozen, Draft(Kind.NOTE, {"text": "x"}), thawed, to=incident_id)
    await ground.append(replace(frozen, at=ground.now - timedelta(days=1)), to="INC-1")

    async def told(question: Question) -> list[tuple[str, int]]:
        entries = await ground.read(lambda tx: ground.timeline.audited(tx, question))
        return [(entry.incident_id, entry.seq) for entry in entries]

    every = [(HOUSE, 3), (HOUSE, 1), ("INC-1", 4), ("INC-1", 2), ("INC-1", 5)]
    assert await told(Question()) == every
    assert await told(Question(limit=2)) == every[:2]
    assert await told(Question(before=(to_us(ground.now), "INC-1", 4))) == every[3:]
    assert await told(Question(incident_id="INC-2")) == []
    assert await told(Question(incident_id="INC-2", private=["INC-2"])) == [("INC-2", 4), ("INC-2", 2)]
    assert await told(Question(kinds=[Kind.THAWED], who=BEN.id)) == [(HOUSE, 3), ("INC-1", 4)]
    assert await told(Question(who="ann", kinds=[Kind.FROZEN])) == [(HOUSE, 1), ("INC-1", 2), ("INC-1", 5)]
    assert await told(Question(who="nobody")) == []


def test_the_index_of_the_audit_log_has_its_kinds() -> None:
    assert set(re.findall(r"'([^']+)'", str(AUDITED_SQL))) == AUDITED
