"""What years of use cost: the same work over 10 incidents and over 10,000 with a million entries, in turns.

Both houses have the same ten open incidents, the longest with 10,000 entries: what grows is only what has ended.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import aiohttp
from sqlalchemy import event

import playbooks
from bot.adapters.clock import SystemClock
from bot.adapters.slack.blocks import Around
from bot.adapters.slack.card import card
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.sql.tx import opened
from bot.domain.run import Run, Source
from bot.domain.timeline import Author, Draft, Kind, Person, verify
from bot.engine.playbook import load, plan_of
from bot.engine.reading import Reading
from bot.ports import Tx
from tests.bench.bench_process import NO_SLACK
from tests.bench.figures import load as machine
from tests.bench.figures import scratch
from tests.bench.grown import LONG, Grown, fill
from tests.bench.row import Row
from tests.databases import fresh_postgres, fresh_sqlite
from tests.stack import Bot, free_port

YOUNG, OLD = Grown(10, 13_000), Grown(10_000, 1_000_000)
TURNS = 40
_LONG_AGO = datetime(2023, 1, 1, tzinfo=UTC)
LISTED = 100
GROWTH = 2.0
ADA = Person("U0ADA0001", "Ada")

TIMELINE, JOURNAL = SqlTimeline(), SqlJournal(SystemClock())
Act = Callable[[SqlStore, Grown], Awaitable[object]]


@dataclass(frozen=True)
class Pair:
    """A young house and an old one on the same kind of database."""

    kind: str
    young: str
    old: str


def run() -> Iterable[Row]:
    """Fill both stores, then measure; what writes comes last."""
    with scratch() as folder, fresh_postgres() as young, fresh_postgres() as old:
        for pair in (Pair("SQLite", fresh_sqlite(folder), fresh_sqlite(folder)), Pair("Postgres", young, old)):
            began = time.perf_counter()
            fill(pair.young, YOUNG)
            fill(pair.old, OLD)
            filled_s = time.perf_counter() - began
            yield from _verified(pair, folder)
            yield from asyncio.run(_grown(pair, f"filled in {filled_s:.0f} s; {machine()}"))
            if pair.kind == "SQLite":
                yield from _digested(pair, folder)
                yield from asyncio.run(_cards(pair))
                yield from asyncio.run(_served(pair, folder))


async def _grown(pair: Pair, notes: str) -> list[Row]:
    """Compare reads and writes."""
    young, old = SqlStore(pair.young), SqlStore(pair.old)
    plan = await _plan_of_list(old)
    rows = [
        await _compared(f"list of open incidents, {pair.kind}", _list, young, old, f"{plan}; {notes}"),
        await _compared(f"incident of a channel, {pair.kind}", _of_channel, young, old),
        await _compared(f"one command's write, {pair.kind}", _write, young, old, "run and entry, the longest timeline"),
        await _nightly(f"heads for the anchor, {pair.kind}", TIMELINE.heads, old),
        await _nightly(f"words that outlived retention, {pair.kind}", _outlived, old),
    ]
    await young.close()
    await old.close()
    return rows


async def _compared(name: str, act: Act, young: SqlStore, old: SqlStore, notes: str = "") -> Row:
    """Take turns, and compare the best of each: what others do on this machine only adds."""
    took: dict[SqlStore, list[float]] = {young: [], old: []}
    for _ in range(TURNS):
        for store, grown in ((young, YOUNG), (old, OLD)):
            began = time.perf_counter()
            await act(store, grown)
            took[store].append((time.perf_counter() - began) * 1_000)
    return _growth(name, [min(took[young]), min(took[old])], "ms", notes)


def _growth(name: str, best: Sequence[float], unit: str, notes: str = "") -> Row:
    young, old = best
    told = f"{old:.3g} {unit} against {young:.3g} {unit}"
    return Row(name, old / young, "x", at_most=GROWTH, notes=f"{told}; {notes}" if notes else told)


def _list(store: SqlStore, _: Grown) -> Awaitable[object]:
    return store.read(lambda tx: TIMELINE.incidents(tx, limit=LISTED))


def _of_channel(store: SqlStore, grown: Grown) -> Awaitable[object]:
    return store.read(lambda tx: TIMELINE.incident_of(tx, f"C{grown.open_ones[-1]}"))


def _write(store: SqlStore, grown: Grown) -> Awaitable[object]:
    now, run_id = datetime.now(UTC), token_hex(6)
    note = plan_of(_REGISTRY, "note", {"text": "The error ratio is back."})
    run_ = Run(id=run_id, plan=note, actor=ADA, source=Source(via="api"), created_at=now, slot=run_id)
    draft = Draft(Kind.NOTE, {"text": "The error ratio is back."})

    def act(tx: Tx) -> None:
        JOURNAL.admit(tx, run_)
        TIMELINE.append(tx, f"INC-{grown.open_ones[len(LONG) - 1]}", [draft], Author(ADA, run_id), now)

    return store.write(act)


_REGISTRY = load(playbooks)


def _outlived(tx: Tx) -> object:
    return TIMELINE.outlived(tx, (Kind.NOTE, Kind.UPDATE), _LONG_AGO)


async def _nightly(name: str, act: Callable[[Tx], object], store: SqlStore) -> Row:
    """Time what is looked for once a night, and may look at everything."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        await store.read(act)
        took.append(time.perf_counter() - began)
    return Row(name, min(took), "s", at_most=5, notes="once a night, in a thread of readers")


