"""Who is in a user group of Slack: on call by it, or with the rights that were given to it."""

import asyncio
from datetime import datetime, timedelta

from bot.adapters.slack.chat import Chat
from bot.adapters.slack.directory import SlackDirectory
from bot.domain.errors import ChatFailed
from bot.domain.run import Missing
from bot.domain.timeline import Person
from bot.ports import Clock

_WITHIN_S = 1.5
# Slack lets an app ask 20 times a minute. Whoever was taken out of a group a minute ago has no right any more.
_FRESH = timedelta(seconds=60)


class Usergroups:
    """User groups by their handles."""

    name = "Slack user group"

    def __init__(self, chat: Chat, directory: SlackDirectory) -> None:
        self._chat = chat
        self._directory = directory

    async def people(self, rota: str) -> tuple[Person, ...]:
        """Give who is in the group of a handle.

        :raises ChatFailed: Slack does not tell, or has no such group.
        """
        wanted = rota.removeprefix("@")
        listed = await self._chat.call_within(_WITHIN_S, "usergroups.list")
        group = next((one for one in listed.get("usergroups", ()) if wanted in {one.get("handle"), one["id"]}), None)
        if group is None:
            raise ChatFailed(f"no user group has the handle @{wanted}")
        answer = await self._chat.call_within(_WITHIN_S, "usergroups.users.list", usergroup=str(group["id"]))
        people = (Person(str(user), str(user)) for user in answer.get("users", ()))
        return tuple(await asyncio.gather(*(self._directory.named(person) for person in people)))


class SlackGroups:
    """The Groups port."""

    def __init__(self, chat: Chat, clock: Clock) -> None:
        self._chat = chat
        self._clock = clock
        self._known: dict[str, tuple[datetime, frozenset[str]]] = {}

    async def members(self, group: str) -> frozenset[str] | Missing:
        """Give who is in the group of an id, as Slack told within the last minute."""
        as_of, known = self._known.get(group, (self._clock.now() - _FRESH, frozenset[str]()))
        if self._clock.now() < as_of + _FRESH:
            return known
        try:
            answer = await self._chat.call_within(_WITHIN_S, "usergroups.users.list", usergroup=group)
        except ChatFailed as failure:
            return Missing(str(failure))
        found = frozenset(str(user) for user in answer.get("users", ()))
        self._known[group] = self._clock.now(), found
        return found
