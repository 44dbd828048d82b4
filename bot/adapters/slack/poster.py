"""Posts into channels that belong to no incident, once for each key."""

from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.adapters.slack.blocks import Around, Message, answer, section
from bot.adapters.slack.channels import Channels
from bot.adapters.slack.chat import LATEST, Chat
from bot.adapters.slack.text import clean, escape, mrkdwn, paragraphs, shorten
from bot.domain.errors import ChatFailed
from bot.domain.run import Reply
from bot.ports import Clock, Picture, Posted

log = structlog.get_logger()

_EVENT = "firstfive_post"
_PAGES, _PER_PAGE = 5, 200
# With its picture's words below 10,000 characters: Slack was seen to refuse 11,341 in all blocks of a message
# (bolt-js issue 2867), and documents no figure.
_SECTION, _SECTIONS, _FALLBACK = 3_000, 3, 300
_TITLE, _ALT = 150, 500
_UPLOADED_S = (0.0, 1.0, 3.0)
# A post is tried for so long at most; older messages cannot carry its key.
_LIFE = timedelta(days=1)


class SlackPoster:
    """The Poster port. The key is in the message's metadata; a channel that has it already is not posted to again."""

    def __init__(self, chat: Chat, channels: Channels, clock: Clock, around: Around) -> None:
        self._chat = chat
        self._around = around
        self._channels = channels
        self._clock = clock
        self._unsure: dict[str, datetime] = {}

    async def post(self, channel: str, text: str, key: str, picture: Picture | None = None) -> Posted:
        """Post Markdown to a channel, unless this key was posted there; never raises for what Slack does."""
        blocks = tuple(section(piece) for piece in paragraphs(mrkdwn(text), _SECTION, _SECTIONS))
        message = Message(escape(shorten(clean(text), _FALLBACK)) or "…", blocks)
        return await self._place(channel, message, key, anew=False, picture=picture)

    async def show(self, channel: str, reply: Reply, key: str) -> Posted:
        """Post an answer with its buttons, or change the message of this key into it."""
        return await self._place(channel, answer(reply, self._around), key, anew=True)

    async def _place(
        self, channel: str, message: Message, key: str, *, anew: bool, picture: Picture | None = None
    ) -> Posted:
        try:
            place = await self._channels.id_of(channel)
            ts = await self._find(place, key)
            if not ts:
                self._check_not_under_way(key)
            if ts and anew:
                await self._chat.call("chat.update", channel=place, ts=ts, **_metadata(key), **message.args())
            ts = ts or (picture and await self._send_with(place, message, key, picture)) or ""
            ts = ts or await self._send(place, message, key)
        except ChatFailed as failure:
            if failure.unsure:
                self._unsure[key] = self._clock.now() + timedelta(seconds=LATEST * self._chat.timeout_s)
            why = "there is no such channel" if failure.code == "announcements_not_found" else str(failure)
            return Posted(ok=False, reason=f"{channel}: {why}", again=failure.retryable)
        self._unsure.pop(key, None)
        return Posted(ok=True, ref=f"{place}/{ts}")

    def _check_not_under_way(self, key: str) -> None:
        """Refuse, for now, to repeat what was not answered and may still come; nobody waits for these posts."""
        now = self._clock.now()
        self._unsure = {other: until for other, until in self._unsure.items() if until > now}
        if key in self._unsure:
            wait_s = (self._unsure[key] - now).total_seconds()
            raise ChatFailed("unanswered", retryable=True, retry_after_s=wait_s)

    async def _find(self, channel: str, key: str) -> str:
        """Look for the key: nobody but Slack knows whether an earlier try came through."""
        try:
            return await self._look(channel, key, self._clock.now() - _LIFE)
        except ChatFailed as failure:
            if failure.code != "not_in_channel":
                raise
        await self._chat.call("conversations.join", channel=channel)
        return await self._look(channel, key, self._clock.now() - _LIFE)

    async def _look(self, channel: str, key: str, since: datetime) -> str:
        cursor = ""
        for _ in range(_PAGES):
            page = await self._chat.call(
                "conversations.history",
                channel=channel,
                include_all_metadata=True,
                oldest=f"{since.timestamp():.0f}",
                limit=_PER_PAGE,
                cursor=cursor,
            )
            for message in page.get("messages", ()):
                metadata = message.get("metadata") or {}
                if (metadata.get("event_payload") or {}).get("key") == key:
                    return str(message["ts"])
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return ""

    async def _send_with(self, channel: str, message: Message, key: str, picture: Picture) -> str:
        """Post with the picture in the message; "" when Slack does not take it, and the words must do.

        Slack works on an upload for a moment after it was taken; until then a block that shows it is refused.

        :raises ChatFailed: the message was not posted, or nobody knows.
        """
        try:
            done = await self._chat.upload("trend.png", shorten(picture.title, _TITLE), picture.png)
            file = str(done["files"][0]["id"])
        except (ChatFailed, KeyError, IndexError, TypeError) as error:
            log.info("picture refused, the words must do", error=str(error))
            return ""
        title = {"type": "plain_text", "text": shorten(picture.title, _TITLE), "emoji": False}
        shown = {"type": "image", "slack_file": {"id": file}, "alt_text": shorten(picture.words, _ALT), "title": title}
        for wait_s in _UPLOADED_S:
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=wait_s))
            try:
                return await self._send(channel, Message(message.text, (*message.blocks, shown)), key)
            except ChatFailed as failure:
                if failure.code != "invalid_blocks":
                    raise
        return ""

    async def _send(self, channel: str, message: Message, key: str) -> str:
        quiet = {"unfurl_links": False, "unfurl_media": False}
        args = {**message.args(), **quiet, **_metadata(key)}
        return str((await self._chat.call("chat.postMessage", channel=channel, **args))["ts"])


def _metadata(key: str) -> dict[str, Any]:
    return {"metadata": {"event_type": _EVENT, "event_payload": {"key": key}}}
