"""Both engines: how soon a run begins, how many steps a second they do, how soon a dead process is replaced."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

import structlog

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.databases import fresh_postgres, fresh_sqlite
from tests.integration.contracts.engines import Engines, engines_on

STORES = {"embedded": "SQLite", "distributed": "Postgres"}
_BEGINNINGS = 30
_RUNS = 100
_STEPS = 3
_KILLS = 3


def run() -> Iterable[Row]:
    """Measure each engine on its store."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for kind, store in STORES.items():
        began_ms, steps_s = asyncio.run(_throughput(kind))
        bound = 100 if kind == "distributed" else None
        yield Row(f"first effect after the commit, {store}, median", median(began_ms), "ms", at_most=bound,
                  notes=f"{spread(began_ms)}, {_BEGINNINGS} runs one after another; {load()}")  # fmt: skip
        yield Row(f"steps a second, {store}", steps_s, "", notes=f"{_RUNS} runs of {_STEPS} steps at once; {load()}")
    took = [asyncio.run(_takeover()) for _ in range(_KILLS)]
    notes = f"{spread(took)}, two live workers, lease 3 s; {load()}"
    yield Row("kill -9 to the step begun elsewhere, Postgres, worst", max(took), "s", at_most=4, notes=notes)


@asynccontextmanager
async def _engines(kind: str) -> AsyncIterator[Engines]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(scratch())
        url = fresh_sqlite(folder) if kind == "embedded" else stack.enter_context(fresh_postgres())
        yield await stack.enter_async_context(engines_on(kind, url, folder))


async def _throughput(kind: str) -> tuple[list[float], float]:
    async with _engines(kind) as engines:
        engine = engines.engine()
        await engine.start()
        began_ms = []
        for number in range(_BEGINNINGS):
            await engines.admit(f"one{number}")
            committed_at = time.monotonic()
            await engines.until(f"one{number}")
            began_ms.append((engines.traced_at[f"one{number} first"] - committed_at) * 1_000)
        ids = [f"many{number}" for number in range(_RUNS)]
        started_at = time.monotonic()
        await asyncio.gather(*(engines.admit(run_id) for run_id in ids))
        await engines.until(*ids, within_s=120)
        steps_s = _RUNS * _STEPS / (time.monotonic() - started_at)
        await engine.stop(1)
        return began_ms, steps_s


async def _takeover() -> float:
    async with _engines("distributed") as engines:
        program = [sys.executable, "-m", "tests.integration.contracts.engines", engines.kind, engines.url]
        dying = await asyncio.create_subprocess_exec(*program, str(engines.folder), cwd=Path(__file__).parents[2])
        await engines.until_traced("up")
        await engines.admit("r1", "hang")
        await engines.until_traced("r1 middle")
        watchers = [engines.engine(), engines.engine()]
        await asyncio.gather(*(watcher.start() for watcher in watchers))
        await asyncio.sleep(4)
        dying.kill()
        killed_at = time.monotonic()
        while "r1 middle" not in engines.traced_at:  # noqa: ASYNC110 - a dict has no event
            await asyncio.sleep(0.005)
        took_s = engines.traced_at["r1 middle"] - killed_at
        await dying.wait()
        await asyncio.gather(*(watcher.stop(0) for watcher in watchers))
        return took_s
