"""Every page over 10,000 incidents with a million entries, beside what a page of all of them costs.

The nearest peers list every row there is: that design is measured on the same database, by our own renderer, with no
server in between.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp

from bot.adapters.clock import SystemClock
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.tables import REVISION
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.timeline import Author, Draft, Kind, Person, to_us
from bot.ports import ASKED, Listed, Selection, Tx
from handlers.html import shipped
from handlers.incidents import Found, Search
from handlers.reader import Reader, Way
from tests.bench import grown
from tests.bench.bench_process import NO_SLACK
from tests.bench.figures import load, quantile, scratch, spread
from tests.bench.grown import LONG, Grown, fill
from tests.bench.row import Row
from tests.databases import fresh_sqlite
from tests.stack import Bot, free_port

YEARS = Grown(int(os.environ.get("INCIDENTS", "10000")), int(os.environ.get("ENTRIES", "1000000")))
"""`INCIDENTS=1000 ENTRIES=100000 make bench ARGS=pages` measures a smaller house."""
TIMES = 40
BOUND_MS = 100
CHILDREN, ASKING = 20, 20
ADA = Person("U0ADA", "Ada")
_NEVER = datetime(2100, 1, 1, tzinfo=UTC)


def pages() -> Mapping[str, str]:
    """Give every page, and where it is asked for."""
    longest = f"/incidents/INC-{YEARS.open_ones[len(LONG) - 1]}"
    return {
        "incidents": "/",
        "incidents, a search": "/?q=cart+ada",
        "incidents, a search that finds nothing": "/?q=nothing+of+the+kind",
        "incidents, a page in the middle": f"/?status=ended&before={YEARS.incidents // 2}",
        "incidents, all filters": "/?q=slow&status=ended&severity=SEV1&service=checkout&drills=no",
        "measures, a quarter": "/measures",
        "measures, a year": "/measures?weeks=52",
        "measures, all": "/measures?weeks=0",
        "audit log": "/audit",
        "audit log, of nobody": "/audit?who=nobody",
        "an incident": f"/incidents/INC-{YEARS.incidents // 2}",
        f"an incident of {LONG[-1]:,} entries": longest,
        f"an incident of {LONG[-1]:,} entries, a page of it": f"{longest}?show=everything&page=7",
        "a postmortem": f"/incidents/INC-{YEARS.incidents // 2}/postmortem",
        f"a postmortem of {LONG[-1]:,} entries": f"{longest}/postmortem",
        f"a run of an incident of {LONG[-1]:,} entries": f"/runs/{_first_run(YEARS.open_ones[len(LONG) - 1])}",
        "approvals": "/approvals",
        "an approval": f"/approvals/{_asking(0)}",
        "declare": "/declare",
        "drills": "/drills",
        "services": "/services",
        "settings": "/settings",
    }


def run() -> Iterable[Row]:
    """Ask for each page in turns, the first time apart."""
    with scratch() as folder:
        url = _house(folder)
        asyncio.run(_begin_runs(url))
        yield from asyncio.run(_asked(url, folder))
        yield from _all_rows(url)


def _house(folder: Path) -> str:
    """Copy the house, which is filled once and kept outside the clone until what fills it changes."""
    version = sha256(Path(grown.__file__).read_bytes() + f"{REVISION} {YEARS}".encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "firstfive"
    kept = cache / f"years-{version}.sqlite"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        url = fresh_sqlite(folder)
        fill(url, YEARS)
        shutil.move(url.removeprefix("sqlite:///"), kept)
    shutil.copyfile(kept, folder / "years.sqlite")
    return f"sqlite:///{folder}/years.sqlite"


def _first_run(incident: int) -> str:
    """Give the run that wrote most of what an incident's timeline has in a grown house."""
    return f"{incident:012x}"


def _asking(number: int) -> str:
    return f"asking{number}"


