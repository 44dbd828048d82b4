from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text, update

from bot.adapters.sql.installations import SqlInstallations
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.tables import installation
from bot.adapters.sql.tx import opened
from bot.ports import Installation, Tx
from tests.databases import fresh_sqlite
from tests.fakes import NOON
from tests.integration.contracts.conftest import Ground

ACME = Installation("T1", "acme", "UBOT1", "BBOT1", "xoxb-1", ("chat:write", "commands"), "U1", NOON)
OTHER = Installation("T2", "Bücher", "UBOT2", "BBOT2", "xoxb-2", ("commands",), "U2", NOON)


async def kept(ground: Ground, *given: Installation) -> list[Installation]:
    for one in given:
        await ground.write(lambda tx, one=one: ground.installations.keep(tx, one))  # type: ignore[misc]
    return await ground.read(ground.installations.all)


async def revoked(ground: Ground, team: str, seconds: float) -> bool:
    at = NOON + timedelta(seconds=seconds)
    return await ground.write(lambda tx: ground.installations.revoke(tx, team, at))


async def test_what_a_workspace_gave_is_given_back(ground: Ground) -> None:
    assert await kept(ground) == []
    assert await kept(ground, OTHER, ACME) == [ACME, OTHER]
    assert await ground.heard() == ["installations", "installations"]


async def test_what_it_gives_later_counts(ground: Ground) -> None:
    again = replace(ACME, token="xoxb-3", scopes=("commands",), installed_at=NOON + timedelta(days=1))
    assert await kept(ground, ACME, again) == [again]


async def test_a_token_that_was_taken_back_is_forgotten(ground: Ground) -> None:
    await kept(ground, ACME, OTHER)
    assert await revoked(ground, "T1", 5)
    gone = replace(ACME, token="", revoked_at=NOON + timedelta(seconds=5))
    assert await kept(ground) == [gone, OTHER]
    assert not await revoked(ground, "T1", 9), "it is told twice: as tokens_revoked and as app_uninstalled"
    assert not await revoked(ground, "T3", 9)
    assert await kept(ground, ACME) == [ACME, OTHER]


async def test_what_was_given_later_than_that_is_not_taken_back(ground: Ground) -> None:
    await kept(ground, ACME)
    assert not await revoked(ground, "T1", -1)
    assert await kept(ground) == [ACME]
    assert await ground.heard() == ["installations"]


def test_a_token_shows_in_no_log() -> None:
    assert "xoxb-1" not in repr(ACME)


async def test_a_token_is_sealed_with_the_clients_secret_and_for_its_workspace(tmp_path: Path) -> None:
    store = SqlStore(fresh_sqlite(tmp_path))
    ours = SqlInstallations("client-secret")

    def act(tx: Tx) -> None:
        ours.keep(tx, ACME)
        ours.keep(tx, OTHER)

    await store.write(act)
    rows = await store.read(lambda tx: opened(tx).connection.execute(text("SELECT * FROM installation")).all())
    assert "xoxb" not in str(rows)
    other_secret = await store.read(SqlInstallations("another").all)
    assert [one.token for one in other_secret] == ["", ""]
    taken = update(installation).where(installation.c.team_id == "T2").values(token=rows[0].token)
    await store.write(lambda tx: opened(tx).connection.execute(taken).rowcount)
    assert [one.token for one in await store.read(ours.all)] == ["xoxb-1", ""]
    await store.close()
