import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

import migrations
from bot.adapters.sql.engines import writing
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.tables import REVISION, metadata
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.errors import StoreUnusable
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.timeline import HOUSE, Author, Draft, Entry, Kind, Person, verify
from bot.ports import Tx
from migrations.versions import r0002_queue_of_runs
from tests.databases import empty_postgres, empty_sqlite
from tests.fakes import NOON, FakeClock
from tests.integration.contracts.test_listing import TOLD
from tests.samples import BOTS

pytestmark = BOTS


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield empty_sqlite(tmp_path)
        return
    with empty_postgres() as postgres:
        yield postgres


def tables(url: str) -> set[str]:
    engine = writing(url)
    found = set(inspect(engine).get_table_names()) - {"alembic_version"}
    engine.dispose()
    return found


def queue(url: str) -> set[str]:
    """Name what the engine keeps on Postgres."""
    names = {"procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers", "procrastinate_workers"}
    return names if url.startswith("postgresql") else set()


def test_up_down_and_up_again(url: str) -> None:
    assert migrations.current(url) == ""
    migrations.upgrade(url)
    assert migrations.current(url) == REVISION
    assert tables(url) == set(metadata.tables) | queue(url)
    migrations.downgrade(url, "base")
    assert migrations.current(url) == ""
    assert tables(url) == set()
    migrations.upgrade(url)
    migrations.upgrade(url)
    assert tables(url) == set(metadata.tables) | queue(url)


def test_tables_in_the_code_are_those_of_the_migrations(url: str) -> None:
    migrations.upgrade(url)
    migrations.check(url)


