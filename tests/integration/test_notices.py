"""What one process commits, the others hear; after a cut line they look at everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from bot.adapters.sql.notices import EVERYTHING, Notices, payloads
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.tx import opened
from bot.ports import Tx
from tests.databases import fresh_postgres

RUNS = [f"run:{n:012}.sop.snapshot" for n in range(2_000)]


def test_payloads_hold_every_topic_and_are_short_enough() -> None:
    sent = list(payloads("me", [*RUNS, "ж" * 300]))
    assert max(len(payload.encode()) for payload in sent) < 8_000
    assert sorted(topic for payload in sent for topic in payload.split("\n")[1:]) == sorted([*RUNS, "ж" * 300])
    assert {payload.split("\n")[0] for payload in sent} == {"me"}


def test_a_topic_too_long_for_any_payload_is_left_out() -> None:
    assert list(payloads("me", ["x" * 8_000, "short"])) == ["me\nshort"]
    assert list(payloads("me", [])) == []


@dataclass
class Process:
    store: SqlStore
    notices: Notices
    heard: list[str] = field(default_factory=list)

    async def touch(self, *topics: str) -> None:
        def act(tx: Tx) -> None:
            opened(tx).topics.update(topics)

        await self.store.write(act)

    async def until_heard(self, *topics: str) -> None:
        async with asyncio.timeout(5):
            while not set(topics) <= set(self.heard):  # noqa: ASYNC110 - a list has no event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def process_on(url: str) -> AsyncIterator[Process]:
    heard: list[str] = []
    notices = Notices(url, heard.extend)
    made = Process(SqlStore(url, before_commit=notices.tell), notices, heard)
    assert notices.ailment()
    await notices.start()
    await made.until_heard(EVERYTHING)
    try:
        yield made
    finally:
        await notices.stop()
        await made.store.close()


@pytest.mark.postgres
async def test_what_one_commits_the_other_hears() -> None:
    with fresh_postgres() as url:
        async with process_on(url) as one, process_on(url) as other:
            await one.touch("runs", "incident:INC-1", *RUNS)
            await other.until_heard("runs", "incident:INC-1", *RUNS)
            await other.touch("replies")
            await one.until_heard("replies")
            assert one.heard == [EVERYTHING, "replies"]

            def act(tx: Tx) -> None:
                opened(tx).topics.add("never")
                raise ValueError("no")

            with pytest.raises(ValueError, match="no"):
                await one.store.write(act)
            await one.touch("last")
            await other.until_heard("last")
            assert "never" not in other.heard


@pytest.mark.postgres
async def test_after_a_cut_line_everything_may_have_changed() -> None:
    with fresh_postgres() as url:
        async with process_on(url) as one, process_on(url) as other:
            assert one.notices.ailment() is None
            other.heard.clear()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            await other.until_heard(EVERYTHING)
            await one.until_heard(EVERYTHING)
            await asyncio.sleep(0.1)
            await one.touch("again")
            await other.until_heard("again")
            assert other.notices.ailment() is None
