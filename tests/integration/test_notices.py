"""What one process commits, the others hear; after a cut line they look at everything."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.side import SlackSide
from bot.adapters.slack.workspaces import Workspaces
from bot.adapters.sql.installations import SqlInstallations
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.notices import EVERYTHING, Notices, payloads
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.surfaces import SqlSurfaces
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.sql.tx import opened
from bot.domain.service import Catalog
from bot.ports import Installation, Tx
from tests.databases import fresh_postgres
from tests.fakes import NOON, FakeArtifacts, FakeClock

ACME = Installation("T1", "acme", "UBOT1", "BBOT1", "xoxb-1", ("commands",), "U1", NOON)
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


@pytest.mark.postgres
async def test_a_workspace_that_one_lets_in_or_loses_is_known_to_the_other() -> None:
    with fresh_postgres() as url:
        async with registry_on(url) as one, registry_on(url) as other:
            await one.keep(ACME)
            await until(lambda: other.of(ACME.team) is not None)
            await other.revoke(ACME.team, ACME.installed_at + timedelta(seconds=5))
            await until(lambda: one.of(ACME.team) is None)
            assert [given.team for given in one.lost] == [ACME.team]


@asynccontextmanager
async def registry_on(url: str) -> AsyncIterator[Workspaces]:
    """Run a process's registry of workspaces, which looks at nothing by itself: its clock stands still."""

    def heard(topics: frozenset[str]) -> None:
        side.heard(topics)

    notices = Notices(url, heard)
    store = SqlStore(url, before_commit=notices.tell)
    kept: Any = {"timeline": SqlTimeline(), "surfaces": SqlSurfaces(), "marks": SqlMarks()}
    seen: Any = {"store": store, "clock": FakeClock(), "artifacts": FakeArtifacts(), "catalog": Catalog()}
    slack = SlackConfig("", "secret", api_url="http://127.0.0.1:9/api/")
    side = SlackSide(slack, **kept, **seen, installations=SqlInstallations("a secret of ours"))
    await notices.start()
    await side.workspaces.start()
    try:
        yield side.workspaces
    finally:
        await side.workspaces.end()
        await notices.stop()
        await store.close()


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not look():  # noqa: ASYNC110 - a registry has no event
            await asyncio.sleep(0.01)
