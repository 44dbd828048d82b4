import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.domain.errors import IncidentNotFound
from bot.domain.incident import Severity, Status, fold
from bot.domain.timeline import BLANK, GENESIS, HOUSE, Author, Draft, Entry, Head, Kind, Person, verify
from bot.ports import Listed, Tx
from tests.integration.contracts.conftest import ANN, Ground


async def chain(ground: Ground, incident_id: str, after: int = 0) -> list[Entry]:
    return await ground.read(lambda tx: ground.timeline.entries(tx, incident_id, after))


async def listed(ground: Ground, *, ended: bool = False, limit: int = 50) -> list[Listed]:
    return await ground.read(lambda tx: ground.timeline.incidents(tx, ended=ended, limit=limit))


async def test_numbers_incidents_without_gaps_even_after_a_failure(ground: Ground) -> None:
    assert await ground.open() == "INC-1"

    def act(tx: Tx) -> None:
        ground.timeline.open(tx, Draft(Kind.OPENED, {"title": "x"}), Author(ANN), ground.now)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await ground.write(act)
    assert await asyncio.gather(*(ground.open() for _ in range(10))) == [f"INC-{number}" for number in range(2, 12)]


async def test_chains_entries_in_order(ground: Ground) -> None:
    incident_id = await ground.open()
    author = Author(Person("U2", "Bo"), "r1", "say")
    await ground.append(Draft(Kind.NOTE, {"text": "one"}), Draft(Kind.NOTE, {"text": "two"}), to=incident_id)
    await ground.append(Draft(Kind.NOTE, {"text": "three"}, actor=ANN), to=incident_id, author=author)
    entries = await chain(ground, incident_id)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert [entry.facts.get("text") for entry in entries] == [None, "one", "two", "three"]
    assert (entries[3].actor, entries[3].run_id, entries[3].step) == ("U1", "r1", "say")
    assert entries[0].prev == GENESIS
    assert verify(incident_id, entries).breaks == ()
    assert await chain(ground, incident_id, after=2) == entries[2:]


async def test_the_house_has_a_chain_of_its_own(ground: Ground) -> None:
    await ground.append(Draft(Kind.NOTE, {"text": "x"}))
    assert [entry.seq for entry in await chain(ground, HOUSE)] == [1]
    assert await listed(ground) == []


async def test_what_some_runs_put_on_the_house_s_chain_is_found(ground: Ground) -> None:
    incident_id = await ground.open()
    for run_id, text, to in (("r1", "a", HOUSE), ("r2", "b", HOUSE), ("r1.c", "c", HOUSE), ("r1", "d", incident_id)):
        await ground.append(Draft(Kind.NOTE, {"text": text}), to=to, author=Author(ANN, run_id))
    told = await ground.read(lambda tx: ground.timeline.of_house(tx, ["r1", "r1.c", "r9"]))
    assert [entry.facts["text"] for entry in told] == ["a", "c"]
    assert await ground.read(lambda tx: ground.timeline.of_house(tx, [])) == []


async def test_refuses_entries_for_an_incident_that_was_never_opened(ground: Ground) -> None:
    with pytest.raises(IncidentNotFound, match="INC-7"):
        await ground.append(Draft(Kind.NOTE, {"text": "x"}), to="INC-7")
    assert await chain(ground, "INC-7") == []


async def test_lists_no_incident_that_is_not_there(ground: Ground) -> None:
    await ground.append(Draft(Kind.NOTE, {"text": "of the house"}), to=HOUSE)
    for name in ("INC-7", HOUSE):
        with pytest.raises(IncidentNotFound):
            await ground.read(partial(ground.timeline.listed, incident_id=name))


async def test_appending_nothing_changes_nothing(ground: Ground) -> None:
    await ground.append(to="INC-7")
    assert await ground.read(ground.timeline.chains) == []


