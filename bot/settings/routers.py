"""The tables of routers, one for each kind: what its driver must know."""

from typing import Literal

from bot.domain.traffic import Route
from bot.settings.tables import Address, Table


class HaproxyTable(Table):
    """HAProxy, by its runtime socket.

    `canary`, `baseline` and `dyed` are `backend/server`; marked requests are sent to `dyed`, if there is one.
    """

    kind: Literal["haproxy"]
    socket: str
    canary: str
    baseline: str
    dyed: str = ""
    state_file: str = ""


class EnvoyTable(Table):
    """Envoy, by its admin address: runtime keys of the canary's share, and of the route for marked requests."""

    kind: Literal["envoy"]
    admin: Address
    weight_key: str
    dyed_key: str = ""


RouterTable = HaproxyTable | EnvoyTable


def route(table: RouterTable | None) -> Route | None:
    """Give a router as the domain knows it."""
    if table is None:
        return None
    settings = table.model_dump(exclude={"kind"})
    return Route(table.kind, {key: value for key, value in settings.items() if value is not None})
