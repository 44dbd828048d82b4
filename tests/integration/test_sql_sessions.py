"""Sessions and tokens on both databases and in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.sql.sessions import SqlSessions, SqlTokens
from bot.adapters.sql.store import SqlStore
from bot.domain.sign_in import LIFE, Scope, Session, Token
from bot.domain.timeline import Person
from bot.ports import Sessions, Store, Tokens
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import NOON, FakeSessions, FakeStore, FakeTokens

ADA, BEN = Person("U1", "Ada \U0001f9ee"), Person("U2", "Ben")
SESSION = Session("d1", ADA, "T1", NOON, NOON + LIFE)
TOKEN = Token("t1", "d1", "deploys", Scope.COMMAND, ADA, "T1", NOON, NOON + timedelta(days=30))


@dataclass(frozen=True)
class Ground:
    """Where both are kept."""

    store: Store
    sessions: Sessions
    tokens: Tokens


@asynccontextmanager
async def on(url: str) -> AsyncIterator[Ground]:
    store = SqlStore(url)
    yield Ground(store, SqlSessions(), SqlTokens())
    await store.close()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    if request.param == "memory":
        yield Ground(FakeStore(), FakeSessions(), FakeTokens())
    elif request.param == "sqlite":
        async with on(fresh_sqlite(tmp_path)) as ground:
            yield ground
    else:
        with fresh_postgres() as url:
            async with on(url) as ground:
                yield ground


async def test_a_session_is_kept_until_it_ends_or_is_ended(ground: Ground) -> None:
    others = replace(SESSION, digest="d2"), replace(SESSION, digest="d3", person=BEN)
    since = replace(SESSION, digest="d5", made_at=NOON + timedelta(seconds=1))
    for one in (SESSION, *others, since):
        await ground.store.write(lambda tx, one=one: ground.sessions.keep(tx, one))  # type: ignore[misc]
    assert await ground.store.read(lambda tx: ground.sessions.get(tx, "d1")) == SESSION
    ended = await ground.store.write(lambda tx: [ground.sessions.end(tx, "d1"), ground.sessions.end(tx, "d1")])
    assert ended == [True, False]
    await ground.store.write(lambda tx: ground.sessions.end_all(tx, ADA, NOON))
    kept = await ground.store.read(lambda tx: [ground.sessions.get(tx, digest) for digest in ("d1", "d2", "d3", "d5")])
    assert kept == [None, None, others[1], since]
    later = replace(SESSION, digest="d4", made_at=NOON + LIFE, ends_at=NOON + 2 * LIFE)
    await ground.store.write(lambda tx: ground.sessions.keep(tx, later))
    assert await ground.store.read(lambda tx: ground.sessions.get(tx, "d3")) is None


async def test_a_token_is_kept_used_and_revoked_by_its_owner(ground: Ground) -> None:
    second = replace(TOKEN, id="t2", digest="d2", made_at=NOON + timedelta(seconds=1), scope=Scope.READ)
    for one in (TOKEN, second):
        await ground.store.write(lambda tx, one=one: ground.tokens.keep(tx, one))  # type: ignore[misc]
    await ground.store.write(lambda tx: ground.tokens.use(tx, "t1", NOON))
    used = replace(TOKEN, used_at=NOON)
    assert await ground.store.read(lambda tx: ground.tokens.of(tx, ADA)) == [second, used]
    assert await ground.store.write(lambda tx: ground.tokens.revoke(tx, "t1", BEN, NOON)) is None
    assert await ground.store.write(lambda tx: ground.tokens.revoke(tx, "t1", ADA, NOON)) == used
    assert await ground.store.write(lambda tx: ground.tokens.revoke(tx, "t1", ADA, NOON)) is None
    found = await ground.store.read(lambda tx: ground.tokens.find(tx, "d1"))
    assert found == replace(used, revoked_at=NOON)
    assert not found.holds(NOON)
    assert await ground.store.read(lambda tx: (ground.tokens.of(tx, ADA), ground.tokens.of(tx, BEN))) == ([second], [])
    assert await ground.store.read(lambda tx: ground.tokens.find(tx, "d3")) is None


async def test_who_is_out_is_forgotten_a_bounded_number_at_a_time(ground: Ground) -> None:
    sessions, tokens, store = ground.sessions, ground.tokens, ground.store
    lives = [replace(SESSION, digest=f"s{hour}", ends_at=NOON + timedelta(hours=hour)) for hour in (1, 2, 3, 9)]
    for one in lives:
        await store.write(lambda tx, one=one: sessions.keep(tx, one))  # type: ignore[misc]
    later = NOON + timedelta(hours=4)
    assert [await store.write(lambda tx: sessions.prune(tx, later, 2)) for _ in range(3)] == [2, 1, 0]
    kept = await store.read(lambda tx: [sessions.get(tx, each.digest) for each in lives])
    assert kept == [None, None, None, lives[3]]

    made = [replace(TOKEN, id=f"t{n}", digest=f"d{n}", ends_at=NOON + timedelta(days=n)) for n in (1, 2, 3, 9)]
    for token in made:
        await store.write(lambda tx, token=token: tokens.keep(tx, token))  # type: ignore[misc]
    await store.write(lambda tx: tokens.revoke(tx, "t9", ADA, NOON))
    after = NOON + timedelta(days=2, hours=1)
    assert [await store.write(lambda tx: tokens.prune(tx, after, 2)) for _ in range(3)] == [2, 1, 0]
    left = await store.read(lambda tx: [tokens.find(tx, each.digest) for each in made])
    assert left == [None, None, made[2], None]
