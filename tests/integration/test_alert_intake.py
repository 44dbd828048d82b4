"""Alerts against a real database: replicas that hear the same thing at once, and a storm."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.sql.alerts import SqlAlerts
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.alerts import Do, Sender, normalise
from bot.engine.intake import AlertPolicy, Intake
from bot.engine.ports import Ports
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import NOON, fake_ports
from tests.unit.alerts import Json, alert, delivery
from tests.unit.playbooks.desk import CATALOG, REGISTRY


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        yield fresh_sqlite(tmp_path) if request.param == "sqlite" else stack.enter_context(fresh_postgres())


def ports(store: SqlStore) -> Ports:
    fake = fake_ports(CATALOG)
    return replace(fake, store=store, timeline=SqlTimeline(), journal=SqlJournal(fake.clock), alerts=SqlAlerts())


def intake(store: SqlStore) -> Intake:
    return Intake(REGISTRY, ports(store), AlertPolicy())


def alerts(count: int, groups: int) -> list[list[Json]]:
    return [
        [alert(labels={"instance": f"{group}-{number}"}) for number in range(count // groups)]
        for group in range(groups)
    ]


async def groups(store: SqlStore) -> list[int]:
    """Count the alerts that fire in each group."""
    found = await store.read(lambda tx: SqlAlerts().begun(tx, Do.OPEN, NOON))
    return [group.firing for group in found]


async def test_replicas_that_are_told_the_same_at_once_begin_one_run(url: str) -> None:
    stores = [SqlStore(url) for _ in range(3)] if url.startswith("postgres") else [SqlStore(url)]
    sent = normalise(delivery(*alerts(50, 1)[0]), Sender.ALERTMANAGER)
    replicas = [intake(store) for store in stores]
    taken = await asyncio.gather(*(each.take(sent, Sender.ALERTMANAGER) for each in replicas * 4))
    assert sorted(each.news for each in taken) == [0] * (len(taken) - 1) + [50]
    assert sum(len(each.runs) for each in taken) == 1
    assert await groups(stores[0]) == [50]
    for store in stores:
        await store.close()


async def test_a_storm_begins_the_runs_it_should_and_keeps_every_alert(url: str) -> None:
    store = SqlStore(url)
    house = intake(store)
    runs = 0
    for number, group in enumerate(alerts(1_000, 5)):
        for half in (group[:100], group[100:], group):
            taken = await house.take(
                normalise(delivery(*half, group=f"g{number}"), Sender.ALERTMANAGER), Sender.ALERTMANAGER
            )
            runs += len(taken.runs)
    assert runs == 5
    assert await groups(store) == [200] * 5
    await store.close()
