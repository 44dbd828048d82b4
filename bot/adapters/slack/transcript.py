"""Reads one message as Slack has it now, and the bytes of its files."""

import asyncio
import re
from html import unescape
from urllib.parse import urlsplit

import aiohttp

from bot.adapters.slack.chat import Chat, Json
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.directory import SlackDirectory
from bot.domain.errors import ChatFailed
from bot.domain.messages import ChatFile, ChatMessage, Unread, said_at
from bot.domain.run import Missing
from bot.domain.timeline import Person

_FILE_S = 20.0
_CHUNK = 65_536
_OK = 200
_MOST_FILES = 10
_PAGE, _PAGES = 200, 50
_NAMED = re.compile(r"<@([UW][A-Z0-9]+)(?:\|([^>]*))?>")
_SPECIAL = re.compile(r"<(?:#[CG][A-Z0-9]+\|([^>]*)|!(?:subteam\^\w+\|)?@?([^>|^]+)[^>]*|([^>|]+)\|([^>]*)|([^>]+))>")
_GONE = "message_not_found"
_NO_BYTES = {"tombstone", "hidden_by_limit", "external"}
_LOGIN = "Slack asked to log in: the app lacks files:read"


class SlackTranscript:
    """The Transcript port. Any process may read, as reading shows nothing."""

    def __init__(self, chat: Chat, config: SlackConfig, directory: SlackDirectory) -> None:
        self._chat = chat
        self._config = config
        self._directory = directory

    async def message(self, channel: str, ts: str) -> ChatMessage | Unread | None:
        """Give a message, in a thread or not; None when it was deleted.

        reactions.get is the one method that finds a reply by its own ts.
        """
        try:
            told = await self._chat.call("reactions.get", channel=channel, timestamp=ts, full=True)
            message = told.get("message") or {}
            if message.get("subtype") == "tombstone":
                return None
            if not message:
                return Unread("Slack's answer holds no message")
            link = message.get("permalink") or await self._permalink(channel, ts)
        except ChatFailed as failure:
            return None if failure.code == _GONE else Unread(failure.code, again=failure.retryable)
        return await self._drawn(message, channel, ts, str(link))

    async def is_pinned(self, channel: str, ts: str) -> bool | Unread:
        """Tell whether a message is pinned in its channel; messages do not always say so themselves."""
        try:
            told = await self._chat.call("pins.list", channel=channel)
        except ChatFailed as failure:
            return Unread(failure.code, again=failure.retryable)
        return any((item.get("message") or {}).get("ts") == ts for item in told.get("items") or ())

    async def members(self, channel: str) -> frozenset[str] | Unread:
        """Give the ids of who is in a channel."""
        found: set[str] = set()
        cursor = ""
        try:
            for _ in range(_PAGES):
                page = await self._chat.call("conversations.members", channel=channel, limit=_PAGE, cursor=cursor)
                found.update(map(str, page.get("members") or ()))
                cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
                if not cursor:
                    return frozenset(found)
        except ChatFailed as failure:
            return Unread(failure.code, again=failure.retryable)
        return Unread("there are too many")

    async def plain(self, text: str) -> str:
        """Give a text as people read it, without Slack's markup of names and links."""
        names = {user: named for user, named in _NAMED.findall(text) if named}
        for user in dict.fromkeys(user for user, _ in _NAMED.findall(text) if user not in names):
            names[user] = (await self._directory.named(Person(user, user))).name
        text = _NAMED.sub(lambda found: f"@{names[found[1]]}", text)
        return unescape(_SPECIAL.sub(_spelled, text))

    async def file(self, file: ChatFile, most: int) -> bytes | Missing:
        """Give the bytes of a file of at most so many; the token goes to Slack alone."""
        if file.bytes > most:
            return Missing("it is larger than `timeline.files_max_mb` allows")
        if not self._is_slacks(file.url):
            return Missing("Slack does not have its bytes")
        try:
            return await self._download(file, most)
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError):
            return Missing("Slack did not give its bytes in time")

    async def _download(self, file: ChatFile, most: int) -> bytes | Missing:
        headers = {"Authorization": f"Bearer {self._config.bot_token}"}
        limit = aiohttp.ClientTimeout(total=_FILE_S)
        session = self._chat.session
        async with session.get(file.url, headers=headers, timeout=limit, allow_redirects=False) as response:
            if response.content_type == "text/html" and file.mimetype != "text/html":
                return Missing(_LOGIN)
            if response.status != _OK:
                return Missing(_LOGIN if response.status // 100 == 3 else f"Slack answered {response.status}")  # noqa: PLR2004 - a redirect leads to the login
            content = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                content += chunk
                if len(content) > most:
                    return Missing("it is larger than `timeline.files_max_mb` allows")
            return bytes(content)

    def _is_slacks(self, url: str) -> bool:
        """Tell whether an address is Slack's own, or that of the Web API's stand-in."""
        asked, api = urlsplit(url), urlsplit(self._config.api_url)
        if asked.scheme == "https" and (asked.hostname or "").endswith(".slack.com"):
            return True
        return bool(url) and (asked.scheme, asked.netloc) == (api.scheme, api.netloc)

    async def _permalink(self, channel: str, ts: str) -> str:
        told = await self._chat.call("chat.getPermalink", channel=channel, message_ts=ts)
        return str(told.get("permalink") or "")

    async def _drawn(self, message: Json, channel: str, ts: str, link: str) -> ChatMessage:
        edited = message.get("edited") or {}
        return ChatMessage(
            channel=channel,
            ts=ts,
            author=await self._author(message),
            text=await self.plain(_words(message)),
            thread_ts=str(message.get("thread_ts") or ""),
            permalink=link,
            marks=tuple(str(mark.get("name")) for mark in message.get("reactions") or ()),
            pinned=channel in (message.get("pinned_to") or ()),
            files=tuple(_file(each) for each in (message.get("files") or ())[:_MOST_FILES]),
            edited_at=said_at(str(edited["ts"])) if edited.get("ts") else None,
        )

    async def _author(self, message: Json) -> Person:
        """Name who wrote it; an app without a user goes by the name that it posts under."""
        user = str(message.get("user") or "")
        if user:
            return await self._directory.named(Person(user, user))
        bot = str(message.get("bot_id") or "unknown")
        named = message.get("username") or (message.get("bot_profile") or {}).get("name") or bot
        return Person(bot, str(named))


def _words(message: Json) -> str:
    """Give what a message says; that of an app may be in its attachments alone."""
    parts = [str(message.get("text") or "")]
    attached = message.get("attachments") or ()
    parts += [str(each.get("fallback") or each.get("text") or each.get("title") or "") for each in attached]
    return "\n".join(part for part in (parts[:1] if parts[0] else parts) if part)


def _spelled(found: re.Match[str]) -> str:
    channel, special, link, label, bare = found.groups()
    if channel is not None:
        return f"#{channel}"
    if special is not None:
        return f"@{special}"
    if link is not None:
        return label if label in {link, link.removeprefix("mailto:")} else f"{label} ({link})"
    return str(bare)


def _file(raw: Json) -> ChatFile:
    has_bytes = not raw.get("is_external") and raw.get("mode") not in _NO_BYTES
    url = str(raw.get("url_private_download") or raw.get("url_private") or "") if has_bytes else ""
    name = str(raw.get("name") or raw.get("title") or raw.get("id") or "a file")
    return ChatFile(str(raw.get("id") or ""), name, str(raw.get("mimetype") or ""), int(raw.get("size") or 0), url)
