"""Delivers answers to whoever asked: by the response url, as a message only they see, or directly."""

import asyncio
from datetime import timedelta

import structlog

from bot.adapters.slack.blocks import Message, answer
from bot.adapters.slack.canvas import Studio
from bot.adapters.slack.card import card
from bot.adapters.slack.reconciler import wait
from bot.adapters.slack.whispers import tell
from bot.domain.errors import ChatFailed, IncidentNotFound, StoreUnusable
from bot.domain.incident import fold
from bot.domain.run import VIA_SHORTCUT
from bot.ports import Answer

log = structlog.get_logger()

VIA = "slack"
_AT_ONCE = 200
_LOOK_AGAIN_S = 30.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
# A response url lives for 30 minutes, and nobody waits longer for an answer.
_LIFE = timedelta(minutes=30)


class Answers:
    """One task for each answer that is owed.

    An answer whose delivery was not confirmed is sent again: nothing tells whether it came, and twice is better than
    never.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._loop: asyncio.AbstractEventLoop | None = None
        self._touched = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Deliver what is owed, and from now on what is touched."""
        self._loop = asyncio.get_running_loop()
        self._watch = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop where it stands; a later start goes on."""
        self._loop = None
        tasks = [*self._tasks.values(), *([self._watch] if self._watch else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def touch(self) -> None:
        """Say that an answer is owed; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._touched.set)

    async def _run(self) -> None:
        while True:
            self._touched.clear()
            try:
                owed = await self._studio.store.read(lambda tx: self._studio.surfaces.owed(tx, _AT_ONCE))
            except StoreUnusable as error:
                log.warning("store unusable", error=str(error))
                owed = []
            for one in owed:
                self._take(one)
            await wait(self._studio.clock, self._touched, _LOOK_AGAIN_S)

    def _take(self, one: Answer) -> None:
        is_ours = one.source.via in {VIA, VIA_SHORTCUT} and self._studio.owns(one.source.team)
        if one.key in self._tasks or not (is_ours or self._is_late(one)):
            return
        task = asyncio.create_task(self._deliver(one), name=f"answer {one.key}")
        self._tasks[one.key] = task
        task.add_done_callback(lambda done: self._done(one.key, done))

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self._tasks.pop(key, None)
        elif (error := task.exception()) is not None:
            # It stays in the table of tasks: an answer that cannot even be drawn is not tried again.
            log.error("answering failed", key=key, exc_info=error)
        else:
            self._tasks.pop(key, None)

    async def _deliver(self, one: Answer) -> None:
        wait_s, code = _FIRST_WAIT_S, "nobody asked for it"
        while not self._is_late(one):
            try:
                said = (await self._draw(one)).args()
                await tell(self._studio.chat, one.source, one.person, said)
            except ChatFailed as failure:
                code = failure.code
                log.info("answer not delivered", key=one.key, error=code)
                if not failure.retryable:
                    break
                pause_s = max(wait_s, failure.retry_after_s or 0.0)
            except StoreUnusable as error:
                log.warning("store unusable", error=str(error))
                pause_s = wait_s
            else:
                await self._settle(one, "delivered")
                return
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            await self._studio.clock.sleep_until(self._studio.clock.now() + timedelta(seconds=pause_s))
        if one.source.via == VIA:
            log.warning("answer given up", key=one.key, error=code)
        await self._settle(one, f"given up: {code}")

    async def _draw(self, one: Answer) -> Message:
        studio, shown = self._studio, None
        if one.reply.incident_id:
            entries = await studio.store.read(lambda tx: studio.timeline.entries(tx, one.reply.incident_id))
            try:
                shown = card(fold(entries), studio.around, studio.clock.now())
            except IncidentNotFound:
                log.warning("answer shows an incident that is not there", incident=one.reply.incident_id)
        return answer(one.reply, studio.around, shown)

    async def _settle(self, one: Answer, outcome: str) -> None:
        await self._studio.store.write(lambda tx: self._studio.surfaces.settle(tx, one.key, outcome))

    def _is_late(self, one: Answer) -> bool:
        return self._studio.clock.now() > one.queued_at + _LIFE
