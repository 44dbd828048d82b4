"""What Procrastinate alone would not hold: a job is ended by whoever fetched it last, and a run never loses its job."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from procrastinate.jobs import Job, Status

from bot.adapters.procrastinate.jobs import QUEUE, Jobs, make_app
from bot.domain.run import RunStatus
from bot.ports import Tx
from tests.databases import fresh_postgres
from tests.integration.contracts.engines import Engines, engines_on

pytestmark = pytest.mark.postgres


@pytest.fixture
async def engines(tmp_path: Path) -> AsyncIterator[Engines]:
    with fresh_postgres() as url:
        async with engines_on("distributed", url, tmp_path) as made:
            yield made


@asynccontextmanager
async def jobs_of(engines: Engines) -> AsyncIterator[Jobs]:
    app, jobs = make_app(engines.url)
    async with app.open_async():
        yield jobs


async def fetch(jobs: Jobs, worker_id: int) -> Job:
    job = await jobs.fetch_job([QUEUE], worker_id)
    assert job is not None
    return job


async def states(jobs: Jobs) -> list[tuple[str | None, int]]:
    return [(job.status, job.attempts) for job in await jobs.list_jobs_async(queue=QUEUE)]


async def test_a_run_and_its_job_are_admitted_together_or_not_at_all(engines: Engines) -> None:
    await engines.admit("r1")
    run = replace(await engines.get("r1"), id="r2", slot="r2")

    def admit_and_fail(tx: Tx) -> None:
        engines.ports.journal.admit(tx, run)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await engines.store.write(admit_and_fail)
    async with jobs_of(engines) as jobs:
        await engines.admit("r1")
        assert await states(jobs) == [("todo", 0)]


async def test_a_zombie_does_not_end_the_job_of_who_took_over(engines: Engines) -> None:
    await engines.admit("r1")
    async with jobs_of(engines) as jobs:
        first, second = await jobs.register_worker(), await jobs.register_worker()
        stale = await fetch(jobs, first)
        await jobs.retry_job(stale)
        taken = await fetch(jobs, second)
        await jobs.finish_job(stale, Status.SUCCEEDED, delete_job=True)
        await jobs.retry_job(stale)
        assert await states(jobs) == [("doing", 1)]
        await jobs.finish_job(taken, Status.SUCCEEDED, delete_job=True)
        assert await states(jobs) == []


async def test_of_two_that_take_over_one_does(engines: Engines) -> None:
    await engines.admit("r1")
    async with jobs_of(engines) as jobs, jobs_of(engines) as others:
        dead = await jobs.register_worker()
        await fetch(jobs, dead)
        await jobs.unregister_worker(dead)
        seen = [list(await each.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=3)) for each in (jobs, others)]
        assert [len(stalled) for stalled in seen] == [1, 1]
        await jobs.retry_job(seen[0][0])
        await fetch(jobs, await jobs.register_worker())
        await others.retry_job(seen[1][0])
        assert await states(jobs) == [("doing", 1)]


async def test_two_jobs_of_one_run_are_never_executed_at_once(engines: Engines) -> None:
    await engines.admit("r1")
    async with jobs_of(engines) as jobs:
        worker = await jobs.register_worker()
        await fetch(jobs, worker)
        await sql(
            engines, "INSERT INTO procrastinate_jobs (queue_name, task_name, lock) VALUES ('runs', 'execute', 'r1')"
        )
        assert await jobs.fetch_job([QUEUE], worker) is None


@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM procrastinate_jobs",
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers)",
        "UPDATE procrastinate_jobs SET status = 'failed'",
    ],
)
async def test_a_run_that_lost_its_job_is_executed(engines: Engines, loss: str) -> None:
    engine = engines.engine()
    await engine.start()
    await engines.admit("r1", wake_at=engines.now(0.5))
    await sql(engines, loss)
    await engines.until("r1", within_s=15)
    await engine.stop(1)
    assert engines.traced == ["r1 first", "r1 middle", "r1 last"]


async def test_what_ends_while_the_queue_is_away_is_ended_later(engines: Engines) -> None:
    await engines.admit("r1")
    async with jobs_of(engines) as jobs:
        job = await fetch(jobs, await jobs.register_worker())
        await sql(engines, "ALTER FUNCTION procrastinate_finish_job_v1 RENAME TO hidden")
        await jobs.finish_job(job, Status.SUCCEEDED, delete_job=True)
        assert jobs.ailment
        assert await states(jobs) == [("doing", 0)]
        await sql(engines, "ALTER FUNCTION hidden RENAME TO procrastinate_finish_job_v1")
        await jobs.make_up()
        assert await states(jobs) == []
        assert not jobs.ailment


async def test_two_workers_share_the_runs(engines: Engines) -> None:
    one, other = engines.engine(), engines.engine()
    await asyncio.gather(one.start(), other.start())
    ids: list[str] = []
    async with asyncio.timeout(60):
        while not (one.counts.executed and other.counts.executed):  # one may take all of a few before the other listens
            more = [f"r{len(ids) + n}" for n in range(30)]
            ids += more
            await asyncio.gather(*(engines.admit(run_id, "slow") for run_id in more))
            await engines.until(*more)
    await asyncio.gather(one.stop(1), other.stop(1))
    assert sorted(engines.traced) == sorted(
        f"{run_id} {step}" for run_id in ids for step in ("first", "middle", "last")
    )
    assert one.counts.executed + other.counts.executed == len(ids)


async def test_what_one_leaves_at_its_end_another_has_at_once(engines: Engines) -> None:
    one, other = engines.engine(), engines.engine()
    await one.start()
    await engines.admit("r1", "wait")
    await engines.until_traced("r1 middle")
    await other.start()
    await one.stop(60)
    async with asyncio.timeout(2.5):  # the lease is 3 s: this is a handover
        while engines.traced.count("r1 middle") < 2:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    await engines.signal("r1")
    await engines.until("r1")
    await other.stop(1)
    assert (await engines.get("r1")).status is RunStatus.DONE


async def sql(engines: Engines, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(engines.url, autocommit=True) as connection:
        await connection.execute(statement.encode())
