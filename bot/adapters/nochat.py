"""What stands in for a chat where none is configured: it knows nobody better than by name, and reaches nobody."""

from bot.domain.messages import ChatFile, Unread
from bot.domain.run import Missing, Reply
from bot.domain.timeline import Person
from bot.ports import PageState, Picture, Posted, Reached

_NOBODY: Person | None = None
_NO_CHAT = "no chat is configured: docs/slack.md says how"


class NoDirectory:
    """Takes people as they are named."""

    async def find(self, mention: str) -> Person | None:
        """Give a person of this name; `<@ID|name>` names both, as pages offer it."""
        who, _, name = mention.removeprefix("<@").removesuffix(">").partition("|")
        return Person(who, name or who.lstrip("@"))

    async def with_mail(self, mail: str) -> Person | Missing:
        """Say that there is nobody to be found."""
        return Missing(f"no chat is connected that would know {mail}")

    async def named(self, person: Person) -> Person:
        """Give the person as they are named."""
        return person


class NoPoster:
    """Posts nowhere, and says why."""

    async def post(self, channel: str, text: str, key: str, picture: Picture | None = None) -> Posted:
        """Say that there is no channel to post to."""
        del text, key, picture
        return Posted(ok=False, reason=f"{channel}: {_NO_CHAT}")

    async def show(self, channel: str, reply: Reply, key: str) -> Posted:
        """Say that there is no channel to show it in."""
        return await self.post(channel, reply.text, key)


class NoGroups:
    """Knows no group, and says why."""

    async def members(self, group: str) -> Missing:
        """Say that there is nobody to ask."""
        del group
        return Missing(_NO_CHAT)


class NoTranscript:
    """Reads nothing, and says why."""

    async def message(self, channel: str, ts: str) -> Unread:
        """Say that there is nothing to read."""
        del channel, ts
        return Unread(_NO_CHAT)

    async def is_pinned(self, channel: str, ts: str) -> Unread:
        """Say that there is nothing to read."""
        del channel, ts
        return Unread(_NO_CHAT)

    async def members(self, channel: str) -> Unread:
        """Say that there is nothing to read."""
        del channel
        return Unread(_NO_CHAT)

    async def plain(self, text: str) -> str:
        """Give the text as it is."""
        return text

    async def file(self, file: ChatFile, most: int) -> Missing:
        """Say that there is nothing to read."""
        del file, most
        return Missing(_NO_CHAT)


class NoPager:
    """Reaches nobody, and says why."""

    async def page(self, person: Person, text: str, key: str) -> Reached:
        """Say that there is no way to reach anybody."""
        del text, key
        return Reached(person, "not at all", ok=False, reason=_NO_CHAT)

    @property
    def on_call(self) -> tuple[Person, ...]:
        """Name nobody."""
        return ()

    async def answered(self, key: str) -> Person | None:
        """Say that nobody was paged."""
        del key
        return _NOBODY

    async def follow(self, key: str, to: PageState) -> bool:
        """Do nothing: nobody was paged."""
        del key, to
        return True
