"""The settings as they were read, without a secret in them, and what the doctor says of all that is needed."""

from datetime import timedelta

from fastapi import APIRouter, Response

from bot.domain.checks import Check, State
from bot.domain.configured import Configuration
from bot.engine.ports import Ports
from handlers.html import Html, shipped
from handlers.lookout import Lookout
from handlers.reader import Asks

_FRESH = timedelta(minutes=1)
"""The doctor asks everything there is: not again for everybody who looks."""
_ORDER = (State.FAIL, State.WARN, State.OK)


def router(ports: Ports, configuration: Configuration) -> APIRouter:
    """Give the page's route."""
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/settings", Configurations(ports, shipped(), configuration).page)
    return routes


class Configurations:
    """The page, and what the doctor said last."""

    def __init__(self, ports: Ports, html: Html, configuration: Configuration) -> None:
        self._ports = ports
        self._html = html
        self._configuration = configuration
        self._looked: Lookout[tuple[Check, ...]] = Lookout(ports.clock, fresh=_FRESH)

    async def page(self, reader: Asks) -> Response:
        """Show what is configured, and what the doctor found, as soon as it has looked."""
        seen = (await self._looked.look({"doctor": self._ports.checkup.checks})).get("doctor")
        checks = sorted(seen.what, key=lambda check: _ORDER.index(check.state)) if seen else ()
        looked_at = seen.at if seen else None
        return self._html.page("settings.html", reader, it=self._configuration, looked_at=looked_at, checks=checks)