async def test_keeps_the_time_something_happened(ground: Ground) -> None:
    earlier = ground.now - timedelta(minutes=3, microseconds=1)
    await ground.open(at=earlier)
    assert (await chain(ground, "INC-1"))[0].at == earlier
    assert (await listed(ground))[0].opened_at == earlier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 8_000,
        "💥 ไฟไหม้",
        "\u202eشلل",
        "a\nb\tc",
        "nul \0 in it",
        "half \ud83d of a pair",
        "<!channel> & 'x'; --",
    ],
)
async def test_keeps_any_text_that_people_type(ground: Ground, text: str) -> None:
    await ground.open(text)
    await ground.append(Draft(Kind.NOTE, {"text": text}), to="INC-1", author=Author(Person("U1", text), "r1", "say"))
    entries = await chain(ground, "INC-1")
    assert entries[1].facts == {"text": text}
    assert fold(entries).title == text
    assert verify("INC-1", entries).breaks == ()
    assert len(await listed(ground)) == 1


async def test_the_listing_follows_the_entries(ground: Ground) -> None:
    await ground.open("First")
    await ground.open("Second", service="checkout", severity="SEV1")
    await ground.append(
        Draft(Kind.SERVICE_SET, {"service": "cart"}),
        Draft(Kind.SEVERITY_SET, {"severity": "SEV3", "was": "SEV2"}),
        Draft(Kind.CHANNEL_OPENED, {"channel": "C9", "name": "inc-1"}),
        Draft(Kind.STATUS_SET, {"status": "mitigated", "was": "open", "text": ""}),
        to="INC-1",
    )
    second = Listed("INC-2", "Second", Severity.SEV1, Status.OPEN, "checkout", "", ground.now, people=(ANN,))
    first = Listed("INC-1", "First", Severity.SEV3, Status.MITIGATED, "cart", "C9", ground.now, people=(ANN,))
    assert await listed(ground) == [second, first]
    assert await listed(ground, limit=1) == [second]
    assert await ground.read(lambda tx: ground.timeline.listed(tx, "INC-1")) == first


async def test_lists_private_incidents_only_when_asked(ground: Ground) -> None:
    await ground.open("Leak", private=True)
    await ground.open("Slow")
    assert [row.id for row in await listed(ground)] == ["INC-2"]
    everything = await ground.read(lambda tx: ground.timeline.incidents(tx, private=True))
    assert [(row.id, row.private) for row in everything] == [("INC-2", False), ("INC-1", True)]
    assert await ground.read(lambda tx: ground.timeline.listed(tx, "INC-1")) == everything[1]


async def test_who_takes_part_in_each_private_incident_is_told_as_the_list_tells_it(ground: Ground) -> None:
    drafts = [
        Draft(Kind.ROLE_SET, {"role": "commander", "person": "U3", "name": "Cleo"}),
        Draft(Kind.ON_CALL, {"people": [{"id": "U4", "name": "Dora"}, {"id": "U5", "name": "Emil"}]}),
        Draft(Kind.JOINED, {"person": "U6", "name": "Finn"}),
        Draft(Kind.JOINED, {"person": "U3", "name": "Cleo"}),
        Draft(Kind.LEFT, {"person": "U5", "name": "Emil"}),
    ]
    await ground.append(*drafts, to=await ground.open("Leak", private=True))
    await ground.open("Slow")
    await ground.open("Theft", private=True)
    private = await ground.read(ground.timeline.private)
    rows = await ground.read(lambda tx: ground.timeline.incidents(tx, private=True))
    assert [(each.id, each.private, each.people) for each in private] == [
        (row.id, True, row.people) for row in rows if row.private
    ]
    assert [person.id for person in private[1].people] == [ANN.id, "U3", "U4", "U6"]


async def test_what_is_kept_private_after_its_opening_was_blanked_is_private(ground: Ground) -> None:
    await ground.open("Leak", private=True)
    await ground.write(lambda tx: ground.timeline.blank(tx, "INC-1", 1))
    await ground.append(Draft(Kind.MADE_PRIVATE), to="INC-1")
    assert fold(await chain(ground, "INC-1")).private
    assert await listed(ground) == []


async def test_action_items_of_private_incidents_are_no_business_of_others(ground: Ground) -> None:
    for private in (True, False):
        incident_id = await ground.open(private=private)
        await ground.append(Draft(Kind.ACTION, {"item": 1, "text": "x"}), to=incident_id)
    assert [entry.incident_id for entry in await ground.read(ground.timeline.actions)] == ["INC-2"]