async def _begin_runs(url: str) -> None:
    """Let every open incident have a run with children, and requests wait for a second person."""
    store, journal, timeline = SqlStore(url), SqlJournal(SystemClock()), SqlTimeline()

    def act(tx: Tx) -> None:
        for number in YEARS.open_ones:
            first = _run(_first_run(number), number, RunStatus.DONE)
            journal.admit(tx, first)
            for child in range(CHILDREN):
                journal.admit(
                    tx, replace(first, id=f"{first.id}.{child}", slot=f"{first.id}.{child}", parent_id=first.id)
                )
        for number in range(ASKING):
            incident = YEARS.open_ones[number % len(YEARS.open_ones)]
            asking = replace(_run(_asking(number), incident, RunStatus.QUEUED), wake_at=_NEVER)
            journal.admit(tx, asking)
            memory = journal.claim(tx, asking.id, _NEVER)
            assert memory is not None
            chain = f"INC-{incident}"
            journal.remember(tx, memory.run, ASKED, str(timeline.heads(tx, chain)[chain].seq), _NEVER)
            journal.end(tx, replace(memory.run, status=RunStatus.QUEUED))
            author = Author(asking.actor, asking.id)
            timeline.append(tx, chain, [Draft(Kind.APPROVAL_ASKED, _request(asking))], author, SystemClock().now())

    await store.write(act)
    await store.close()


def _run(id_: str, incident: int, status: RunStatus) -> Run:
    plan, now = Plan("rollback", {"service": "checkout"}, ("measure", "undo")), SystemClock().now()
    return Run(id_, plan, ADA, Source(), now, id_, f"INC-{incident}", status=status, started_at=now, ended_at=now)


def _request(run: Run) -> dict[str, Any]:
    given = {"run": run.id, "playbook": run.plan.playbook, "params": dict(run.plan.params), "service": "checkout"}
    shown = {"steps": ["Roll back"], "measured": {"Measure both tracks": "4 % of requests fail, 0.2 % did."}}
    who = {"person": ADA.id, "name": ADA.name, "plan": "0" * 64, "expires_at": to_us(_NEVER), "breakable": True}
    return {**given, **shown, **who}


async def _asked(url: str, folder: Path) -> list[Row]:
    settings = {"FIRSTFIVE_CONFIG": "", "DATABASE_URL": url, "ARTIFACTS_URL": str(folder / "artifacts"), **NO_SLACK}
    bot = Bot(free_port(), folder, settings)
    await bot.start()
    async with aiohttp.ClientSession() as session:
        looks = [
            {name: await _look(session, bot.url + path) for name, path in pages().items()} for _ in range(TIMES + 1)
        ]
    await bot.end()
    return [_row(name, [look[name] for look in looks]) for name in pages()]


async def _look(session: aiohttp.ClientSession, url: str) -> tuple[float, int]:
    """Give how many milliseconds a page took, and its bytes."""
    began = time.perf_counter()
    async with session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        content = await answer.read()
    return (time.perf_counter() - began) * 1_000, len(content)


def _row(name: str, looks: Sequence[tuple[float, int]]) -> Row:
    first, *again = (took for took, _ in looks)
    notes = f"{spread(again)}; the first time {first:.3g}; {looks[-1][1] / 1_000:.0f} kB; {load()}"
    return Row(f"GET {name}, p95", quantile(again, 0.95), "ms", at_most=BOUND_MS, notes=notes)


def _all_rows(url: str) -> Iterator[Row]:
    took = sorted(asyncio.run(_listed(url)) for _ in range(5))
    yield Row(f"a list of all {YEARS.incidents:,} rows", took[-1] * 1_000, "ms", notes=spread(took, 1_000))


async def _listed(url: str) -> float:
    """Read every row and render them all on one page."""
    store, reader = SqlStore(url), Reader(Person("U1", "Ada"), Way.SESSION)
    began = time.perf_counter()
    timeline = SqlTimeline()
    private = [each.id for each in await store.read(timeline.private)]
    everything = Selection(private=private, limit=YEARS.incidents)
    rows: list[Listed] = await store.read(lambda tx: timeline.find(tx, everything))
    now = rows[0].opened_at
    page: dict[str, Any] = {"now": now, "seen": "", "trend": "", "services": (), "statuses": (), "severities": ()}
    shipped().page("incidents.html", reader, it=Found(rows=rows, count=len(rows)), search=Search(), **page)
    took = time.perf_counter() - began
    await store.close()
    return took
