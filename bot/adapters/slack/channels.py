"""The incident's channel: made once, found again when the answer was lost."""

import re
from collections.abc import Awaitable, Callable

from bot.adapters.slack.chat import Chat, Json
from bot.adapters.slack.projection import channel_name
from bot.domain.errors import ChatFailed
from bot.domain.incident import Incident

_ATTEMPTS = 9
_PAGES = 10
_ID = re.compile(r"[CG][A-Z0-9]{5,20}")
# Slack's clock and ours may differ; an older channel of this name belongs to another database's incident.
_CLOCK_SKEW_S = 120


class Channels:
    """Makes and finds channels."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._ids: dict[str, str] = {}

    async def open(self, incident: Incident, is_free: Callable[[str], Awaitable[bool]]) -> tuple[Json, bool]:
        """Create the channel of an incident, or take the one an earlier, unanswered call created.

        `is_free` tells whether a channel belongs to no other incident. Gives the channel and whether it is new.

        :raises ChatFailed: Slack refused, or did not answer.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            name = channel_name(incident, attempt)
            try:
                created = await self._chat.call("conversations.create", name=name, is_private=incident.private)
            except ChatFailed as failure:
                if failure.code != "name_taken":
                    raise
                ours = await self._ours(name, incident, is_free)
                if ours is not None:
                    return ours, False
            else:
                return dict(created["channel"]), True
        raise ChatFailed("name_taken")

    async def exists(self, channel: str) -> bool:
        """Tell whether a channel is still there.

        :raises ChatFailed: Slack could not be asked.
        """
        try:
            await self._chat.call("conversations.info", channel=channel)
        except ChatFailed as failure:
            if failure.code == "channel_not_found":
                return False
            raise
        return True

    async def id_of(self, name: str) -> str:
        """Give the id of a channel named by its id, or by its name with or without #.

        :raises ChatFailed: there is none, or Slack could not be asked.
        """
        name = name.lstrip("#")
        if _ID.fullmatch(name):
            return name
        if name not in self._ids:
            listed = await self._listed("conversations.list", lambda channel: channel.get("name") == name)
            if listed is None:
                raise ChatFailed("announcements_not_found")
            self._ids[name] = str(listed["id"])
        return self._ids[name]

    async def _ours(self, name: str, incident: Incident, is_free: Callable[[str], Awaitable[bool]]) -> Json | None:
        me = await self._chat.me()
        since = incident.opened_at.timestamp() - _CLOCK_SKEW_S

        def fits(channel: Json) -> bool:
            mine = channel.get("name") == name and channel.get("creator") == me
            return mine and float(channel.get("created", 0)) >= since

        kind = "private_channel" if incident.private else "public_channel"
        found = await self._listed("users.conversations", fits, kind)
        return found if found is not None and await is_free(str(found["id"])) else None

    async def _listed(self, method: str, fits: Callable[[Json], bool], kind: str = "public_channel") -> Json | None:
        cursor = ""
        for _ in range(_PAGES):
            page = await self._chat.call(method, types=kind, exclude_archived=True, limit=200, cursor=cursor)
            found = next((channel for channel in page.get("channels", ()) if fits(channel)), None)
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if found is not None or not cursor:
                return dict(found) if found is not None else None
        return None
