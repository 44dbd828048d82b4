"""Executes runs side by side with other processes; whoever dies is taken over by those who live."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from bot.adapters.procrastinate.jobs import QUEUE, TASK, Jobs, make_app, queue_again
from bot.domain.errors import StoreUnusable
from bot.domain.run import RunStatus
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.ports import Counts, Pulse

log = structlog.get_logger()

LEASE_S = 3.0
_BEATS = 3
_LOOKS = 6
_AGAIN_S = 1.0
_REGISTERED_S = 0.01
_PARKED_EVERY = 6
# A parent waits in a place of its own while its children need others: more than ever run at once.
_PLACES = 1_000
_STALE_S = 15.0
_PULSE_S = 2.0
_FORGOTTEN_S = 86_400.0
_LONGEST_PAUSE_S = 60.0
_LONGEST_OUTAGE_PAUSE_S = 4.0
_LAST_WORDS_S = 8.0


class _Again(BaseRetryStrategy):
    """A run that broke off is tried again until it ends; at once elsewhere if only this process stopped."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """Say when."""
        now = datetime.now(UTC)
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_at=now)
        is_ours = not isinstance(exception, StoreUnusable)
        longest_s = _LONGEST_PAUSE_S if is_ours else _LONGEST_OUTAGE_PAUSE_S
        pause_s = min(longest_s, 2.0 ** min(job.attempts, 10))
        self._counts.interrupted += 1
        log.error(
            "run broke off",
            run=job.task_kwargs.get("run_id"),
            reason=str(exception),
            again_in_s=pause_s,
            exc_info=exception if is_ours else None,
        )
        return RetryDecision(retry_at=now + timedelta(seconds=pause_s))


class DistributedWorker:
    """One of any number of workers on a Postgres. What it leaves unfinished, the others take over."""

    def __init__(
        self, runner: Runner, ports: Ports, conninfo: str, tidy_s: float = 10.0, lease_s: float = LEASE_S
    ) -> None:
        """Every `tidy_s` it looks for runs that were lost on the way to a worker.

        After `lease_s`, the same for all workers of a database, one that shows no sign of life is taken for dead.
        """
        self._tidy_s = tidy_s
        self._lease_s = lease_s
        self._runner = runner
        self._ports = ports
        self._conninfo = conninfo
        self._counts = Counts()
        self._jobs: Jobs | None = None
        self._worker: Worker | None = None
        self._serving: asyncio.Task[None] | None = None
        self._stopping = False
        self._executing: dict[int, asyncio.Task[None]] = {}
        self._suspects: set[str] = set()
        self._looked_at = 0.0
        self._well_since = 0.0

    @property
    def counts(self) -> Counts:
        """What it is doing and has done."""
        self._counts.executing = len(self._executing)
        return self._counts

    def healthy(self) -> bool:
        """Tell whether it would execute a run now."""
        is_on = self._serving is not None and not self._serving.done() and not self._stopping
        return is_on and asyncio.get_running_loop().time() - self._looked_at < _STALE_S

    async def pulse(self) -> Pulse:
        """Count the workers that show signs of life, and tell how long ago this one last looked after them."""
        if self._jobs is None:
            return Pulse()
        age_s = asyncio.get_running_loop().time() - self._looked_at
        try:
            async with asyncio.timeout(_PULSE_S):
                return Pulse(await self._jobs.workers(self._lease_s), age_s)
        except (ConnectorException, TimeoutError):
            return Pulse(None, age_s)

    async def is_served(self) -> bool:
        """Tell whether some process executes this database's runs.

        :raises StoreUnusable: the database cannot be used.
        """
        app, jobs = make_app(self._conninfo)
        with _in_our_words():
            async with app.open_async():
                return bool(await jobs.workers(self._lease_s))

    async def start(self) -> None:
        """Begin to execute runs, beside whoever else does.

        :raises StoreUnusable: the database cannot be used.
        """
        await self._unended()
        app, self._jobs = self._make()
        with _in_our_words():
            await app.open_async()
            if not await app.check_connection_async():
                await app.close_async()
                raise StoreUnusable("FirstFive's database has no queue of runs yet: run `firstfive migrate`.")
        self._stopping = False
        self._looked_at = self._well_since = asyncio.get_running_loop().time()
        self._serving = asyncio.create_task(self._serve(app, self._jobs), name="worker")
        while not self._serving.done() and not self._is_registered():  # noqa: ASYNC110 - it offers no event
            await asyncio.sleep(_REGISTERED_S)  # before, it would not heed a stop

    async def stop(self, grace_s: float = 5.0) -> None:
        """Take on nothing new, give running steps some seconds to end, leave the rest to the other workers."""
        self._stopping = True
        if self._serving is None:
            return
        if self._worker is not None:
            self._worker.shutdown_graceful_timeout = grace_s
            self._worker.stop()  # type: ignore[no-untyped-call]  # - Procrastinate leaves two methods untyped
        await self._runner.settle(grace_s)
        if self._executing:
            log.info("runs left to other workers", runs=len(self._executing))
        for task in list(self._executing.values()):
            task.cancel()
        _, late = await asyncio.wait([self._serving], timeout=_LAST_WORDS_S)
        if late:  # the database is away: whoever is there when it comes back finds the lease lapsed
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        self._serving = None

    def _is_registered(self) -> bool:
        return self._worker is not None and self._worker.worker_id is not None

    def _make(self) -> tuple[App, Jobs]:
        app, jobs = make_app(self._conninfo)
        app.task(name=TASK, queue=QUEUE, pass_context=True, retry=_Again(self._counts))(self._execute)
        return app, jobs

    async def _execute(self, context: JobContext, run_id: str) -> None:
        job_id = context.job.id or 0
        task = asyncio.create_task(self._when_due(run_id), name=f"run {run_id}")
        self._executing[job_id] = task
        try:
            await task
        finally:
            del self._executing[job_id]
        self._counts.executed += 1

    async def _when_due(self, run_id: str) -> None:
        """Execute a run; its time has come for the database, whose clock may be ahead of ours."""
        ports = self._ports
        run = await ports.store.read(lambda tx: ports.journal.get(tx, run_id))
        if run is not None and run.wake_at is not None and run.wake_at > ports.clock.now():
            await ports.clock.sleep_until(run.wake_at)
        await self._runner.execute(run_id)

    async def _serve(self, app: App, jobs: Jobs) -> None:
        """Work until told to stop; a worker that ends for another reason is followed by a new one."""
        task = asyncio.current_task()
        try:
            # A worker that is cancelled while the database is away ends with that error instead.
            while not (self._stopping or (task is not None and task.cancelling())):
                self._worker = Worker(
                    app,
                    queues=[QUEUE],
                    concurrency=_PLACES,
                    fetch_job_polling_interval=self._lease_s / _LOOKS,
                    shutdown_graceful_timeout=0.0,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    update_heartbeat_interval=self._lease_s / _BEATS,
                    stalled_worker_timeout=_FORGOTTEN_S,
                )
                watch = asyncio.create_task(self._watch(app, jobs, self._worker))
                try:
                    await self._worker.run()  # type: ignore[no-untyped-call]  # - as above
                except ConnectorException as error:
                    log.warning("worker ended", reason=str(error))
                    if not self._stopping:
                        await asyncio.sleep(_AGAIN_S)
                finally:
                    watch.cancel()
                    await asyncio.gather(watch, return_exceptions=True)
        finally:
            self._worker = None
            await app.close_async()

    async def _watch(self, app: App, jobs: Jobs, worker: Worker) -> None:
        """Take over what dead workers hold; now and then look for what was lost otherwise."""
        loop, tidied, tidy_at = asyncio.get_running_loop(), 0, 0.0
        while True:
            try:
                await self._look(jobs)
                if loop.time() >= tidy_at:
                    await self._tidy(app, jobs, worker, with_parked=tidied % _PARKED_EVERY == 0)
                    tidied, tidy_at = tidied + 1, loop.time() + self._tidy_s
            except (ConnectorException, StoreUnusable) as error:
                self._well_since = loop.time()
                if not jobs.ailment:
                    log.warning("nothing is taken over", reason=str(error))
            await asyncio.sleep(self._lease_s / _LOOKS)

    async def _look(self, jobs: Jobs) -> None:
        await jobs.make_up()
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > self._lease_s / 2:
            self._well_since = now
        self._looked_at = now
        # After an outage, or a pause of this process, nobody's signs of life are fresh: let everybody show one first.
        if now - self._well_since < self._lease_s:
            return
        for job in await jobs.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=self._lease_s):
            if job.id not in self._executing:
                log.info("run taken over", run=job.task_kwargs.get("run_id"), worker=job.worker_id)
                self._counts.taken_over += 1
                await jobs.retry_job(job)

    async def _tidy(self, app: App, jobs: Jobs, worker: Worker, *, with_parked: bool) -> None:
        """Queue unended runs that have no job, and jobs in our own name that nobody executes.

        An answer of the database that was lost on the way leaves such a job; so does a run of the embedded engine.
        What looks so twice is so: between the questions a job may just have begun or ended.
        """
        unended = await self._unended()
        waiting = list(await jobs.list_jobs_async(queue=QUEUE, status="todo"))
        doing = list(await jobs.list_jobs_async(queue=QUEUE, status="doing"))
        queued = {str(job.task_kwargs.get("run_id")) for job in (*waiting, *doing)}
        lost = {run_id for run_id in unended if run_id not in queued}
        mine = {
            f"job {job.id} {job.attempts}": job
            for job in doing
            if job.worker_id == worker.worker_id and job.id not in self._executing
        }
        seen, self._suspects = self._suspects, lost | set(mine)
        parked = await self._parked() if with_parked else []
        for run_id in [*(lost & seen), *(run_id for run_id in parked if run_id not in queued)]:
            await queue_again(app, run_id)
        for name in set(mine) & seen:
            await jobs.retry_job(mine[name])

    async def _unended(self) -> list[str]:
        return await self._due(RunStatus.QUEUED, RunStatus.RUNNING)

    async def _parked(self) -> list[str]:
        return await self._due(RunStatus.PARKED)

    async def _due(self, *statuses: RunStatus) -> list[str]:
        ports = self._ports
        return await ports.store.read(lambda tx: ports.journal.due(tx, ports.clock.now(), statuses))


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except ConnectorException as error:
        said = str(error.__cause__ or error).strip().splitlines() or ["no reason given"]
        raise StoreUnusable(f"FirstFive's own database cannot be used: {said[0]}.") from error