def test_the_queue_of_runs_is_the_one_that_procrastinate_expects() -> None:
    newest = max(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    assert newest == r0002_queue_of_runs.PROCRASTINATE_AT


def test_the_code_expects_the_newest_revision() -> None:
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == REVISION


async def test_a_schema_that_is_not_there_is_named(url: str) -> None:
    store = SqlStore(url)
    with pytest.raises(StoreUnusable, match="firstfive migrate"):
        await store.ping()
    with pytest.raises(StoreUnusable, match="firstfive migrate"):
        await store.read(SqlTimeline().chains)
    migrations.upgrade(url)
    await store.ping()
    await store.write(lambda tx: SqlTimeline().open(tx, Draft(Kind.OPENED, {}), Author(Person("U1", "A")), NOON))
    await store.close()


async def test_a_schema_of_another_release_is_named(url: str) -> None:
    migrations.upgrade(url)
    _execute(url, "UPDATE alembic_version SET version_num = '9999'")
    store = SqlStore(url)
    with pytest.raises(StoreUnusable, match="9999"):
        await store.ping()
    await store.close()


async def test_a_process_stays_ready_while_the_next_release_migrates(url: str) -> None:
    migrations.upgrade(url)
    store = SqlStore(url)
    await store.ping()
    _execute(url, "UPDATE alembic_version SET version_num = '9999'")
    await store.ping()
    await store.close()


TAMPERINGS = [
    "DELETE FROM entry",
    "DELETE FROM entry WHERE seq = 2",
    "UPDATE entry SET body = '{}'",
    "UPDATE entry SET at_us = at_us + 1",
    "UPDATE entry SET actor_name = 'nobody', body = NULL",
    "UPDATE entry SET seq = seq + 10",
    "UPDATE entry SET hash = prev",
    "UPDATE entry SET incident_id = 'INC-9'",
]


@pytest.mark.parametrize("statement", TAMPERINGS)
async def test_the_database_refuses_to_change_the_timeline(url: str, statement: str) -> None:
    before = await _incident(url)
    with pytest.raises(DBAPIError, match="append-only"):
        _execute(url, statement)
    assert await _entries(url) == before


async def test_sqlite_refuses_to_replace_an_entry(tmp_path: Path) -> None:
    url = empty_sqlite(tmp_path)
    before = await _incident(url)
    with pytest.raises(DBAPIError, match="append-only"):
        _execute(url, "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE seq = 2")
    assert await _entries(url) == before


@pytest.mark.postgres
async def test_postgres_refuses_to_truncate_the_timeline() -> None:
    with empty_postgres() as url:
        before = await _incident(url)
        with pytest.raises(DBAPIError, match="append-only"):
            _execute(url, "TRUNCATE entry")
        assert await _entries(url) == before


async def test_a_body_may_be_blanked_and_stays_blank(url: str) -> None:
    await _incident(url)
    _execute(url, "UPDATE entry SET body = NULL WHERE seq = 2")
    _execute(url, "UPDATE entry SET body = NULL WHERE seq = 2")
    with pytest.raises(DBAPIError, match="append-only"):
        _execute(url, 'UPDATE entry SET body = \'{"text":"other"}\' WHERE seq = 2')
    entries = await _entries(url)
    audit = verify("INC-1", entries)
    assert (audit.breaks, audit.blanked, audit.entries) == ((), 1, 3)


def test_a_failing_migration_leaves_nothing_behind(url: str) -> None:
    _execute(url, "CREATE TABLE surface (id TEXT)")
    with pytest.raises(StoreUnusable, match="surface"):
        migrations.upgrade(url)
    assert tables(url) == {"surface"}


async def test_rows_of_before_say_what_their_timelines_do(url: str) -> None:
    migrations.upgrade(url)
    store, timeline, author = SqlStore(url), SqlTimeline(), Author(Person("U1", "Ann"))

    def fill(tx: Tx) -> None:
        for number in range(1, 12):
            timeline.open(tx, Draft(Kind.OPENED, {"title": f"Slow {number}"}), author, NOON)
        timeline.append(tx, HOUSE, TOLD, author, NOON)
        timeline.append(tx, "INC-2", [*TOLD, Draft(Kind.NOTE, {"text": "x"})], author, NOON)
        timeline.blank(tx, "INC-10", 1)

    await store.write(fill)
    await store.close()
    before = _execute(url, "SELECT * FROM incident ORDER BY number")
    migrations.downgrade(url, "0009")
    migrations.upgrade(url)
    assert _execute(url, "SELECT * FROM incident ORDER BY number") == before
    assert [row.words.partition(" ")[0] for row in before] == [f"inc-{number}" for number in range(1, 12)]


async def test_artifacts_of_before_are_named_by_their_incidents(url: str) -> None:
    migrations.upgrade(url)
    store, timeline, journal = SqlStore(url), SqlTimeline(), SqlJournal(FakeClock())
    author, digests = Author(Person("U1", "Ann")), [letter * 64 for letter in "abcd"]

    def fill(tx: Tx) -> None:
        for name in (*(timeline.open(tx, Draft(Kind.OPENED, {}), author, NOON) for _ in range(2)), HOUSE):
            timeline.append(tx, name, [Draft(Kind.ARTIFACT, {"sha256": digests[0]})], author, NOON)
        for run_id, incident_id in (("r1", "INC-2"), ("r2", "")):
            source, plan = Source(), Plan("snapshot", {"artifact": digests[3]}, ())
            journal.admit(tx, Run(run_id, plan, author.person, source, NOON, run_id, incident_id))
            memory = journal.claim(tx, run_id, NOON)
            assert memory is not None
            journal.remember(tx, memory.run, "parts", json.dumps([{"sha256": digests[1]}]), NOON)
            result = {"artifact": digests[2], "text": digests[3]}
            journal.end(tx, replace(memory.run, status=RunStatus.DONE, result=result, ended_at=NOON))

    await store.write(fill)
    await store.close()
    before = _execute(url, "SELECT * FROM naming ORDER BY sha256, incident_id")
    migrations.downgrade(url, "0010")
    migrations.upgrade(url)
    assert _execute(url, "SELECT * FROM naming ORDER BY sha256, incident_id") == before
    whose = [("INC-1", 0), ("INC-2", 0), ("INC-2", 1), ("INC-2", 2)]
    assert [tuple(row) for row in before] == [(digests[which], name) for name, which in whose]


async def _incident(url: str) -> list[Entry]:
    migrations.upgrade(url)
    store, timeline = SqlStore(url), SqlTimeline()
    author, now = Author(Person("U1", "Ann")), NOON
    incident_id = await store.write(lambda tx: timeline.open(tx, Draft(Kind.OPENED, {"title": "x"}), author, now))
    notes = [Draft(Kind.NOTE, {"text": text}) for text in ("one", "two")]
    await store.write(lambda tx: timeline.append(tx, incident_id, notes, author, now))
    await store.close()
    return await _entries(url)


async def _entries(url: str) -> list[Entry]:
    store = SqlStore(url)
    entries = await store.read(lambda tx: SqlTimeline().entries(tx, "INC-1"))
    await store.close()
    return entries


def _execute(url: str, statement: str) -> list[Any]:
    engine = writing(url)
    try:
        with engine.begin() as connection:
            done = connection.execute(text(statement))
            return list(done) if done.returns_rows else []
    finally:
        engine.dispose()
