"""The Home tab: open incidents that somebody may know of, what waits for them, whether FirstFive is well.

Slack tells when somebody opens it; then, and for an hour after whenever something changes, it is drawn anew. Every
process may do that for whoever it heard of: the tab is drawn as a whole, so the last one is right whoever drew it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.adapters.slack.blocks import Around, Json, approval, button, link_button, named, plain, section
from bot.adapters.slack.canvas import Studio
from bot.adapters.slack.chat import Chat
from bot.adapters.slack.projection import digest
from bot.adapters.slack.text import clock as clock_time
from bot.adapters.slack.text import line
from bot.domain.actions import ActionItem, every
from bot.domain.errors import ChatFailed, StoreUnusable
from bot.domain.incident import Incident, fold
from bot.domain.mine import Mine, mine
from bot.domain.service import ReminderRules
from bot.domain.timeline import Person
from bot.ports import Tx

log = structlog.get_logger()

# A Home tab has at most 100 blocks (docs.slack.dev/reference/views).
_MOST_INCIDENTS = 30
_MOST_OF_A_KIND = 8
_MOST_READ = 100
# So that those who look at theirs together stay below Slack's calls a minute.
_EACH_S = 1.5
_LOOKED_AT = timedelta(hours=1)
_MOST_PEOPLE = 200


class Homes:
    """Draws the Home tabs that are looked at."""

    def __init__(
        self, chat: Chat, studio: Studio, rules: ReminderRules, ailments: Callable[[], Sequence[str]] = tuple
    ) -> None:
        """`chat` need not have the word, as the studio's must. `ailments` says in lines what is wrong with us."""
        self._chat = chat
        self._store = studio.store
        self._timeline = studio.timeline
        self._clock = studio.clock
        self._around = studio.around
        self._owns = studio.owns
        self._rules = rules
        self._ailments = ailments
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._opened: dict[str, datetime] = {}
        self._shown: dict[str, str] = {}
        self._someone = asyncio.Event()
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Begin to draw."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name="home")

    async def stop(self) -> None:
        """Draw no more."""
        self._loop = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def open(self, user: str) -> None:
        """Say that somebody looks at their Home tab."""
        self._opened.pop(user, None)
        self._opened[user] = self._clock.now()
        while len(self._opened) > _MOST_PEOPLE:
            self._shown.pop(next(iter(self._opened)), None)
            self._opened.pop(next(iter(self._opened)))
        self._someone.set()
        self._changed.set()

    def touch(self) -> None:
        """Say that something has changed; from any thread."""
        if self._loop is not None and self._opened:
            self._loop.call_soon_threadsafe(self._changed.set)

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            await self._settle()
            self._changed.clear()
            self._someone.clear()
            try:
                again = await self._draw()
            except StoreUnusable as error:
                log.warning("store unusable", error=str(error))
                again = True
            if again:
                self._changed.set()

    async def _settle(self) -> None:
        """Let several changes be one, and a later try be later; whoever has just opened it does not wait."""
        try:
            async with asyncio.timeout(_EACH_S * max(1, len(self._opened))):
                await self._someone.wait()
        except TimeoutError:
            return

    async def _draw(self) -> bool:
        """Draw every tab that is looked at and would differ; tell whether something is still to be done."""
        now = self._clock.now()
        self._opened = {user: at for user, at in self._opened.items() if now - at < _LOOKED_AT}
        if not self._opened:
            return False
        incidents, items = await self._store.read(self._read)
        again = False
        for user in list(self._opened):
            seen = mine(incidents, items, Person(user, user), self._rules, now)
            again |= not await self._publish(user, home(seen, self._ailments(), self._around))
        return again

    def _read(self, tx: Tx) -> tuple[list[Incident], list[ActionItem]]:
        rows = self._timeline.incidents(tx, limit=_MOST_READ, private=True)
        incidents = [fold(self._timeline.entries(tx, row.id)) for row in rows if self._owns(row.team)]
        private = [item for incident in incidents if incident.private for item in incident.actions]
        return incidents, [*every(self._timeline.actions(tx)), *private]

    async def _publish(self, user: str, view: Json) -> bool:
        """Show somebody their tab; False when a later try can work."""
        wanted = digest(view)
        if self._shown.get(user) == wanted:
            return True
        try:
            await self._chat.call("views.publish", user_id=user, view=view)
        except ChatFailed as failure:
            log.info("home not shown", error=failure.code)
            return not failure.retryable
        self._shown[user] = wanted
        return True


