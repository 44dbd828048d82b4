"""The queue of runs on Postgres: a job for each run, kept by Procrastinate, ended only by whoever fetched it last.

Procrastinate ends a job by its id alone. A worker that was taken for dead and comes back would so end the job of the
one that took over; a second watcher would put it back into the queue while it is executed. Every fetch of a job has
its own number of attempts, and here a job is ended only under the number it was fetched with.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, LiteralString

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback
from sqlalchemy import Connection, text

log = structlog.get_logger()

QUEUE = "runs"
TASK = "execute"

_POOL: dict[str, Any] = {"min_size": 1, "max_size": 4, "timeout": 3.0, "reconnect_timeout": 1.0}
_TIMES_OUT = "-c idle_in_transaction_session_timeout=3000"
_AGAIN_S = 1.0
# What a library says of a database that is away, the worker says in one line.
_LOUD = {"procrastinate": logging.CRITICAL, "psycopg.pool": logging.ERROR}

_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, :run_id, :run_id,"
    " jsonb_build_object('run_id', CAST(:run_id AS text)), CAST(:at AS timestamptz))]"
    "::procrastinate_job_to_defer_v1[])"
)
_FINISH: LiteralString = (
    "WITH mine AS MATERIALIZED (SELECT id FROM procrastinate_jobs"
    " WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s FOR UPDATE)"
    " SELECT procrastinate_finish_job_v1(id, %(status)s::procrastinate_job_status, %(delete_job)s) FROM mine"
)
# A worker is told of new jobs only; one that is back in the queue should not wait for the next look either.
_RETRY: LiteralString = (
    "WITH mine AS MATERIALIZED (SELECT id FROM procrastinate_jobs"
    " WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s FOR UPDATE)"
    " SELECT procrastinate_retry_job_v2(id, %(retry_at)s, NULL, NULL, NULL),"
    " pg_notify('procrastinate_queue_v1#runs', json_build_object('type', 'job_inserted', 'job_id', id)::text) FROM mine"
)
_SERVED: LiteralString = (
    "SELECT count(*) AS workers FROM procrastinate_workers"
    " WHERE last_heartbeat > now() - make_interval(secs => %(lease_s)s)"
)


def defer(connection: Connection, run_id: str, at: datetime | None) -> None:
    """Queue a run inside an open transaction: it is executed if and when that commits, not before `at`."""
    connection.execute(_DEFER, {"queue": QUEUE, "task": TASK, "run_id": run_id, "at": at})


class Jobs(JobManager):
    """The jobs, through outages: whoever asks for one gets none, and what could not be ended is ended later."""

    def __init__(self, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self.ailment = ""
        self._owed: dict[int, tuple[LiteralString, dict[str, Any]]] = {}

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take the next job, if there is one and the database says so."""
        try:
            return await super().fetch_job(queues, worker_id)
        except ConnectorException as error:
            self._suffer(error)
            return None

    async def update_heartbeat(self, worker_id: int) -> None:
        """Say that the worker lives; the next beat makes up for one that could not be written."""
        try:
            await super().update_heartbeat(worker_id)
        except ConnectorException as error:
            self._suffer(error)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listen for new jobs, again and again."""
        while True:
            try:
                await super().listen_for_jobs(on_notification=on_notification, queues=queues)
            except ConnectorException as error:
                self._suffer(error)
            await asyncio.sleep(_AGAIN_S)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001 - Procrastinate's
        """End a job, unless it is somebody else's by now."""
        await self._end(job, _FINISH, status=status.value, delete_job=delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put a job back into the queue, unless it is somebody else's by now."""
        del priority, queue, lock
        await self._end(job, _RETRY, retry_at=retry_at or datetime.now(UTC))

    async def make_up(self) -> None:
        """End what could not be ended while the database was away.

        :raises ConnectorException: it still is.
        """
        for job_id, (query, arguments) in list(self._owed.items()):
            await self._execute(query, arguments)
            self._owed.pop(job_id, None)
        self.ailment = ""

    async def workers(self, lease_s: float) -> int:
        """Count the workers that have shown a sign of life within the lease."""
        row = await self.connector.execute_query_one_async(_SERVED, lease_s=lease_s)
        return int(row["workers"])

    async def _end(self, job: Job, query: LiteralString, **arguments: Any) -> None:
        arguments |= {"job_id": job.id, "attempts": job.attempts}
        try:
            await self._execute(query, arguments)
        except ConnectorException as error:
            self._suffer(error)
            self._owed[job.id or 0] = query, arguments

    async def _execute(self, query: LiteralString, arguments: dict[str, Any]) -> None:
        if not await self.connector.execute_query_all_async(query, **arguments):
            log.info("job is another worker's now", job=arguments["job_id"])

    def _suffer(self, error: ConnectorException) -> None:
        said = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        if not self.ailment:
            log.error("the queue of runs cannot be reached", reason=said[0])
        self.ailment = said[0]


def make_app(conninfo: str) -> tuple[App, Jobs]:
    """Give Procrastinate's application on a database, and its jobs. Nothing is connected yet."""
    for name, level in _LOUD.items():
        logging.getLogger(name).setLevel(level)
    connector = PsycopgConnector(conninfo=conninfo, kwargs={"options": _TIMES_OUT, "connect_timeout": 3}, **_POOL)
    app = App(connector=connector)
    jobs = Jobs(connector)
    app.job_manager = jobs
    return app, jobs


async def queue_again(app: App, run_id: str) -> None:
    """Queue a run that lost its job."""
    again = app.configure_task(TASK, queue=QUEUE, lock=run_id, queueing_lock=run_id)
    try:
        await again.defer_async(run_id=run_id)
    except AlreadyEnqueued:
        log.info("run is queued already", run=run_id)
