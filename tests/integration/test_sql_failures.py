"""What becomes of writes when the database itself fails: each awaiter is told, and it goes on when it can."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from bot.adapters.sql.engines import address
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.tx import opened
from bot.domain.errors import StoreUnusable
from bot.ports import Tx
from tests.databases import fresh_postgres, fresh_sqlite
from tests.integration.test_sql_store import Gate, admit, count, gathered

FILL = "x" * 200_000


@pytest.fixture
async def postgres() -> AsyncIterator[tuple[SqlStore, str]]:
    with fresh_postgres() as url:
        store = SqlStore(url)
        yield store, url
        await store.close()


async def test_a_full_disk_fails_the_whole_group_and_heals(tmp_path: Path) -> None:
    url = fresh_sqlite(tmp_path)
    store = SqlStore(url)
    await store.write(lambda tx: admit(tx, "before"))
    _limit(store, tmp_path, pages=1)

    def fill(tx: Tx) -> None:
        admit(tx, "filler")
        opened(tx).connection.execute(text("INSERT INTO memo VALUES ('filler', 'k', :v, 0)"), {"v": FILL})

    results = await gathered(store, Gate(), partial(admit, id_="a"), fill, partial(admit, id_="b"))
    assert [type(result) for result in results] == [StoreUnusable] * 3
    assert "disk is full" in str(results[0])
    assert await count(store) == 1
    _limit(store, tmp_path, pages=100_000)
    await store.ping()
    await store.write(fill)
    assert await count(store) == 2
    await store.close()


async def test_a_database_locked_by_another_process_is_named(tmp_path: Path) -> None:
    url = fresh_sqlite(tmp_path)
    store = SqlStore(f"{url}?timeout=0.05")
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnusable, match="locked"):
        await store.write(lambda tx: admit(tx, "a"))
    with pytest.raises(StoreUnusable, match="locked"):
        await store.ping()
    assert await count(store) == 0
    other.execute("ROLLBACK")
    other.close()
    await store.ping()
    assert await store.write(lambda tx: admit(tx, "a")) == "a"
    await store.close()


async def test_what_its_giver_gave_up_is_not_done_later(tmp_path: Path) -> None:
    url = fresh_sqlite(tmp_path)
    store = SqlStore(url)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.write(lambda tx: admit(tx, "a")))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await waiting
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(lambda tx: admit(tx, "b")) == "b"
    assert await count(store) == 1
    await store.close()


async def test_what_is_given_up_before_its_commit_is_undone_and_the_others_are_kept(tmp_path: Path) -> None:
    store, gate, in_mid_act = SqlStore(fresh_sqlite(tmp_path)), Gate(), Gate()

    def act(tx: Tx) -> None:
        admit(tx, "a")
        in_mid_act.act(tx)

    busy = asyncio.create_task(store.write(gate.act))
    await asyncio.to_thread(gate.entered.wait, 10)
    given_up, kept = (asyncio.create_task(store.write(each)) for each in (act, partial(admit, id_="b")))
    await asyncio.sleep(0)
    gate.go_on.set()
    await asyncio.to_thread(in_mid_act.entered.wait, 10)
    given_up.cancel()
    await asyncio.wait([given_up])
    in_mid_act.go_on.set()
    assert await kept == "b"
    await busy
    assert await count(store) == 1
    await store.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"this is a text file, not a database\n" * 100)
    store = SqlStore(f"sqlite:///{tmp_path}/x.sqlite")
    with pytest.raises(StoreUnusable, match="not a database"):
        await store.ping()
    await store.close()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://u@h/d", "mysql"),
        ("nonsense", "DATABASE_URL"),
        ("", "DATABASE_URL"),
        ("sqlite://", "file"),
        ("sqlite:///:memory:", "file"),
        ("sqlite:////proc/nowhere/x.sqlite", "folder"),
        ("postgresql://u:secret@h:port/d", "DATABASE_URL"),
    ],
)
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str, what: str) -> None:
    with pytest.raises(StoreUnusable, match=what) as refused:
        address(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_a_postgres_url_is_taken(scheme: str) -> None:
    assert address(f"{scheme}://u@h/d").drivername == "postgresql+psycopg"


async def test_a_server_that_is_not_there_is_named() -> None:
    store = SqlStore("postgresql://u:secret@127.0.0.1:9/d")
    for ask in (store.ping, lambda: store.read(lambda _: 1)):
        with pytest.raises(StoreUnusable, match="refused") as refused:
            await ask()
        assert "secret" not in str(refused.value)
    await store.close()


@pytest.mark.postgres
async def test_postgres_is_found_again_after_it_cut_every_connection(postgres: tuple[SqlStore, str]) -> None:
    store, url = postgres
    await store.write(lambda tx: admit(tx, "a"))
    assert await count(store) == 1
    _cut(url)
    assert await asyncio.gather(*(store.write(partial(admit, id_=f"b{n}")) for n in range(8)))
    assert await count(store) == 9


@pytest.mark.postgres
async def test_a_connection_cut_in_the_middle_of_a_group_loses_and_repeats_nothing(
    postgres: tuple[SqlStore, str],
) -> None:
    store, url = postgres
    cuts = [True]

    def cut(tx: Tx) -> str:
        if cuts:
            cuts.pop()
            _cut(url)
        return admit(tx, "c")

    results = await gathered(store, Gate(), partial(admit, id_="a"), cut, partial(admit, id_="d"))
    assert results == ["a", "c", "d"]
    assert await count(store) == 3


def _limit(store: SqlStore, folder: Path, pages: int) -> None:
    """Let the writer's database grow no more; SQLite then says what it says on a full disk."""
    assert folder.exists()
    engine = store._writing
    engine.dispose()

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")


def _cut(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
