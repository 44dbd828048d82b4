"""PagerDuty: events by the Events API v2; who answered by the REST API, if there is a token for it.

developer.pagerduty.com: Send an event; List incidents.
"""

from bot.adapters.paging.calls import Calls, Json
from bot.domain.timeline import Person
from bot.ports import PageState

_KEY, _SUMMARY = 255, 1024
_ACTIONS = {PageState.ACKNOWLEDGED: "acknowledge", PageState.RESOLVED: "resolve"}


class PagerDuty:
    """One service of PagerDuty, named by its routing key."""

    name = "PagerDuty"

    def __init__(
        self, routing_key: str, events_url: str, *, api_token: str = "", api_url: str = "", page_url: str = ""
    ) -> None:
        self._routing_key = routing_key
        self._events = Calls(events_url, {})
        self._api = Calls(api_url, api_headers(api_token)) if api_token else None
        self._page_url = page_url

    async def trigger(self, text: str, key: str) -> None:
        """Trigger an incident; the same key again is the same incident."""
        payload = {"summary": text[:_SUMMARY], "source": "firstfive", "severity": "critical", "class": "escalation"}
        more = {"client": "FirstFive", "client_url": self._page_url} if self._page_url else {"client": "FirstFive"}
        await self._send("trigger", key, {"payload": payload, **more})

    async def answered(self, key: str) -> Person | None:
        """Say who acknowledged the incident; the Events API alone does not tell."""
        if self._api is None:
            return None
        found = await self._api.send("GET", "/incidents", incident_key=key[:_KEY], date_range="all")
        incidents = found.get("incidents")
        for incident in incidents if isinstance(incidents, list) else ():
            given = incident.get("acknowledgements") or ()
            who = next((one.get("acknowledger") or {} for one in given), None)
            if who is not None:
                return Person(f"pagerduty:{who.get('id', '')}", str(who.get("summary") or "Somebody"))
        return None

    async def follow(self, key: str, to: PageState) -> None:
        """Acknowledge or resolve the incident."""
        await self._send(_ACTIONS[to], key, {})

    async def _send(self, action: str, key: str, more: Json) -> None:
        body = {"routing_key": self._routing_key, "event_action": action, "dedup_key": key[:_KEY], **more}
        await self._events.send("POST", "/v2/enqueue", body)


def api_headers(token: str) -> dict[str, str]:
    """Give the headers of PagerDuty's REST API."""
    return {"Authorization": f"Token token={token}", "Accept": "application/vnd.pagerduty+json;version=2"}