def home(seen: Mine, ailments: Sequence[str], around: Around) -> Json:
    """Draw somebody's Home tab."""
    blocks: list[Any] = [
        *_waiting(seen, around),
        _title("Open incidents"),
        *_listed((_incident(each, around) for each in seen.incidents), len(seen.incidents), _MOST_INCIDENTS),
        *([] if seen.incidents else [section("No incident is open.")]),
        {"type": "actions", "elements": [button("Start an incident", "start")]},
        _title("FirstFive"),
        section("\n".join(f"• {line(each, 300)}" for each in ailments) or "All is well."),
    ]
    return {"type": "home", "blocks": list(named(blocks))}


def _waiting(seen: Mine, around: Around) -> list[Json]:
    """Draw what waits for somebody, what ends soonest first."""
    asked = seen.approvals[:_MOST_OF_A_KIND]
    approvals = [block for each, request in asked for block in approval(each.id, request, around)]
    leaderless = [
        _asked(
            f"*{each.id}* {line(each.title, 150)} has no commander.", "Take command", f"role commander me {_of(each)}"
        )
        for each in seen.leaderless[:_MOST_OF_A_KIND]
    ]
    updates = [
        _asked(f"*{each.id}* {line(each.title, 150)}: {_due(each)}", "Send update", f"update {_of(each)}")
        for each in seen.updates[:_MOST_OF_A_KIND]
    ]
    items = [
        _asked(
            f"*{item.incident_id}* {line(item.text, 200)} ({item.state})",
            "Done",
            f"action done={item.number} incident={item.incident_id}",
        )
        for item in seen.actions[:_MOST_OF_A_KIND]
    ]
    found = [*approvals, *leaderless, *updates, *items]
    left = sum(
        max(0, len(each) - _MOST_OF_A_KIND) for each in (seen.approvals, seen.leaderless, seen.updates, seen.actions)
    )
    more = [section(f"And {left} more.")] if left else []
    return [_title("Waits for you"), *(found or [section("Nothing waits for you.")]), *more]


def _incident(incident: Incident, around: Around) -> Json:
    commander = line(incident.commander.name, 60) if incident.commander else "nobody yet"
    where = f" <#{incident.channel}>" if incident.channel else ""
    private = " (private)" if incident.private else ""
    text = (
        f"*{incident.severity.value} {incident.status.value}* {incident.id} {line(incident.title, 150)}"
        f"{private}{where}\nSince {clock_time(incident.opened_at)}, commander: {commander}"
    )
    return {**section(text), "accessory": link_button("Open", around.page(incident.id))}


def _listed(drawn: Iterable[Json], count: int, most: int) -> list[Json]:
    shown = list(drawn)[:most]
    return shown + ([section(f"And {count - most} more: `/incident list`.")] if count > most else [])


def _due(incident: Incident) -> str:
    promised = incident.next_update_at
    return f"an update was promised for {clock_time(promised)}." if promised else "no update for a while."


def _asked(text: str, label: str, words: str) -> Json:
    return {**section(text), "accessory": {**button(label, words), "action_id": f"ff:{words}"[:255]}}


def _of(incident: Incident) -> str:
    return f"incident={incident.id}"


def _title(text: str) -> Json:
    return {"type": "header", "text": plain(text, 150)}
