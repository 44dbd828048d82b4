"""Who may know of a private incident follows who is in its channel, whatever was told of them."""

import pytest

from bot.domain.incident import fold, may_see
from bot.domain.messages import Unread
from bot.domain.run import VIA_EVENT, Run, Source
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Entry, Kind, Person
from bot.engine.admission import Command
from tests.fakes import FakeDirectory, FakeTranscript
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk

CHEN = Person("U3", "Chen")


@pytest.fixture
async def house() -> Desk:
    house = desk(directory=FakeDirectory({"<@U2|ben>": BEN}))
    await house.say("start sev3 private=yes leak")
    await has_channel(house)
    return house


async def has_channel(house: Desk) -> None:
    draft, author = Draft(Kind.CHANNEL_OPENED, {"channel": "G1", "name": "inc-1"}), Author(FIRSTFIVE)
    timeline, now = house.ports.timeline, house.ports.clock.now()
    await house.ports.store.write(lambda tx: timeline.append(tx, "INC-1", [draft], author, now))


def chat(house: Desk) -> FakeTranscript:
    assert isinstance(house.ports.transcript, FakeTranscript)
    return house.ports.transcript


async def hear(house: Desk, person: Person, by: Person = ADA, *, left: bool = False, back: bool = False) -> Run:
    source = Source(channel="G1", via=VIA_EVENT)
    params = {"channel": "G1", "person": person.id, "left": left, "back": back}
    command = Command("presence", params, FIRSTFIVE if left else by, source, incident_id="INC-1")
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: house.state.runs[run_id].status.ended)
    ended: Run = house.state.runs[run_id]
    return ended


def told(house: Desk) -> list[Entry]:
    return [entry for entry in house.chain() if entry.kind in {Kind.JOINED, Kind.LEFT}]


def sees(house: Desk, person: Person) -> bool:
    return may_see(fold(house.chain()), person)


async def test_who_was_brought_into_the_channel_may_know_of_it_until_they_leave(house: Desk) -> None:
    assert not sees(house, BEN)
    chat(house).people["G1"] = {ADA.id, BEN.id}
    await hear(house, BEN)
    assert sees(house, BEN)
    chat(house).people["G1"] = {ADA.id}
    await hear(house, BEN, left=True)
    assert not sees(house, BEN)
    assert [(entry.kind, entry.actor, entry.facts["person"], entry.facts["how"]) for entry in told(house)] == [
        (Kind.JOINED, ADA.id, BEN.id, "channel"),
        (Kind.LEFT, FIRSTFIVE.id, BEN.id, "channel"),
    ]


async def test_whoever_opened_it_or_had_a_role_loses_sight_too_until_they_are_asked_again(house: Desk) -> None:
    await house.say("role commander <@U2|ben> INC-1")
    assert sees(house, BEN)
    for person in (ADA, BEN):
        await hear(house, person, left=True)
        assert not sees(house, person)
    chat(house).people["G1"] = {ADA.id}
    await hear(house, ADA)
    assert sees(house, ADA)
    assert not sees(house, BEN)
    await house.say("role scribe <@U2|ben> INC-1")
    assert sees(house, BEN)


@pytest.mark.parametrize("left", [False, True])
async def test_slack_s_word_counts_and_not_the_event_s(house: Desk, left: bool) -> None:  # noqa: FBT001 - a case
    """An event comes twice, late, or after the one that it came before."""
    chat(house).people["G1"] = {ADA.id, BEN.id} if left else {ADA.id}
    await hear(house, BEN, left=left)
    assert told(house) == []
    chat(house).people["G1"] = {ADA.id, BEN.id}
    await hear(house, BEN)
    await hear(house, BEN)
    await hear(house, BEN, left=True)
    assert [entry.kind for entry in told(house)] == [Kind.JOINED]


async def test_who_was_asked_by_the_bot_is_not_told_twice(house: Desk) -> None:
    await house.say("join <@U2|ben> INC-1")
    chat(house).people["G1"] = {ADA.id, BEN.id}
    await hear(house, BEN)
    assert [entry.facts["how"] for entry in told(house)] == ["asked"]


async def test_back_in_the_channel_it_looks_who_came_and_went_meanwhile() -> None:
    house = desk(directory=FakeDirectory({"<@U2|ben>": BEN, BEN.id: BEN, ADA.id: ADA}))
    await house.say("start sev3 private=yes leak", by=Person("cli:ops", "ops"))
    await has_channel(house)
    for person in (ADA, BEN):
        chat(house).people["G1"] = {person.id}
        await hear(house, person)
    chat(house).people["G1"] = {"UBOT", ADA.id, CHEN.id}
    for _ in range(2):
        await hear(house, Person("UBOT", "FirstFive"), back=True)
    assert [sees(house, person) for person in (ADA, BEN, CHEN)] == [True, False, True]
    new = [(entry.kind, entry.facts["person"], entry.facts["how"]) for entry in told(house)[2:]]
    assert new == [(Kind.JOINED, CHEN.id, "channel"), (Kind.LEFT, BEN.id, "channel")]


async def test_while_slack_is_away_it_asks_again_and_gives_up_where_it_may_not_know(house: Desk) -> None:
    chat(house).people["G1"] = {BEN.id}
    chat(house).refusals += [Unread("unreachable", again=True)] * 2
    await hear(house, BEN)
    assert sees(house, BEN)
    chat(house).refusals.append(Unread("not_in_channel"))
    chat(house).people["G1"] = {BEN.id, CHEN.id}
    await hear(house, CHEN)
    assert not sees(house, CHEN)


async def test_of_a_public_incident_nothing_is_recorded() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await has_channel(house)
    chat(house).people["G1"] = {BEN.id}
    await hear(house, BEN)
    assert told(house) == []
