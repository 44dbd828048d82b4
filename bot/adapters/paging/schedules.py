"""Schedules of paging services: who is on call by them, as the chat knows these people.

developer.pagerduty.com: List users on call in a schedule; docs.opsgenie.com/docs/who-is-on-call-api: Get on calls.
"""

import asyncio
from datetime import timedelta
from urllib.parse import quote

from bot.adapters.paging.calls import Calls, Json, PageFailed
from bot.adapters.paging.pagerduty import api_headers
from bot.adapters.paging.rota import Find
from bot.domain.timeline import Person
from bot.ports import Clock

_TRIES, _PAUSE_S = 2, 0.2
_FIND_S = 0.8


class PagerDutySchedules:
    """Schedules of PagerDuty, by id (PI7DH85): every layer and override is in its answer."""

    name = "PagerDuty"

    def __init__(self, token: str, base_url: str, find: Find, clock: Clock) -> None:
        self._calls = Calls(base_url, api_headers(token), _PAUSE_S, _TRIES)
        self._find = find
        self._clock = clock

    async def people(self, rota: str) -> tuple[Person, ...]:
        """Give who is on call by a schedule at this moment.

        :raises PageFailed: PagerDuty does not tell.
        """
        now = self._clock.now()
        when = {"since": now.isoformat(), "until": (now + timedelta(seconds=1)).isoformat()}
        found = await self._calls.send("GET", f"/schedules/{quote(rota, safe='')}/users", None, **when)
        users = _list(found, "users")
        return await _in_chat(
            self._find,
            {
                str(user.get("email") or ""): Person(f"pagerduty:{user.get('id', '')}", str(user.get("name") or "?"))
                for user in users
                if isinstance(user, dict)
            },
        )


class OpsgenieSchedules:
    """Schedules of Opsgenie, by name."""

    name = "Opsgenie"

    def __init__(self, api_key: str, base_url: str, find: Find) -> None:
        self._calls = Calls(base_url, {"Authorization": f"GenieKey {api_key}"}, _PAUSE_S, _TRIES)
        self._find = find

    async def people(self, rota: str) -> tuple[Person, ...]:
        """Give who is on call by a schedule.

        :raises PageFailed: Opsgenie does not tell.
        """
        how = {"scheduleIdentifierType": "name", "flat": "true"}
        found = await self._calls.send("GET", f"/v2/schedules/{quote(rota, safe='')}/on-calls", None, **how)
        data = found.get("data")
        mails = _list(data if isinstance(data, dict) else {}, "onCallRecipients")
        return await _in_chat(self._find, {str(mail): Person(f"opsgenie:{mail}", str(mail)) for mail in mails})


def _list(answer: Json, key: str) -> list[object]:
    value = answer.get(key)
    if not isinstance(value, list):
        raise PageFailed(f"answered without {key}")
    return value


async def _in_chat(find: Find, there: dict[str, Person]) -> tuple[Person, ...]:
    """Give people by their e-mail addresses as the chat knows them, as they are known there if it does not."""

    async def ask(mail: str, other: Person) -> Person:
        try:
            async with asyncio.timeout(_FIND_S):
                found = await find(mail) if mail else None
        except TimeoutError:
            found = None
        # A chat that is away gives back what it was asked for.
        return found if found is not None and found.id != mail else other

    people = await asyncio.gather(*(ask(mail, other) for mail, other in there.items()))
    return tuple({person.id: person for person in people}.values())
