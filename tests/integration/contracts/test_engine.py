"""What an engine promises, whichever it is: each run executed, at its time, by one worker, to its end."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.domain.errors import StoreUnusable
from bot.domain.run import Plan, RunStatus
from bot.ports import Engine
from tests.databases import fresh_postgres, fresh_sqlite
from tests.integration.contracts.engines import Engines, engines_on
from tests.samples import BOTS

pytestmark = BOTS

KINDS = ["embedded", pytest.param("distributed", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
async def engines(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engines]:
    async with AsyncExitStack() as stack:
        is_embedded = request.param == "embedded"
        url = fresh_sqlite(tmp_path) if is_embedded else stack.enter_context(fresh_postgres())
        yield await stack.enter_async_context(engines_on(request.param, url, tmp_path))


@pytest.fixture
async def engine(engines: Engines) -> AsyncIterator[Engine]:
    made = engines.engine()
    await made.start()
    yield made
    await made.stop(0)


def whole(*run_ids: str) -> Counter[str]:
    return Counter(f"{run_id} {step}" for run_id in run_ids for step in ("first", "middle", "last"))


async def test_executes_what_is_admitted(engines: Engines, engine: Engine) -> None:
    await engines.admit("r1")
    await engines.until("r1")
    assert engines.traced == ["r1 first", "r1 middle", "r1 last"]
    assert engine.healthy()
    await _until_counted(engine, executed=1)


async def test_executes_what_was_admitted_before_it_started(engines: Engines) -> None:
    await engines.admit("r1")
    engine = engines.engine()
    await engine.start()
    await engines.until("r1")
    await engine.stop(1)
    assert Counter(engines.traced) == whole("r1")


async def test_waits_for_a_runs_time(engines: Engines, engine: Engine) -> None:
    at = engines.now(3)
    await engines.admit("later", wake_at=at)
    await engines.admit("now")
    await engines.until("now")
    assert (await engines.get("later")).status is RunStatus.QUEUED
    await engines.until("later")
    began = (await engines.get("later")).started_at
    assert began is not None
    assert began >= at
    assert Counter(engines.traced) == whole("now", "later")
    assert engine.healthy()


@pytest.mark.usefixtures("engine")
async def test_executes_each_of_many_once(engines: Engines) -> None:
    ids = [f"r{n}" for n in range(40)]
    await asyncio.gather(*(engines.admit(run_id, "slow") for run_id in ids))
    await engines.until(*ids)
    assert Counter(engines.traced) == whole(*ids)


@pytest.mark.usefixtures("engine")
async def test_one_slot_is_executed_once(engines: Engines) -> None:
    admitted = await asyncio.gather(*(engines.admit(f"r{n}", slot="the same") for n in range(4)))
    assert len(set(admitted)) == 1
    await engines.until(admitted[0])
    assert Counter(engines.traced) == whole(admitted[0])


async def test_parents_that_wait_never_starve_their_children(engines: Engines) -> None:
    ids = [f"r{n}" for n in range(60)]
    for run_id in ids:
        await engines.admit(run_id, "child")
    engine = engines.engine()
    await engine.start()
    await engines.until(*ids, within_s=40)
    await engine.stop(1)
    assert Counter(engines.traced) == whole(*ids) + Counter(f"{run_id}.part only" for run_id in ids)


async def test_lets_a_step_end_when_told_to_stop(engines: Engines, engine: Engine) -> None:
    await engines.admit("r1", "slow")
    await engines.until_traced("r1 middle")
    await engine.stop(10)
    assert (await engines.get("r1")).status is RunStatus.DONE
    assert not engine.healthy()
    await engines.admit("r2")
    await asyncio.sleep(0.7)
    assert (await engines.get("r2")).status is RunStatus.QUEUED


async def test_does_not_wait_for_runs_that_only_wait(engines: Engines, engine: Engine) -> None:
    await engines.admit("r1", "wait")
    await engines.until_traced("r1 middle")
    await asyncio.sleep(0.2)
    async with asyncio.timeout(4):
        await engine.stop(60)
    following = engines.engine()
    await following.start()
    await engines.signal("r1")
    await engines.until("r1")
    await following.stop(1)
    assert Counter(engines.traced) == whole("r1") + Counter(["r1 middle"])


async def test_a_run_that_breaks_off_is_tried_again(engines: Engines, engine: Engine) -> None:
    await engines.admit("r1", "broken")
    await engines.until("r1")
    assert Counter(engines.traced) == whole("r1") + Counter({"r1 middle": 2})
    await _until_counted(engine, executed=1, interrupted=2)


async def test_takes_over_what_a_dead_process_left(engines: Engines) -> None:
    await engines.admit("r1", "hang")
    await engines.admit("r2", "wait")
    program = [sys.executable, "-m", "tests.integration.contracts.engines", engines.kind, engines.url]
    process = await asyncio.create_subprocess_exec(*program, str(engines.folder), cwd=Path(__file__).parents[3])
    await engines.until_traced("up", "r1 middle", "r2 middle")
    assert await engines.engine().is_served()
    process.kill()
    await process.wait()
    registry = engines.registry()
    engine = engines.engine(registry)
    await engine.start()
    await engines.signal("r2")
    await engines.until("r2")
    await engines.until_traced("r1 middle")
    await _until_counted(engine, executing=1)
    await engine.stop(0)
    traced = Counter(engines.traced)
    assert traced == Counter(["up", "r1 first", "r1 middle", "r1 middle"]) + whole("r2") + Counter(["r2 middle"])


async def test_takes_up_a_run_that_another_release_had_to_park(engines: Engines) -> None:
    await engines.admit("r1", plan=Plan("whole", {"how": ""}, ("first", "other", "last")))
    await engines.admit("r2", status=RunStatus.PARKED)
    engine = engines.engine()
    await engine.start()
    await engines.until("r1", status=RunStatus.PARKED)
    await engines.until("r2")
    await engine.stop(0)


async def test_knows_whether_anybody_serves(engines: Engines) -> None:
    engine, other = engines.engine(), engines.engine()
    assert not await other.is_served()
    await engine.start()
    assert await other.is_served()
    await engine.stop(0)
    assert not await other.is_served()


async def test_a_database_that_cannot_be_used_is_named_at_the_start(engines: Engines) -> None:
    await engines.store.close()
    nowhere = "sqlite:////proc/nowhere/db" if engines.kind == "embedded" else "postgresql://nobody@127.0.0.1:1/nowhere"
    with pytest.raises(StoreUnusable):
        async with engines_on(engines.kind, nowhere, engines.folder) as there:
            await there.engine().start()


async def _until_counted(engine: Engine, **wanted: int) -> None:
    async with asyncio.timeout(10):
        while {name: getattr(engine.counts, name) for name in wanted} != wanted:  # noqa: ASYNC110 - it offers no event
            await asyncio.sleep(0.02)
