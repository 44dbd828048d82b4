"""What stands in for a chat where none is configured: it knows nobody better than by name, and reaches nobody."""

from bot.domain.timeline import Person
from bot.ports import Posted, Reached


class NoDirectory:
    """Takes people as they are named."""

    async def find(self, mention: str) -> Person | None:
        """Give a person of this name."""
        return Person(mention, mention.lstrip("@"))


class NoPoster:
    """Posts nowhere, and says why."""

    async def post(self, channel: str, text: str, key: str) -> Posted:
        """Say that there is no channel to post to."""
        del text, key
        return Posted(ok=False, reason=f"{channel}: no chat is configured, set SLACK_BOT_TOKEN")


class NoPager:
    """Reaches nobody, and says why."""

    async def page(self, person: Person, text: str, key: str) -> Reached:
        """Say that there is no way to reach anybody."""
        del text, key
        return Reached(person, "not at all", ok=False, reason="no chat is configured: set SLACK_BOT_TOKEN")
