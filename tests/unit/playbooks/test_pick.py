"""Messages come onto the timeline as the chat has them now, whatever was told of them."""

from dataclasses import replace

import pytest

from bot.domain.messages import ChatFile, ChatMessage, Unread
from bot.domain.run import VIA_EVENT, VIA_SHORTCUT, Run, RunStatus, Source
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Entry, Kind, Person
from bot.engine.admission import Command
from tests.fakes import FakeArtifacts, FakeTranscript
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk

WHERE = {"channel": "C1", "ts": "1700000000.000100"}
TOLD = ChatMessage("C1", WHERE["ts"], BEN, "it is the cache", marks=("stopwatch::skin-tone-2",))
PICTURE = ChatFile("F1", "graph.png", "image/png", 3, "https://files.slack.com/1")


@pytest.fixture
async def house() -> Desk:
    house = desk()
    await house.say("start sev3 checkout slow")
    draft, author = Draft(Kind.CHANNEL_OPENED, {"channel": "C1", "name": "inc-1"}), Author(FIRSTFIVE)
    timeline, now = house.ports.timeline, house.ports.clock.now()
    await house.ports.store.write(lambda tx: timeline.append(tx, "INC-1", [draft], author, now))
    return house


def chat(house: Desk) -> FakeTranscript:
    assert isinstance(house.ports.transcript, FakeTranscript)
    return house.ports.transcript


def has(house: Desk, told: ChatMessage) -> None:
    chat(house).messages[told.channel, told.ts] = told


async def hear(house: Desk, by: Person = ADA) -> Run:
    return await take(house, WHERE, by, VIA_EVENT)


async def take(house: Desk, params: dict[str, str], by: Person, via: str) -> Run:
    source = Source(channel="C1", via=via)
    run_id = (await house.admission.admit(Command("pick", params, by, source, incident_id="INC-1"))).run_id
    await house.work(lambda: house.state.runs[run_id].status.ended)
    ended: Run = house.state.runs[run_id]
    return ended


def kept(house: Desk) -> list[Entry]:
    kinds = {Kind.MESSAGE, Kind.MESSAGE_EDITED, Kind.MESSAGE_REMOVED, Kind.CHAT_FAILED}
    return [entry for entry in house.chain() if entry.kind in kinds]


async def test_a_marked_message_is_its_author_s_and_of_its_time(house: Desk) -> None:
    has(house, TOLD)
    await hear(house)
    (entry,) = kept(house)
    assert (entry.actor, entry.at_us) == (BEN.id, 1_700_000_000_000_100)
    assert (entry.facts["how"], entry.facts["by"]) == ("stopwatch", "Ada")


async def test_a_pin_counts_where_only_the_list_of_pins_tells_it(house: Desk) -> None:
    has(house, replace(TOLD, marks=("eyes",)))
    await hear(house)
    assert kept(house) == []
    chat(house).pins.add(WHERE["ts"])
    await hear(house)
    assert [entry.facts["how"] for entry in kept(house)] == ["pin"]


async def test_what_happens_to_it_is_told_once_each(house: Desk) -> None:
    has(house, TOLD)
    await hear(house)
    for _ in range(2):
        has(house, replace(TOLD, text="it is the router"))
        await hear(house)
    for _ in range(2):
        has(house, replace(TOLD, marks=()))
        await hear(house, BEN)
    has(house, TOLD)
    await hear(house)
    del chat(house).messages["C1", WHERE["ts"]]
    for _ in range(2):
        await hear(house)
    found = [entry.kind for entry in kept(house)]
    assert found == [Kind.MESSAGE, Kind.MESSAGE_EDITED, Kind.MESSAGE_REMOVED, Kind.MESSAGE, Kind.MESSAGE_REMOVED]


async def test_a_change_of_what_is_not_there_asks_the_chat_nothing(house: Desk) -> None:
    chat(house).refusals = [Unread("missing_scope")]
    await take(house, {**WHERE, "changed": "yes"}, ADA, VIA_EVENT)
    assert kept(house) == []


async def test_its_files_are_kept_and_what_could_not_be_is_said(house: Desk) -> None:
    lost = replace(PICTURE, id="F2", name="gone.png")
    notes = replace(PICTURE, id="F3", name="env.txt", mimetype="text/plain")
    has(house, replace(TOLD, files=(PICTURE, lost, notes)))
    chat(house).contents |= {"F1": b"png", "F3": b"password=hunter2hunter2"}
    await hear(house)
    files = {file["name"]: file for file in kept(house)[0].facts["files"]}
    artifacts = house.ports.artifacts
    assert isinstance(artifacts, FakeArtifacts)
    assert artifacts.kept[files["graph.png"]["sha256"]] == b"png"
    assert files["gone.png"]["missing"] == "Slack does not have its bytes"
    assert b"hunter2" not in artifacts.kept[files["env.txt"]["sha256"]]


async def test_a_chat_that_is_away_is_asked_again(house: Desk) -> None:
    has(house, TOLD)
    chat(house).refusals = [Unread("unanswered", again=True), Unread("ratelimited", again=True)]
    await hear(house)
    assert [entry.kind for entry in kept(house)] == [Kind.MESSAGE]


async def test_what_the_app_may_not_read_is_told_once(house: Desk) -> None:
    chat(house).refusals = [Unread("missing_scope"), Unread("missing_scope")]
    await hear(house)
    await hear(house)
    assert [entry.facts["reason"] for entry in kept(house)] == ["missing_scope"]


async def test_its_menu_tells_what_the_app_cannot_read(house: Desk) -> None:
    chat(house).refusals = [Unread("channel_not_found")]
    params = {"channel": "C9", "ts": WHERE["ts"], "author": BEN.id, "text": "token=abcdefghij1234567890"}
    assert (await take(house, params, ADA, VIA_SHORTCUT)).status is RunStatus.DONE
    (entry,) = kept(house)
    assert (entry.actor, entry.facts["channel"], entry.facts["how"]) == (BEN.id, "C9", "by hand")
    assert "abcdefghij1234567890" not in entry.facts["text"]


async def test_nobody_can_put_words_into_somebody_s_mouth(house: Desk) -> None:
    ended = await house.say(f"pick incident=INC-1 channel=C9 ts={WHERE['ts']} author={BEN.id} text=it-was-me")
    assert "not of INC-1's channel" in ended.reason
    chat(house).refusals = [Unread("missing_scope")]
    await house.say(f"pick incident=INC-1 channel=C1 ts={WHERE['ts']} author={BEN.id} text=it-was-me")
    assert [entry.kind for entry in kept(house)] == [Kind.CHAT_FAILED]


async def test_a_link_names_a_message_too(house: Desk) -> None:
    has(house, replace(TOLD, marks=()))
    said = await house.text("pick incident=INC-1 <https://example.slack.com/archives/C1/p1700000000000100>")
    assert said == "Ben's message of 22:13 UTC is on INC-1's timeline."
    assert "Which message?" in (await house.say("pick incident=INC-1")).reason
