"""What is read again is only what is new, and comes to the same as all of it."""

from datetime import timedelta

import pytest

from bot.domain.errors import IncidentNotFound
from bot.domain.incident import Incident, fold
from bot.domain.timeline import Author, Draft, Entry, Kind, Person
from bot.engine.reading import Reading, Readings
from bot.ports import Tx
from tests.fakes import NOON, FakeStore, FakeTimeline

AUTHOR = Author(Person("U0ADA0001", "Ada"))


class Watched(FakeTimeline):
    """Remembers how many entries each reading took."""

    def __init__(self) -> None:
        self.took: list[int] = []

    def entries(self, tx: Tx, incident_id: str, after: int = 0) -> list[Entry]:
        found = super().entries(tx, incident_id, after)
        self.took.append(len(found))
        return found


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
async def timeline(store: FakeStore) -> Watched:
    opened = Draft(Kind.OPENED, {"title": "5xx", "severity": "SEV2"})
    timeline = Watched()
    await store.write(lambda tx: timeline.open(tx, opened, AUTHOR, NOON))
    return timeline


async def append(store: FakeStore, timeline: Watched, *drafts: Draft) -> None:
    await store.write(lambda tx: timeline.append(tx, "INC-1", drafts, AUTHOR, NOON + timedelta(seconds=9)))


async def whole(store: FakeStore, timeline: Watched) -> tuple[Incident, list[Entry]]:
    entries = await store.read(lambda tx: FakeTimeline.entries(timeline, tx, "INC-1"))
    return fold(entries), entries


async def test_only_what_is_new_is_read_again(store: FakeStore, timeline: Watched) -> None:
    reading = Reading(timeline, "INC-1")
    for more in ((), (Draft(Kind.SEVERITY_SET, {"severity": "SEV1", "was": "SEV2"}),), (Draft(Kind.NOTE),) * 3, ()):
        await append(store, timeline, *more)
        incident = await store.read(reading.read)
        assert (incident, reading.entries) == await whole(store, timeline)
    assert timeline.took == [1, 1, 3, 0]


async def test_blanked_words_are_gone_from_what_was_read(store: FakeStore, timeline: Watched) -> None:
    await append(store, timeline, Draft(Kind.UPDATE, {"text": "a secret"}))
    reading = Reading(timeline, "INC-1")
    assert (await store.read(reading.read)).last_update is not None
    await store.write(lambda tx: timeline.blank(tx, "INC-1", 2))
    await append(store, timeline, Draft(Kind.BLANKED, {"entries": [2], "reason": "a secret"}))
    incident = await store.read(reading.read)
    assert incident.last_update is None
    assert (incident, reading.entries) == await whole(store, timeline)


async def test_a_chain_that_is_another_one_now_is_read_anew(store: FakeStore, timeline: Watched) -> None:
    reading = Reading(timeline, "INC-1")
    await append(store, timeline, Draft(Kind.SERVICE_SET, {"service": "lost"}))
    await store.read(reading.read)
    store.now.chains["INC-1"].pop()  # as a replica does that takes over without the last commit
    await append(store, timeline, Draft(Kind.NOTE), Draft(Kind.NOTE))
    incident = await store.read(reading.read)
    assert (incident, reading.entries) == await whole(store, timeline)


async def test_what_is_not_there_is_not_found(store: FakeStore, timeline: Watched) -> None:
    reading = Reading(timeline, "INC-9")
    with pytest.raises(IncidentNotFound):
        await store.read(reading.read)


async def test_a_long_timeline_is_read_once_whoever_asks(store: FakeStore, timeline: Watched) -> None:
    await append(store, timeline, *(Draft(Kind.NOTE, {"text": "x"}) for _ in range(600)))
    readings = Readings()
    for took in (601, 0):
        incident, entries = await store.read(lambda tx: readings.read(timeline, tx, "INC-1"))
        assert (incident, entries) == await whole(store, timeline)
        assert timeline.took[-1] == took
    entries.clear()
    await store.write(lambda tx: timeline.blank(tx, "INC-1", 9))
    await append(store, timeline, Draft(Kind.BLANKED, {"entries": [9]}))
    assert await store.read(lambda tx: readings.read(timeline, tx, "INC-1")) == await whole(store, timeline)


async def test_short_ones_are_read_anew_and_old_ones_make_room(store: FakeStore, timeline: Watched) -> None:
    readings = Readings()
    assert await store.read(lambda tx: readings.read(timeline, tx, "INC-9")) == (None, [])
    for _ in range(2):
        await store.read(lambda tx: readings.read(timeline, tx, "INC-1"))
        assert timeline.took[-1] == 1
    await append(store, timeline, *(Draft(Kind.NOTE, {"text": "x"}) for _ in range(20_001)))
    for _ in range(2):
        _, entries = await store.read(lambda tx: readings.read(timeline, tx, "INC-1"))
        assert timeline.took[-1] == len(entries) == 20_002
