"""Mentions people in a direct message, once for each key: that rings, but wakes nobody whose phone is silent."""

import asyncio

from bot.adapters.slack.chat import Chat
from bot.adapters.slack.projection import is_user
from bot.adapters.slack.text import mrkdwn, paragraphs
from bot.domain.errors import ChatFailed
from bot.domain.timeline import Person
from bot.ports import PageState, Reached

_EVENT = "firstfive_page"
_HOW = "Slack message"
_TRIES = 4
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 5.0
_LOOKED_AT = 100

_NOBODY: Person | None = None


class SlackPager:
    """The Pager port. A key that was sent, by this process or another, is not sent again."""

    def __init__(self, chat: Chat, pause_s: float = _FIRST_WAIT_S) -> None:
        self._chat = chat
        self._pause_s = pause_s

    async def page(self, person: Person, text: str, key: str) -> Reached:
        """Try to reach a person; a repeat with the same key must not disturb twice."""
        if not is_user(person.id):
            return Reached(person, _HOW, ok=False, reason=f"{person.name} is not in Slack", paged=False)
        wait_s, failure = self._pause_s, ChatFailed("not tried")
        for _ in range(_TRIES):
            try:
                await self._send(person, text, key)
            except ChatFailed as failed:
                failure = failed
            else:
                return Reached(person, _HOW, ok=True, paged=False)
            if not failure.retryable:
                break
            await asyncio.sleep(min(max(wait_s, failure.retry_after_s or 0.0), _LONGEST_WAIT_S))
            wait_s *= 2
        return Reached(person, _HOW, ok=False, reason=str(failure), paged=False)

    @property
    def on_call(self) -> tuple[Person, ...]:
        """Name nobody: Slack does not know who is on call."""
        return ()

    async def answered(self, key: str) -> Person | None:
        """Say that nobody tells: who read a message is not known."""
        del key
        return _NOBODY

    async def follow(self, key: str, to: PageState) -> bool:
        """Leave the message as it is."""
        del key, to
        return True

    async def _send(self, person: Person, text: str, key: str) -> None:
        opened = await self._chat.call("conversations.open", users=person.id)
        channel = str(opened["channel"]["id"])
        if await self._was_sent(channel, key):
            return
        words = "\n".join(paragraphs(mrkdwn(text), 3_000, 1))
        metadata = {"event_type": _EVENT, "event_payload": {"key": key}}
        await self._chat.call("chat.postMessage", channel=channel, text=words, metadata=metadata)

    async def _was_sent(self, channel: str, key: str) -> bool:
        page = await self._chat.call(
            "conversations.history", channel=channel, include_all_metadata=True, limit=_LOOKED_AT
        )
        metadata = (message.get("metadata") or {} for message in page.get("messages", ()))
        return any((data.get("event_payload") or {}).get("key") == key for data in metadata)
