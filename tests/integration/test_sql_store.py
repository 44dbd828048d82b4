"""What the SQL store does beyond the contract: groups, failures of the database itself, other processes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.sql.tx import opened
from bot.domain.errors import StoreUnusable
from bot.domain.run import Plan, Run, Source
from bot.domain.timeline import Author, Draft, Kind, Person, verify
from bot.ports import Tx
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import NOON, FakeClock

Act = Callable[[Tx], Any]

ANN = Person("U1", "Ann")
TIMELINE = SqlTimeline()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield fresh_sqlite(tmp_path)
        return
    with fresh_postgres() as postgres:
        yield postgres


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened_store = SqlStore(url)
    yield opened_store
    await opened_store.close()


def run(id_: str) -> Run:
    return Run(id_, Plan("note", {}, ("say",)), ANN, Source(), NOON, id_)


def admit(tx: Tx, id_: str) -> str:
    return SqlJournal(FakeClock()).admit(tx, run(id_))


async def count(store: SqlStore) -> int:
    return await store.read(lambda tx: int(opened(tx).connection.scalar(text("SELECT count(*) FROM run")) or 0))


class Gate:
    """Holds the writer in an act until it is opened, so that others queue up behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def act(self, _: Tx) -> None:
        self.entered.set()
        assert self.go_on.wait(10)


async def gathered(store: SqlStore, gate: Gate, *acts: Act) -> list[object]:
    """Queue acts while the writer is busy, so that all of them form the next group."""
    busy = asyncio.ensure_future(store.write(gate.act))
    await asyncio.to_thread(gate.entered.wait, 10)
    tasks = [asyncio.ensure_future(store.write(act)) for act in acts]
    await asyncio.sleep(0)
    gate.go_on.set()
    await busy
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_acts_that_wait_share_one_commit(store: SqlStore) -> None:
    acts = [partial(admit, id_=f"r{number}") for number in range(50)]
    assert await gathered(store, Gate(), *acts) == [f"r{number}" for number in range(50)]
    assert store.commits == 2
    assert await count(store) == 50


async def test_one_failure_in_a_group_undoes_only_itself(store: SqlStore) -> None:
    def fail(tx: Tx) -> None:
        admit(tx, "lost")
        raise KeyError

    def wrong(tx: Tx) -> None:
        admit(tx, "lost too")
        opened(tx).connection.execute(text("INSERT INTO memo VALUES ('nobody', 'k', 'v', 0)"))

    first, failed, refused, last = await gathered(
        store, Gate(), lambda tx: admit(tx, "a"), fail, wrong, lambda tx: admit(tx, "b")
    )
    assert (first, last) == ("a", "b")
    assert isinstance(failed, KeyError)
    assert "foreign key" in str(refused).lower()
    assert await count(store) == 2


async def test_an_awaiter_that_left_is_skipped(store: SqlStore) -> None:
    gate = Gate()
    busy = asyncio.ensure_future(store.write(gate.act))
    await asyncio.to_thread(gate.entered.wait, 10)
    left = asyncio.ensure_future(store.write(lambda tx: admit(tx, "left")))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.sleep(0)
    gate.go_on.set()
    await busy
    await store.write(lambda tx: admit(tx, "stayed"))
    assert await count(store) == 1


async def test_closing_writes_what_is_queued_and_refuses_what_comes_later(url: str) -> None:
    store = SqlStore(url)
    queued = [asyncio.ensure_future(store.write(partial(admit, id_=f"r{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*queued) == [f"r{n}" for n in range(20)]
    with pytest.raises(StoreUnusable):
        await store.write(lambda tx: admit(tx, "late"))
    await store.close()


async def test_two_event_loops_share_one_store(store: SqlStore) -> None:
    async def many(name: str) -> list[str]:
        return list(await asyncio.gather(*(store.write(partial(admit, id_=f"{name}{n}")) for n in range(30))))

    with ThreadPoolExecutor() as threads:
        loop = asyncio.get_running_loop()
        elsewhere = loop.run_in_executor(threads, lambda: asyncio.run(many("b")))
        here, there = await asyncio.gather(many("a"), elsewhere)
    assert (here, there) == ([f"a{n}" for n in range(30)], [f"b{n}" for n in range(30)])


async def test_a_listener_that_fails_does_not_stop_the_writer(url: str) -> None:
    def listener(_: frozenset[str]) -> None:
        raise ValueError

    store = SqlStore(url, listener)
    assert await store.write(lambda tx: admit(tx, "a")) == "a"
    assert await store.write(lambda tx: admit(tx, "b")) == "b"
    await store.close()


async def test_two_stores_extend_one_chain_without_breaking_it(url: str) -> None:
    stores = [SqlStore(url), SqlStore(url)]
    author = Author(ANN)
    await stores[0].write(lambda tx: TIMELINE.open(tx, Draft(Kind.OPENED, {"title": "x"}), author, NOON))

    async def append(store: SqlStore, text_: str) -> None:
        await store.write(lambda tx: TIMELINE.append(tx, "INC-1", [Draft(Kind.NOTE, {"text": text_})], author, NOON))

    async def open_(store: SqlStore) -> str:
        return await store.write(lambda tx: TIMELINE.open(tx, Draft(Kind.OPENED, {"title": "x"}), author, NOON))

    await asyncio.gather(*(append(store, f"{n}") for n in range(30) for store in stores))
    ids = await asyncio.gather(*(open_(store) for _ in range(10) for store in stores))
    assert sorted(ids, key=lambda id_: int(id_[4:])) == [f"INC-{n}" for n in range(2, 22)]
    entries = await stores[1].read(lambda tx: TIMELINE.entries(tx, "INC-1"))
    assert (len(entries), verify("INC-1", entries).breaks) == (61, ())
    for store in stores:
        await store.close()


@pytest.mark.postgres
async def test_two_processes_that_lock_in_opposite_order_both_get_through() -> None:
    with fresh_postgres() as url:
        stores = [SqlStore(url), SqlStore(url)]
        for _ in range(2):
            await stores[0].write(lambda tx: TIMELINE.open(tx, Draft(Kind.OPENED, {"title": "x"}), Author(ANN), NOON))
        meeting = threading.Barrier(2)

        def meet(_: Tx) -> None:
            with suppress(threading.BrokenBarrierError):
                meeting.wait(2)

        def note(name: str) -> Act:
            return lambda tx: TIMELINE.append(tx, name, [Draft(Kind.NOTE, {"text": "x"})], Author(ANN), NOON)

        results = await asyncio.gather(
            gathered(stores[0], Gate(), note("INC-1"), meet, note("INC-2")),
            gathered(stores[1], Gate(), note("INC-2"), meet, note("INC-1")),
        )
        assert [*results[0], *results[1]] == [None] * 6
        for name in ("INC-1", "INC-2"):
            entries = await stores[0].read(partial(TIMELINE.entries, incident_id=name))
            assert (len(entries), verify(name, entries).breaks) == (3, ())
        for store in stores:
            await store.close()
