"""Alerts taken in per second, each delivery durable before it is answered."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median

import playbooks
from bot.adapters.sql.alerts import SqlAlerts
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.alerts import Sender, normalise
from bot.domain.service import Catalog, Service
from bot.engine.intake import AlertPolicy, Intake
from bot.engine.playbook import load
from tests.bench.figures import load as machine
from tests.bench.figures import scratch
from tests.bench.row import Row
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import fake_ports
from tests.unit.alerts import alert, delivery

ALERTS, EACH = 10_000, 100


def run() -> Iterable[Row]:
    """Send new alerts in deliveries of a hundred, as Alertmanager groups them; then the same ones again."""
    with scratch() as folder, fresh_postgres() as postgres:
        for name, url in (("SQLite", fresh_sqlite(Path(folder))), ("Postgres", postgres)):
            fresh, again, worst_ms = asyncio.run(_measure(url))
            notes = f"{ALERTS} in deliveries of {EACH}, slowest {worst_ms:.0f} ms; {machine()}"
            yield Row(f"alerts taken in, {name}", fresh, "/s", at_least=500, notes=notes)
            yield Row(f"alerts known already, {name}", again, "/s", at_least=500)


async def _measure(url: str) -> tuple[float, float, float]:
    store, fake = SqlStore(url), fake_ports(Catalog((Service("checkout", ()),)))
    ports = replace(fake, store=store, timeline=SqlTimeline(), journal=SqlJournal(fake.clock), alerts=SqlAlerts())
    intake = Intake(load(playbooks), ports, AlertPolicy(most=1_000))
    bodies = [
        delivery(*(alert(labels={"instance": f"{n}-{m}"}) for m in range(EACH)), group=f"g{n // 10}")
        for n in range(ALERTS // EACH)
    ]
    rates, worst = [], 0.0
    for _ in range(2):
        took = []
        for body in bodies:
            began = time.perf_counter()
            await intake.take(normalise(body, Sender.ALERTMANAGER), Sender.ALERTMANAGER)
            took.append(time.perf_counter() - began)
        rates.append(EACH / median(took))
        worst = max(worst, *took)
    await store.close()
    return rates[0], rates[1], worst * 1_000
