"""Messages that are posted once: each carries its key, so that one whose answer was lost is found again."""

from dataclasses import dataclass
from typing import Any

from bot.adapters.slack.blocks import Message
from bot.adapters.slack.chat import Chat, Json
from bot.domain.incident import Incident

_EVENT = "firstfive_surface"
_PAGES = 5
_PER_PAGE = 200


@dataclass(frozen=True)
class Place:
    """Where a message goes: a channel, and the thread in it if any."""

    channel: str
    thread_ts: str = ""

    def args(self) -> dict[str, str]:
        """Give the arguments of chat.postMessage."""
        return {"channel": self.channel} | ({"thread_ts": self.thread_ts} if self.thread_ts else {})


@dataclass(frozen=True)
class Found:
    """A message that Slack has; `upto` as it was posted with."""

    ts: str
    upto: int = 0


def ts_of(ref: str) -> str:
    """Give the ts in a surface's ref, `CHANNEL/TS`."""
    return ref.rpartition("/")[2]


class Messages:
    """Posts and finds the messages of one incident."""

    def __init__(self, chat: Chat, incident: Incident) -> None:
        self._chat = chat
        self._incident = incident

    async def post(self, place: Place, key: str, message: Message, upto: int = 0) -> Json:
        """Post a message under its key; give Slack's answer.

        :raises ChatFailed: it was not posted, or nobody knows.
        """
        metadata = {"event_type": _EVENT, "event_payload": {**self._mark(key), "upto": upto}}
        quiet = {"unfurl_links": False, "unfurl_media": False}
        return await self._chat.call("chat.postMessage", **place.args(), **message.args(), **quiet, metadata=metadata)

    async def find(self, place: Place, key: str) -> Found | None:
        """Look for the message of a key.

        :raises ChatFailed: Slack could not be asked.
        """
        async for message in self._all(place):
            if self._carries(message, key):
                return Found(str(message["ts"]), int(message["metadata"]["event_payload"].get("upto") or 0))
        return None

    async def all_of(self, place: Place, key: str, title: str = "") -> list[str]:
        """Give the ts of every message of a key, or which shares a file of this title.

        :raises ChatFailed: Slack could not be asked.
        """
        return [
            str(message["ts"])
            async for message in self._all(place)
            if self._carries(message, key) or (title and _shares(message, title))
        ]

    async def find_file(self, place: Place, title: str) -> Found | None:
        """Look for the message that shares a file of this title; an upload carries no key.

        :raises ChatFailed: Slack could not be asked.
        """
        async for message in self._all(place):
            if _shares(message, title):
                return Found(str(message["ts"]))
        return None

    async def _all(self, place: Place) -> Any:
        method = "conversations.replies" if place.thread_ts else "conversations.history"
        args: dict[str, Any] = {"ts": place.thread_ts} if place.thread_ts else {"oldest": self._oldest}
        for _ in range(_PAGES):
            page = await self._chat.call(
                method, channel=place.channel, include_all_metadata=True, limit=_PER_PAGE, **args
            )
            for message in page.get("messages", ()):
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            args["cursor"] = cursor

    def _carries(self, message: Json, key: str) -> bool:
        payload = (message.get("metadata") or {}).get("event_payload") or {}
        return {name: payload.get(name) for name in self._mark(key)} == self._mark(key)

    @property
    def _oldest(self) -> str:
        return f"{self._incident.opened_at.timestamp() - 120:.0f}"

    def _mark(self, key: str) -> dict[str, Any]:
        # The moment of opening tells this INC-7 from that of an earlier database in the same workspace.
        return {"key": key, "incident": self._incident.id, "opened": int(self._incident.opened_at.timestamp())}


def _shares(message: Json, title: str) -> bool:
    return any(shared.get("title") == title for shared in message.get("files") or ())
