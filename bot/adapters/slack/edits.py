"""Messages that are posted once and edited from then on, however often the process dies in between."""

from datetime import timedelta
from functools import partial

from bot.adapters.slack.blocks import Message
from bot.adapters.slack.canvas import Canvas
from bot.adapters.slack.messages import Messages, Place, ts_of
from bot.adapters.slack.projection import digest
from bot.domain.errors import ChatFailed

_GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}


class Edits:
    """The living messages of one pass."""

    def __init__(self, canvas: Canvas, messages: Messages) -> None:
        self._canvas = canvas
        self._messages = messages

    async def show(self, key: str, channel: str, message: Message, gap: timedelta) -> None:
        """Bring the message of a key to what it should be; an edit waits until `gap` has passed since the last one."""
        canvas = self._canvas
        wanted = digest([channel, message.args()])
        if canvas.is_shown(key, wanted):
            return
        is_edit, now, last = self._ts(key, channel) != "", canvas.studio.clock.now(), canvas.memory.edited.get(key)
        if is_edit and last is not None and now < last + gap:
            canvas.want_again((last + gap - now).total_seconds())
        elif await canvas.show(key, wanted, partial(self.draw, key, channel, message)) and is_edit:
            canvas.memory.edited[key] = now

    async def draw(self, key: str, channel: str, message: Message) -> str:
        """Update the message of a key where it stands, or post it; give where it stands."""
        ts = self._ts(key, channel)
        if not ts and self._canvas.may_be_there(key):
            found = await self._messages.find(Place(channel), key)
            ts = found.ts if found is not None else ""
        if ts and await self._updated(channel, ts, message):
            return f"{channel}/{ts}"
        posted = await self._messages.post(Place(channel), key, message)
        return f"{channel}/{posted['ts']}"

    def _ts(self, key: str, channel: str) -> str:
        shown = self._canvas.shown.get(key)
        return ts_of(shown.ref) if shown is not None and channel and shown.ref.startswith(f"{channel}/") else ""

    async def _updated(self, channel: str, ts: str, message: Message) -> bool:
        """Update a message; False when somebody deleted it."""
        try:
            await self._canvas.studio.chat.call("chat.update", channel=channel, ts=ts, **message.args())
        except ChatFailed as failure:
            if failure.code not in _GONE:
                raise
            return False
        return True
