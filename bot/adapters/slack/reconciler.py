"""Keeps Slack what the timelines say it should be. Whatever happens to a call, a later pass makes up for it."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.adapters.slack.canvas import Canvas, Memory, Studio
from bot.adapters.slack.chat import LATEST
from bot.adapters.slack.limits import Rank, ranked
from bot.adapters.slack.painting import Painting
from bot.adapters.slack.projection import rank_of
from bot.adapters.slack.pulse import Pulse
from bot.domain.errors import IncidentNotFound, StoreUnusable
from bot.domain.incident import Incident, Status
from bot.domain.timeline import HOUSE
from bot.engine.reading import Reading
from bot.ports import Clock, Listed, Surface, Tx

log = structlog.get_logger()

_AT_START = 200
# Of how many incidents the timelines stay in memory, the latest that were touched.
_READINGS = 50
_STORE_WAIT_S = 5.0
_OVER = {Status.RESOLVED, Status.CLOSED}
# Many that begin together begin in order: the next when the one before has asked for its turn.
_SPACING = timedelta(milliseconds=20)
# An incident that was opened after this process began to speak has been shown by nobody else; clocks differ a little.
_SKEW = timedelta(seconds=2)


class Reconciler:
    """One task for each incident that has something to show. Only Slack's limits make one wait for a graver one."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._loop: asyncio.AbstractEventLoop | None = None
        self._touched: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._memories: dict[str, Memory] = {}
        self._readings: dict[str, Reading] = {}
        self._scan: asyncio.Task[None] | None = None
        self._pulse = Pulse(studio.chat, studio.clock)
        self._held: dict[str, tuple[Rank, asyncio.Event]] = {}
        self._minders: set[asyncio.Task[None]] = set()
        self._since = studio.clock.now() + _SKEW

    async def start(self) -> None:
        """Look at the latest incidents, and from now on at those that are touched."""
        self._loop = asyncio.get_running_loop()
        self._scan = asyncio.create_task(self._touch_latest())
        self._mind(self._pulse.feel())
        self._mind(self._let_go())

    async def stop(self) -> None:
        """Stop where it stands; a later start goes on."""
        self._loop = None
        tasks = [*self._tasks.values(), *self._minders, *([self._scan] if self._scan else [])]
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
        return len(self._tasks) + (self._scan is not None and not self._scan.done())

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

    def _mind(self, act: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(act)
        self._minders.add(task)
        task.add_done_callback(self._minders.discard)

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
                    lambda tx: self._studio.timeline.incidents(tx, ended=True, limit=_AT_START, private=True)
                )
            except StoreUnusable as error:
                log.warning("store unusable", error=str(error))
                await asyncio.sleep(_STORE_WAIT_S)
            else:
                break
        for row in sorted((row for row in listed if self._studio.owns(row.team)), key=_urgency):
            self._touch(row.id)
            if row.status not in _OVER:
                await self._space()

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
        try:
            if not await self._is_ours(incident_id):
                return None
            canvas = await self._look(incident_id)
            if not self._pulse.is_here:
                await self._hold(canvas.incident)
                canvas = await self._look(incident_id)
        except IncidentNotFound:
            return None
        with ranked(rank_of(canvas.incident)):
            again_s = await Painting(canvas).paint()
        if canvas.failed_now:
            self._pulse.falter()
        if canvas.memory.late:
            late, canvas.memory.late = canvas.memory.late, set()
            self._mind(self._look_later(incident_id, canvas.memory, late))
            canvas.memory.looks += 1
        elif again_s is None and canvas.incident.is_over and not canvas.memory.looks:
            self._memories.pop(incident_id)
            self._readings.pop(incident_id, None)
        return again_s

    async def _is_ours(self, incident_id: str) -> bool:
        """Tell whether it is shown in this workspace."""
        if incident_id in self._memories:
            return True
        timeline = self._studio.timeline
        row = await self._studio.store.read(lambda tx: timeline.listed(tx, incident_id))
        return self._studio.owns(row.team)

    async def _look(self, incident_id: str) -> Canvas:
        studio = self._studio
        reading = self._readings.pop(incident_id, None) or Reading(studio.timeline, incident_id)
        self._readings[incident_id] = reading
        if len(self._readings) > _READINGS:
            self._readings.pop(next(iter(self._readings)))

        def look(tx: Tx) -> tuple[Incident, dict[str, Surface]]:
            return reading.read(tx), studio.surfaces.shown(tx, incident_id)

        incident, shown = await studio.store.read(look)
        if incident_id not in self._memories:
            self._memories[incident_id] = Memory(incident.seq, fresh=incident.opened_at > self._since)
        return Canvas(studio, incident, reading.entries, shown, self._memories[incident_id])

    async def _hold(self, incident: Incident) -> None:
        """Wait until Slack is back, and then for those that go before."""
        let_go = asyncio.Event()
        self._held[incident.id] = rank_of(incident), let_go
        await let_go.wait()
        self._memories[incident.id].failures = 0

    async def _let_go(self) -> None:
        """Whenever Slack is back, let them begin in order."""
        while True:
            await self._pulse.back()
            while self._held and self._pulse.is_here:
                first = min(self._held, key=lambda incident_id: self._held[incident_id][0])
                self._held.pop(first)[1].set()
                await self._space()
            await self._pulse.gone()

    async def _space(self) -> None:
        clock = self._studio.clock
        await clock.sleep_until(clock.now() + _SPACING)

    async def _look_later(self, incident_id: str, memory: Memory, late: set[str]) -> None:
        """Look again at what was not answered, when it has either come or never will."""
        clock = self._studio.clock
        await clock.sleep_until(clock.now() + timedelta(seconds=LATEST * self._studio.chat.timeout_s))
        memory.due |= late
        memory.looks -= 1
        self._touch(incident_id)


def _urgency(row: Listed) -> tuple[bool, str, datetime]:
    return row.status in _OVER, row.severity.value, row.opened_at


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
