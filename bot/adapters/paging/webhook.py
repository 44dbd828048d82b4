"""A webhook of your own: told of every page, and of what becomes of it."""

from bot.adapters.paging.calls import Calls
from bot.domain.timeline import Person
from bot.ports import PageState

_NOBODY: Person | None = None


class Webhook:
    """One address; an event is safe to be sent twice: its key and event are the same."""

    name = "paging webhook"

    def __init__(self, url: str, token: str = "", page_url: str = "") -> None:
        self._calls = Calls(url, {"Authorization": f"Bearer {token}"} if token else {})
        self._page_url = page_url

    async def trigger(self, text: str, key: str) -> None:
        """Tell that somebody is needed."""
        await self._send("triggered", key, text)

    async def answered(self, key: str) -> Person | None:
        """Say that it does not tell."""
        del key
        return _NOBODY

    async def follow(self, key: str, to: PageState) -> None:
        """Tell that it is acknowledged or resolved."""
        await self._send(to.value, key, "")

    async def _send(self, event: str, key: str, text: str) -> None:
        body = {"event": event, "key": key, "text": text, "source": "FirstFive", "url": self._page_url}
        await self._calls.send("POST", "", body)
