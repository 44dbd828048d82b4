"""Who is on call by a user group of Slack, which people or a paging service keep up to date."""

import asyncio

from bot.adapters.slack.chat import Chat
from bot.adapters.slack.directory import SlackDirectory
from bot.domain.errors import ChatFailed
from bot.domain.timeline import Person

_WITHIN_S = 1.5


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
