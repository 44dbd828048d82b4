"""The Router port: gives each service's question to the driver of its router's kind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from bot.domain.backends import Backend
from bot.domain.redaction import redact
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.traffic import Move, Route, Split


class Driver(Protocol):
    """One kind of router. It never raises for what the router does."""

    async def read(self, route: Route) -> Split | Missing:
        """Read what the router does now."""

    async def earlier(self, route: Route) -> str | Missing:
        """Name the release before the one that runs; "" where it knows of none."""

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Give the moves to what is wanted; none when it is so already."""

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Make one move; safe to repeat."""


@runtime_checkable
class Counting(Protocol):
    """A driver whose router counts by backend."""

    async def backends(self, route: Route) -> tuple[Backend, ...] | Missing:
        """Give what it has counted of each backend since it began."""


class Drivers:
    """Every driver, by the kind of router. What they say is shown to people: an address may hold a password."""

    def __init__(self, drivers: Mapping[str, Driver]) -> None:
        self._drivers = drivers

    async def read(self, service: Service) -> Split | Missing:
        """Read what the service's router does now."""
        found = self._of(service)
        told = found if isinstance(found, Missing) else await found[0].read(found[1])
        return _shown(told) if isinstance(told, Missing) else replace(told, note=redact(told.note))

    async def backends(self, service: Service) -> tuple[Backend, ...] | Missing:
        """Give what the service's router has counted of each backend."""
        found = self._of(service)
        if isinstance(found, Missing):
            return found
        driver, route = found
        if not isinstance(driver, Counting):
            return Missing(f"{route.kind} does not tell what it counts of each backend")
        told = await driver.backends(route)
        return _shown(told) if isinstance(told, Missing) else told

    async def earlier(self, service: Service) -> str | Missing:
        """Name the release before the one that runs."""
        found = self._of(service)
        told = found if isinstance(found, Missing) else await found[0].earlier(found[1])
        return _shown(told) if isinstance(told, Missing) else told

    async def plan(self, service: Service, wanted: Split) -> tuple[Move, ...] | Missing:
        """Give the moves to what is wanted."""
        found = self._of(service)
        told = found if isinstance(found, Missing) else await found[0].plan(found[1], wanted)
        if isinstance(told, Missing):
            return _shown(told)
        return tuple(replace(move, words=redact(move.words), command=redact(move.command)) for move in told)

    async def make(self, service: Service, move: Move) -> Missing | None:
        """Make one move."""
        found = self._of(service)
        told = found if isinstance(found, Missing) else await found[0].make(found[1], move)
        return told and _shown(told)

    def _of(self, service: Service) -> tuple[Driver, Route] | Missing:
        route = service.route
        if route is None:
            return Missing(f"no router is configured for {service.name}; add [services.router] to firstfive.toml")
        driver = self._drivers.get(route.kind)
        return (driver, route) if driver else Missing(f"no driver for a router of the kind {route.kind}")


def _shown(missing: Missing) -> Missing:
    return Missing(redact(missing.reason))
