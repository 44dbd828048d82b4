"""A webhook of your own: GET says how requests are shared, PUT changes it to what its body says, in full."""

import json
from typing import Any

from bot.adapters.routers.api import Api
from bot.adapters.routers.command import earlier_of, merged, split_of
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split


class WebhookDriver:
    """A PUT says what is to be and not what to do, so that it can be repeated."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, route: Route) -> Split | Missing:
        """Ask how requests are shared."""
        said = await self._ask(route)
        return said if isinstance(said, Missing) else split_of(json.dumps(said), route.text("url"))

    async def earlier(self, route: Route) -> str | Missing:
        """Give what it says under `earlier`."""
        said = await self._ask(route)
        return said if isinstance(said, Missing) else earlier_of(json.dumps(said))

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan one PUT."""
        now = await self.read(route)
        if isinstance(now, Missing):
            return now
        if now.meets(wanted):
            return ()
        after = merged(now, wanted)
        body = json.dumps({"weight": after.weight, "dyed": after.dyed, "release": after.release})
        return (Move(f"have it so that {after.words}", f"PUT {route.text('url')} {body}", {"put": body}),)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Send it."""
        body = json.loads(move.body["put"])
        done = await self._api.call("PUT", route.text("url"), body=body, ca_file=route.text("ca_file"))
        return done if isinstance(done, Missing) else None

    async def _ask(self, route: Route) -> Any | Missing:
        return await self._api.call("GET", route.text("url"), ca_file=route.text("ca_file"))