async def _plan_of_list(store: SqlStore) -> str:
    """Give how the database finds the open incidents."""

    def act(tx: Tx) -> str:
        connection = opened(tx).connection
        said: list[tuple[str, Any]] = []
        event.listen(connection, "before_cursor_execute", lambda *told: said.append((told[2], told[3])), once=True)
        TIMELINE.incidents(tx, limit=LISTED)
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        statement, given = said[0]
        plan = connection.exec_driver_sql(f"{explain} {statement}", given).all()
        return ", ".join(str(row[-1]).strip(" ->").partition("  (")[0] for row in plan)

    return await store.read(act)


async def _cards(pair: Pair) -> list[Row]:
    """Refresh the cards of the incidents of every length, after one new entry each."""
    store, rows, best = SqlStore(pair.old), [], {}
    for number, length in zip(OLD.open_ones, LONG, strict=False):
        reading = Reading(TIMELINE, f"INC-{number}")
        began = time.perf_counter()
        await store.read(reading.read)
        first_ms = (time.perf_counter() - began) * 1_000
        best[length] = min([await _refreshed(store, reading) for _ in range(TURNS)])
        began = time.perf_counter()
        assert not verify(f"INC-{number}", reading.entries).breaks
        verified_ms = (time.perf_counter() - began) * 1_000
        notes = f"read for the first time in {first_ms:.3g} ms, verified in {verified_ms:.3g} ms"
        rows.append(Row(f"card refresh, {length} entries", best[length], "ms", notes=notes))
    await store.close()
    return [*rows, _growth("card refresh, 10,000 entries to 10", [best[LONG[0]], best[LONG[-1]]], "ms")]


async def _refreshed(store: SqlStore, reading: Reading) -> float:
    draft = Draft(Kind.NOTE, {"text": "The error ratio is back."})
    chain = reading.entries[0].incident_id
    await store.write(lambda tx: TIMELINE.append(tx, chain, [draft], Author(ADA), datetime.now(UTC)))
    began = time.perf_counter()
    card(await store.read(reading.read), Around("http://127.0.0.1", ()), datetime.now(UTC)).args()
    return (time.perf_counter() - began) * 1_000


def _verified(pair: Pair, folder: Path) -> Iterator[Row]:
    """Run `firstfive verify`; what its start takes is taken off. To its processor time others cannot add."""
    began = time.perf_counter()
    (young_s, young_mb), (old_s, old_mb) = (_verify(url, folder) for url in (pair.young, pair.old))
    notes = f"of its processor time; both in {time.perf_counter() - began:.0f} s; {machine()}"
    rate = (OLD.entries - YOUNG.entries) / (old_s - young_s)
    yield Row(f"verify, {pair.kind}", rate, "entries/s", at_least=20_000, notes=notes)
    told = f"{old_mb:.0f} MB against {young_mb:.0f}"
    yield Row(f"memory of verify, {pair.kind}", old_mb - young_mb, "MB more", at_most=30, notes=told)


def _verify(url: str, folder: Path) -> tuple[float, float]:
    """Give the processor seconds it took, and its memory at its highest in MB."""
    command = [sys.executable, "-m", "bot.cli", "verify"]
    with subprocess.Popen(command, env={**os.environ, **_settings(url, folder)}, stdout=subprocess.DEVNULL) as process:
        _, code, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1_024 / 1e6


def _digested(pair: Pair, folder: Path) -> Iterator[Row]:
    """Write a digest, measures of the period included, with no service to look at."""
    took = [min(_digest(url, folder) for _ in range(3)) for url in (pair.young, pair.old)]
    yield _growth("digest", took, "s", "no services, ten open incidents")


def _digest(url: str, folder: Path) -> float:
    command = [sys.executable, "-m", "bot.cli", "run", "digest", "--json"]
    done = subprocess.run(command, env={**os.environ, **_settings(url, folder)}, check=True, capture_output=True)
    return float(json.loads(done.stdout)["elapsed_s"])


def _settings(url: str, folder: Path) -> Mapping[str, str]:
    return {"FIRSTFIVE_CONFIG": "", "DATABASE_URL": url, "ARTIFACTS_URL": str(folder / "artifacts"), **NO_SLACK}


async def _served(pair: Pair, folder: Path) -> list[Row]:
    """Start the bot on both, and ask for what lists incidents."""
    bots = [Bot(free_port(), folder, _settings(url, folder)) for url in (pair.young, pair.old)]
    started = [[await _started(bot) for bot in bots] for _ in range(4)]
    rows = [_growth("start", [min(each) for each in zip(*started, strict=True)], "s", "without Slack")]
    for bot in bots:
        await bot.start()
    for path in ("/api/v1/incidents", "/metrics"):
        best = await _asked([bot.url + path for bot in bots])
        rows.append(_growth(f"GET {path}", best, "ms"))
    [page_ms] = await _asked([f"{bots[1].url}/"])
    rows.append(Row("GET /", page_ms, "ms", at_most=100, notes="the open incidents and the latest hundred"))
    for bot in bots:
        await bot.end()
    return rows


async def _started(bot: Bot) -> float:
    began = time.perf_counter()
    await bot.start()
    took = time.perf_counter() - began
    await bot.end()
    return took


async def _asked(urls: Sequence[str]) -> list[float]:
    took: dict[str, list[float]] = {url: [] for url in urls}
    async with aiohttp.ClientSession() as session:
        for _ in range(TURNS):
            for url in urls:
                began = time.perf_counter()
                async with session.get(url) as answer:
                    assert answer.status == 200, await answer.text()
                    await answer.read()
                took[url].append((time.perf_counter() - began) * 1_000)
    return [min(each) for each in took.values()]
