"""Tells updates and the postmortem under the incident's announcement: stakeholders are not in its own channel."""

from functools import partial

from bot.adapters.slack.canvas import Canvas
from bot.adapters.slack.messages import Messages, Place, ts_of
from bot.adapters.slack.postmortems import published
from bot.adapters.slack.posts import update
from bot.domain.errors import ChatFailed
from bot.domain.timeline import Entry, Kind

UPDATE = "update:"
_TOLD = {Kind.UPDATE, Kind.POSTMORTEM_PUBLISHED}


class Broadcast:
    """The updates that one pass finds told to nobody yet. A surface of each, `update:SEQ`, says that it is."""

    def __init__(self, canvas: Canvas, messages: Messages) -> None:
        self._canvas = canvas
        self._messages = messages

    async def tell(self) -> None:
        """Reply with every update that is not told yet; nothing of what is private, or over for long."""
        canvas, place = self._canvas, place_of_updates(self._canvas)
        if place is None or canvas.is_past or canvas.incident.private:
            return
        for entry in canvas.entries:
            if entry.kind in _TOLD and entry.body is not None and not canvas.stopped:
                key = f"{UPDATE}{entry.seq}"
                await canvas.show(key, "told", partial(self._reply, place, key, entry), bound=False)

    async def _reply(self, place: Place, key: str, entry: Entry) -> str:
        canvas, memory = self._canvas, self._canvas.memory
        is_update = entry.kind == Kind.UPDATE
        message = update(entry) if is_update else published(entry, canvas.entries, canvas.studio.around)
        before = entry.seq <= memory.first_seq and not memory.fresh
        if before or key in memory.doubt or key in memory.due:
            found = await self._messages.find(place, key)
            if found is not None:
                return f"{place.channel}/{found.ts}"
        try:
            posted = await self._messages.post(place, key, message)
        except ChatFailed as failure:
            if failure.code != "not_in_channel":
                raise
            await canvas.studio.chat.call("conversations.join", channel=place.channel)
            posted = await self._messages.post(place, key, message)
        return f"{place.channel}/{posted['ts']}"


def place_of_updates(canvas: Canvas) -> Place | None:
    """Give the thread of its announcement; None when it is not announced."""
    line = canvas.shown.get("announcement")
    if line is None or not line.ref:
        return None
    return Place(line.ref.partition("/")[0], ts_of(line.ref))