async def test_how_drills_ended_is_given_oldest_first_and_the_list_tells_them_from_the_rest(ground: Ground) -> None:
    for private, drill in ((True, True), (False, True), (False, True), (False, False)):
        incident_id = await ground.open("Slow", private=private, drill=drill)
        await ground.append(
            Draft(Kind.DRILL_ENDED, {"real": True, "score": {}}), Draft(Kind.NOTE, {"text": "x"}), to=incident_id
        )
    ended = await ground.read(ground.timeline.drills)
    assert [(entry.incident_id, entry.kind) for entry in ended] == [
        (f"INC-{number}", Kind.DRILL_ENDED) for number in (2, 3, 4)
    ]
    assert [(row.id, row.drill) for row in await listed(ground)] == [
        ("INC-4", False),
        ("INC-3", True),
        ("INC-2", True),
    ]


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
async def test_lists_ended_incidents_only_when_asked(ground: Ground, status: Status) -> None:
    await ground.open()
    await ground.append(Draft(Kind.STATUS_SET, {"status": status.value, "was": "open", "text": ""}), to="INC-1")
    assert await listed(ground) == []
    assert [row.status for row in await listed(ground, ended=True)] == [status]


async def test_finds_the_latest_incident_of_a_channel(ground: Ground) -> None:
    for incident_id in (await ground.open(), await ground.open()):
        await ground.append(Draft(Kind.CHANNEL_OPENED, {"channel": "C9", "name": "x"}), to=incident_id)
    await ground.open()

    async def of(channel: str) -> str:
        return await ground.read(lambda tx: ground.timeline.incident_of(tx, channel))

    assert [await of("C9"), await of("C8"), await of("")] == ["INC-2", "", ""]


async def test_a_channel_is_looked_for_in_its_own_workspace(ground: Ground) -> None:
    await ground.open()
    await ground.append(Draft(Kind.CHANNEL_OPENED, {"channel": "C9", "name": "x", "team": "T1"}), to="INC-1")
    await ground.open(team="T2")
    await ground.append(Draft(Kind.CHANNEL_OPENED, {"channel": "C9", "name": "x"}), to="INC-2")
    await ground.open()
    await ground.append(Draft(Kind.CHANNEL_OPENED, {"channel": "C8", "name": "of old"}), to="INC-3")

    async def of(channel: str, team: str) -> str:
        return await ground.read(lambda tx: ground.timeline.incident_of(tx, channel, team))

    assert [await of("C9", team) for team in ("T1", "T2", "T3")] == ["INC-1", "INC-2", ""]
    assert [await of("C8", team) for team in ("T1", "")] == ["INC-3", "INC-3"]
    assert [row.team for row in await listed(ground)] == ["", "T2", "T1"]


async def test_knows_which_incidents_name_an_artifact_also_after_the_entry_was_blanked(ground: Ground) -> None:
    mine, shown, other = "a" * 64, "b" * 64, "c" * 64
    private = await ground.open(private=True)
    for incident_id in (private, await ground.open(), HOUSE):
        told = Draft(Kind.ARTIFACT, {"name": "x", "sha256": mine, "bytes": 1, "what": other})
        verdict = Draft(
            Kind.VERDICT, {"verdict": "gc-pressure", "artifact": mine, "picture": shown, "statement": other}
        )
        typed = Draft(Kind.RUN_STARTED, {"playbook": "bundle", "params": {"artifact": other}})
        await ground.append(told, verdict, typed, Draft(Kind.NOTE, {"text": other}), to=incident_id)
    await ground.write(lambda tx: ground.timeline.blank(tx, private, 3))
    named = [await ground.read(partial(ground.timeline.naming, sha256=each)) for each in (mine, shown, other)]
    assert named == [["INC-2", private], ["INC-2", private], []]


async def test_names_every_chain(ground: Ground) -> None:
    for _ in range(10):
        await ground.open()
    await ground.append(Draft(Kind.NOTE, {"text": "x"}))
    names = await ground.read(ground.timeline.chains)
    assert names == [HOUSE, *(f"INC-{number}" for number in range(1, 11))]


