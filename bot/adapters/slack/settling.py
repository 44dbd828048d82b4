"""Takes away what a late call has put there twice: one that nobody answered, done after its repetition."""

from collections.abc import Sequence

from bot.adapters.slack.bisects import BISECT
from bot.adapters.slack.broadcast import UPDATE, place_of_updates
from bot.adapters.slack.canvas import Canvas
from bot.adapters.slack.messages import Messages, Place
from bot.adapters.slack.posting import place_of, title_of
from bot.adapters.slack.posts import Post, pending
from bot.domain.errors import ChatFailed

_GONE = {"message_not_found", "cant_delete_message"}
_POST = "post:"


class Settling:
    """The second look of one pass at what is due for it. Surfaces without messages are simply shown again."""

    def __init__(self, canvas: Canvas, messages: Messages) -> None:
        self._canvas = canvas
        self._messages = messages
        self._due = sorted(canvas.memory.due)

    async def tidy(self) -> None:
        """Delete every message that stands there twice; what this pass could not show again stays due."""
        canvas = self._canvas
        for key in self._due:
            if canvas.stopped:
                canvas.memory.due.add(key)
                continue
            if key in canvas.memory.due and not key.startswith(_POST):
                continue
            try:
                await self._tidy(key)
            except ChatFailed as failure:
                canvas.put_off(key, failure)
            else:
                canvas.memory.due.discard(key)

    async def _tidy(self, key: str) -> None:
        shown = self._canvas.shown.get(key)
        if (key in {"card", "announcement"} or key.startswith(BISECT)) and shown is not None and shown.ref:
            channel, _, kept = shown.ref.partition("/")
            await self._keep(channel, kept, await self._messages.all_of(Place(channel), key))
        elif key.startswith(UPDATE) and (thread := place_of_updates(self._canvas)) is not None:
            found = await self._messages.all_of(thread, key)
            await self._keep(thread.channel, min(found, default=""), found)
        elif key.startswith(_POST) and self._canvas.channel:
            post = self._post(int(key.removeprefix(_POST)))
            if post is not None:
                place = place_of(self._canvas, post)
                found = await self._messages.all_of(place, key, title_of(post) if post.file else "")
                await self._keep(place.channel, min(found, default=""), found)

    def _post(self, first: int) -> Post | None:
        posts = pending(self._canvas.entries, first - 1, self._canvas.studio.around)
        return next((post for post in posts if post.first == first), None)

    async def _keep(self, channel: str, kept: str, found: Sequence[str]) -> None:
        for ts in found:
            if kept not in ("", ts):
                await self._delete(channel, ts)

    async def _delete(self, channel: str, ts: str) -> None:
        try:
            await self._canvas.studio.chat.call("chat.delete", channel=channel, ts=ts)
        except ChatFailed as failure:
            if failure.code not in _GONE:
                raise
