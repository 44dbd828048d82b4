"""Opsgenie: alerts by the Alert API, addressed by their alias.

docs.opsgenie.com/docs/alert-api: Create, Acknowledge, Close, Get.
"""

from urllib.parse import quote

from bot.adapters.paging.calls import Calls
from bot.domain.timeline import Person
from bot.ports import PageState

_ALIAS, _MESSAGE, _DESCRIPTION = 512, 130, 15_000
_ACTIONS = {PageState.ACKNOWLEDGED: "acknowledge", PageState.RESOLVED: "close"}


class Opsgenie:
    """One integration of Opsgenie, named by its key."""

    name = "Opsgenie"

    def __init__(self, api_key: str, base_url: str) -> None:
        self._calls = Calls(base_url, {"Authorization": f"GenieKey {api_key}"})

    async def trigger(self, text: str, key: str) -> None:
        """Create an alert; the same alias again is counted on the open one."""
        body = {
            "message": text[:_MESSAGE],
            "alias": key[:_ALIAS],
            "description": text[:_DESCRIPTION],
            "priority": "P1",
            "source": "FirstFive",
        }
        await self._calls.send("POST", "/v2/alerts", body)

    async def answered(self, key: str) -> Person | None:
        """Say who acknowledged the alert."""
        found = await self._calls.send("GET", _path(key), identifierType="alias")
        data = found.get("data")
        if not isinstance(data, dict) or not data.get("acknowledged"):
            return None
        report = data.get("report") if isinstance(data.get("report"), dict) else {}
        who = str((report or {}).get("acknowledgedBy") or data.get("owner") or "Somebody")
        return Person(f"opsgenie:{who}", who)

    async def follow(self, key: str, to: PageState) -> None:
        """Acknowledge or close the alert."""
        path = f"{_path(key)}/{_ACTIONS[to]}"
        await self._calls.send("POST", path, {"source": "FirstFive"}, identifierType="alias")


def _path(key: str) -> str:
    return f"/v2/alerts/{quote(key[:_ALIAS], safe='')}"
