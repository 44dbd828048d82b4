"""What stands in for a chat where none is configured: it knows nobody better than by name, and reaches nobody."""

from bot.domain.timeline import Person
from bot.ports import Reached


class NoDirectory:
    """Takes people as they are named."""

    async def find(self, mention: str) -> Person | None:
        """Give a person of this name."""
        return Person(mention, mention.lstrip("@"))

    async def named(self, person: Person) -> Person:
        """Give the person as they are named."""
        return person


class NoPager:
    """Reaches nobody, and says why."""

    async def page(self, person: Person, text: str, key: str) -> Reached:
        """Say that there is no way to reach anybody."""
        del text, key
        return Reached(person, "not at all", ok=False, reason="no chat is configured: set SLACK_BOT_TOKEN")
