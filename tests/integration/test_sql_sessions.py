"""Sessions and tokens on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.sql.sessions import SqlSessions, SqlTokens
from bot.adapters.sql.store import SqlStore
from bot.domain.sign_in import LIFE, Scope, Session, Token
from bot.domain.timeline import Person
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import NOON

ADA, BEN = Person("U1", "Ada \U0001f9ee"), Person("U2", "Ben")
SESSIONS, TOKENS = SqlSessions(), SqlTokens()
SESSION = Session("d1", ADA, "T1", NOON, NOON + LIFE)
TOKEN = Token("t1", "d1", "deploys", Scope.COMMAND, ADA, "T1", NOON, NOON + timedelta(days=30))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    if request.param == "sqlite":
        store = SqlStore(fresh_sqlite(tmp_path))
        yield store
        await store.close()
        return
    with fresh_postgres() as url:
        store = SqlStore(url)
        yield store
        await store.close()


async def test_a_session_is_kept_until_it_ends_or_is_ended(store: SqlStore) -> None:
    others = replace(SESSION, digest="d2"), replace(SESSION, digest="d3", person=BEN)
    for one in (SESSION, *others):
        await store.write(lambda tx, one=one: SESSIONS.keep(tx, one))  # type: ignore[misc]
    assert await store.read(lambda tx: SESSIONS.get(tx, "d1")) == SESSION
    assert await store.write(lambda tx: [SESSIONS.end(tx, "d1"), SESSIONS.end(tx, "d1")]) == [True, False]
    await store.write(lambda tx: SESSIONS.end_all(tx, ADA))
    kept = await store.read(lambda tx: [SESSIONS.get(tx, digest) for digest in ("d1", "d2", "d3")])
    assert kept == [None, None, others[1]]
    later = replace(SESSION, digest="d4", made_at=NOON + LIFE, ends_at=NOON + 2 * LIFE)
    await store.write(lambda tx: SESSIONS.keep(tx, later))
    assert await store.read(lambda tx: SESSIONS.get(tx, "d3")) is None


async def test_a_token_is_kept_used_and_revoked_by_its_owner(store: SqlStore) -> None:
    second = replace(TOKEN, id="t2", digest="d2", made_at=NOON + timedelta(seconds=1), scope=Scope.READ)
    for one in (TOKEN, second):
        await store.write(lambda tx, one=one: TOKENS.keep(tx, one))  # type: ignore[misc]
    await store.write(lambda tx: TOKENS.use(tx, "t1", NOON))
    used = replace(TOKEN, used_at=NOON)
    assert await store.read(lambda tx: TOKENS.of(tx, ADA)) == [second, used]
    assert await store.write(lambda tx: TOKENS.revoke(tx, "t1", BEN, NOON)) is None
    assert await store.write(lambda tx: TOKENS.revoke(tx, "t1", ADA, NOON)) == used
    assert await store.write(lambda tx: TOKENS.revoke(tx, "t1", ADA, NOON)) is None
    found = await store.read(lambda tx: TOKENS.find(tx, "d1"))
    assert found == replace(used, revoked_at=NOON)
    assert not found.holds(NOON)
    assert await store.read(lambda tx: (TOKENS.of(tx, ADA), TOKENS.of(tx, BEN))) == ([second], [])
    assert await store.read(lambda tx: TOKENS.find(tx, "d3")) is None