async def test_many_appends_at_once_keep_the_chain_whole(ground: Ground) -> None:
    await ground.open()
    drafts = [Draft(Kind.NOTE, {"text": str(number)}) for number in range(40)]
    await asyncio.gather(*(ground.append(draft, to="INC-1") for draft in drafts))
    entries = await chain(ground, "INC-1")
    assert len(entries) == 41
    assert verify("INC-1", entries).breaks == ()


async def test_gives_the_head_of_every_chain_or_of_one(ground: Ground) -> None:
    for _ in range(2):
        await ground.open()
    await ground.append(Draft(Kind.NOTE, {"text": "x"}), Draft(Kind.NOTE, {"text": "y"}), to="INC-1")
    await ground.append(Draft(Kind.NOTE, {"text": "z"}))
    heads = await ground.read(ground.timeline.heads)
    assert heads == {name: head_of(await chain(ground, name)) for name in (HOUSE, "INC-1", "INC-2")}
    assert await ground.read(lambda tx: ground.timeline.heads(tx, "INC-1")) == {"INC-1": heads["INC-1"]}
    assert await ground.read(lambda tx: ground.timeline.heads(tx, "INC-7")) == {}


def head_of(entries: list[Entry]) -> Head:
    return Head(entries[-1].seq, entries[-1].hash)


async def test_a_blanked_entry_keeps_its_place(ground: Ground) -> None:
    await ground.open("secret title")
    await ground.append(Draft(Kind.NOTE, {"text": "secret"}), Draft(Kind.NOTE, {"text": "y"}), to="INC-1")
    before = await chain(ground, "INC-1")
    for _ in range(2):
        await ground.write(lambda tx: ground.timeline.blank(tx, "INC-1", 2))
    await ground.write(lambda tx: ground.timeline.blank(tx, "INC-1", 99))
    after = await chain(ground, "INC-1")
    assert after == [before[0], replace(before[1], body=None), before[2]]
    assert (verify("INC-1", after).breaks, verify("INC-1", after).blanked) == ((), 1)
    assert (await listed(ground))[0].title == "secret title"
    await ground.write(lambda tx: ground.timeline.blank(tx, "INC-1", 1))
    assert [row.title for row in await listed(ground)] == [fold(await chain(ground, "INC-1")).title] == [BLANK]


async def test_tells_which_words_have_outlived_their_incident(ground: Ground) -> None:
    resolved = Draft(Kind.STATUS_SET, {"status": "resolved", "was": "open", "text": ""})
    later = Draft(Kind.STATUS_SET, {"status": "resolved", "was": "open", "text": ""}, ground.now + timedelta(days=2))
    note, update = Draft(Kind.NOTE, {"text": "n"}), Draft(Kind.UPDATE, {"text": "u"})
    for ending in (resolved, later, None):
        incident_id = await ground.open()
        await ground.append(note, update, *([ending] if ending else []), note, to=incident_id)

    async def outlived(days: float, *kinds: Kind) -> list[tuple[str, int]]:
        before = ground.now + timedelta(days=days)
        return await ground.read(lambda tx: ground.timeline.outlived(tx, kinds, before))

    assert await outlived(0, Kind.NOTE) == []
    assert await outlived(1, Kind.NOTE) == [("INC-1", 2), ("INC-1", 5)]
    assert await outlived(3, Kind.UPDATE) == [("INC-1", 3), ("INC-2", 3)]
    await ground.write(lambda tx: ground.timeline.blank(tx, "INC-1", 2))
    assert await outlived(1, Kind.NOTE, Kind.UPDATE) == [("INC-1", 3), ("INC-1", 5)]


async def test_gives_the_entries_about_action_items_of_every_incident(ground: Ground) -> None:
    first, second = await ground.open(), await ground.open()
    for number, incident_id in ((1, second), (1, first), (2, first)):
        await ground.append(Draft(Kind.NOTE, {"text": "x"}), to=incident_id)
        await ground.append(Draft(Kind.ACTION, {"item": number, "text": "do it"}), to=incident_id)
    entries = await ground.read(ground.timeline.actions)
    assert [(entry.incident_id, entry.facts["item"]) for entry in entries] == [(first, 1), (first, 2), (second, 1)]
