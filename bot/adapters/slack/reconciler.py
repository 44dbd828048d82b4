"""Keeps Slack what the timelines say it should be. Whatever happens to a call, a later pass makes up for it."""

import asyncio
from datetime import timedelta

import structlog

from bot.adapters.slack.canvas import Canvas, Memory, Studio
from bot.adapters.slack.painting import Painting
from bot.domain.errors import IncidentNotFound, StoreUnusable
from bot.domain.incident import fold
from bot.domain.timeline import HOUSE, Entry
from bot.ports import Clock, Surface, Tx

log = structlog.get_logger()

_AT_START = 200
_STORE_WAIT_S = 5.0


class Reconciler:
    """One task for each incident that has something to show; incidents never wait for each other."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._loop: asyncio.AbstractEventLoop | None = None
        self._touched: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._memories: dict[str, Memory] = {}
        self._scan: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look at the latest incidents, and from now on at those that are touched."""
        self._loop = asyncio.get_running_loop()
        self._scan = asyncio.create_task(self._touch_latest())

    async def stop(self) -> None:
        """Stop where it stands; a later start goes on."""
        self._loop = None
        tasks = [*self._tasks.values(), *([self._scan] if self._scan else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def touch(self, incident_id: str) -> None:
        """Say that an incident has new entries; from any thread."""
        if self._loop is not None and incident_id != HOUSE:
            self._loop.call_soon_threadsafe(self._touch, incident_id)

    def look_again(self) -> None:
        """Say that any incident may have new entries; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._scan_again)

    @property
    def pending(self) -> int:
        """How many incidents have something to show that is not shown yet."""
        return len(self._tasks)

    def _scan_again(self) -> None:
        if self._loop is not None and (self._scan is None or self._scan.done()):
            self._scan = asyncio.create_task(self._touch_latest())

    def _touch(self, incident_id: str) -> None:
        if self._loop is None:
            return
        self._touched.setdefault(incident_id, asyncio.Event()).set()
        if incident_id not in self._tasks:
            task = asyncio.create_task(self._follow(incident_id), name=f"slack {incident_id}")
            self._tasks[incident_id] = task
            task.add_done_callback(lambda done: self._done(incident_id, done))

    def _done(self, incident_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(incident_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("reconciling failed", incident=incident_id, exc_info=error)
            return
        touched = self._touched.get(incident_id)
        if touched is not None and touched.is_set():
            self._touch(incident_id)
        else:
            self._touched.pop(incident_id, None)

    async def _touch_latest(self) -> None:
        while True:
            try:
                listed = await self._studio.store.read(
                    lambda tx: self._studio.timeline.incidents(tx, ended=True, limit=_AT_START)
                )
            except StoreUnusable as error:
                log.warning("store unusable", error=str(error))
                await asyncio.sleep(_STORE_WAIT_S)
            else:
                break
        for row in listed:
            self._touch(row.id)

    async def _follow(self, incident_id: str) -> None:
        """Make passes until one leaves nothing to be done."""
        touched = self._touched[incident_id]
        again_s: float | None = 0.0
        while again_s is not None:
            touched.clear()
            try:
                again_s = await self._pass(incident_id)
            except StoreUnusable as error:
                log.warning("store unusable", incident=incident_id, error=str(error))
                again_s = _STORE_WAIT_S
            if again_s:
                await wait(self._studio.clock, touched, again_s)

    async def _pass(self, incident_id: str) -> float | None:
        studio = self._studio

        def look(tx: Tx) -> tuple[list[Entry], dict[str, Surface]]:
            return studio.timeline.entries(tx, incident_id), studio.surfaces.shown(tx, incident_id)

        entries, shown = await studio.store.read(look)
        try:
            incident = fold(entries)
        except IncidentNotFound:
            return None
        memory = self._memories.setdefault(incident_id, Memory(first_seq=incident.seq))
        canvas = Canvas(studio, incident, entries, shown, memory)
        again_s = await Painting(canvas).paint()
        if again_s is None and incident.is_over:
            self._memories.pop(incident_id)
        return again_s


async def wait(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set or the time has passed, whichever is first."""
    waiters = [
        asyncio.ensure_future(event.wait()),
        asyncio.ensure_future(clock.sleep_until(clock.now() + timedelta(seconds=seconds))),
    ]
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
