"""Posts what the timeline says beyond the card, in order, each once."""

from collections.abc import Sequence
from functools import partial

import structlog

from bot.adapters.slack.canvas import Canvas
from bot.adapters.slack.messages import Messages, Place, ts_of
from bot.adapters.slack.posts import LONGEST, Post, pending
from bot.domain.errors import ChatFailed

log = structlog.get_logger()

_KEY = "posts"
_LARGEST_FILE = 30 * 1024 * 1024


class Posting:
    """The posts of one pass. The surface `posts` holds the last entry that is told."""

    def __init__(self, canvas: Canvas, messages: Messages) -> None:
        self._canvas = canvas
        self._messages = messages

    async def post(self) -> None:
        """Post everything that is still to be posted; stop at the first that must wait."""
        canvas = self._canvas
        while canvas.channel and not canvas.stopped:
            told = canvas.shown.get(_KEY)
            posts = pending(canvas.entries, int(told.digest) if told else 0, canvas.studio.around)
            upto = await self._post_one(posts[0]) if posts and not self._unsettled(posts) else 0
            if not upto:
                return
            await canvas.remember(_KEY, canvas.channel, str(upto))

    def _unsettled(self, posts: Sequence[Post]) -> bool:
        """Tell whether the only post may still grow, and come back for it; what must not wait takes it along."""
        [first, *others], now = posts, self._canvas.studio.clock.now()
        if others or first.ready_at is None or not now < first.ready_at <= now + LONGEST:
            return False
        self._canvas.want_again((first.ready_at - now).total_seconds())
        return True

    async def _post_one(self, post: Post) -> int:
        """Post it; give up to which entry all is told now, 0 to wait. What Slack refuses for good is passed over."""
        canvas, place = self._canvas, place_of(self._canvas, post)
        try:
            found = await self._find(post, place)
            if found:
                return found
            await canvas.remedied(partial(self._send, post, place))
        except ChatFailed as failure:
            await canvas.refused(post.key, str(post.upto), failure)
            return 0 if failure.retryable or not canvas.channel else post.upto
        canvas.memory.doubt.discard(post.key)
        return post.upto

    async def _find(self, post: Post, place: Place) -> int:
        """Give up to which entry this post stands in the channel already, 0 when it does not."""
        memory = self._canvas.memory
        before = post.first <= memory.first_seq and not memory.fresh
        if not before and post.key not in memory.doubt:
            return 0
        found = await self._messages.find(place, post.key)
        if found is None and post.file:
            found = await self._messages.find_file(place, title_of(post))
        memory.doubt.discard(post.key)
        return (found.upto or post.upto) if found else 0

    async def _send(self, post: Post, place: Place) -> str:
        if not await self._upload(post, place):
            await self._messages.post(place, post.key, post.message, post.upto)
        return place.channel

    async def _upload(self, post: Post, place: Place) -> bool:
        """Attach the artifact; False when the post carries none, or its link must do."""
        studio = self._canvas.studio
        content = await studio.artifacts.get(post.file) if post.file else None
        if content is None or len(content) > _LARGEST_FILE:
            return False
        where = {"channel_id": place.channel, "initial_comment": post.comment or post.message.text}
        where |= {"thread_ts": place.thread_ts} if place.thread_ts else {}
        try:
            await studio.chat.upload(post.file_name, title_of(post), content, **where)
        except ChatFailed as failure:
            if failure.retryable:
                raise
            log.info("file refused, its link must do", error=failure.code, file=post.file_name)
            return False
        return True


def place_of(canvas: Canvas, post: Post) -> Place:
    """Give where a post belongs."""
    return Place(canvas.channel, ts_of(canvas.card_ref()) if post.in_thread else "")


def title_of(post: Post) -> str:
    """Give the title under which its file is shared."""
    return f"{post.file_name} ({post.file[:8]})"
