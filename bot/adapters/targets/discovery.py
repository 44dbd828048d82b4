"""Finds the targets of a service: by its Prometheus, by files, by names; what was told last is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.adapters.targets.files import read_files
from bot.adapters.targets.network import Resolver, resolve_by_system
from bot.domain.discovery import DiscoveryPlan
from bot.domain.errors import StoreUnusable
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.sightings import (
    Discovered,
    DiscoveryFailed,
    Found,
    NothingFound,
    Sighting,
    of_prometheus,
    targets_of,
    to_resolve,
)
from bot.ports import Clock, Marks, Store

log = structlog.get_logger()

Scraped = Callable[[str], Awaitable[Any | Missing]]
Ask = Callable[[str, DiscoveryPlan], Awaitable[tuple[Sighting, ...]]]

T = TypeVar("T")

_FRESH = timedelta(seconds=10)
_RESOLVED_S = 1.0
"""A name that does not resolve so soon is vetted when it is asked."""
_MOST_KEPT = 2_000


@dataclass(frozen=True)
class Kept:
    """What a source told last."""

    at: datetime
    found: Found


_KEPT: TypeAdapter[Kept] = TypeAdapter(Kept)


class Sources:
    """Asks the source of a service who its targets are."""

    def __init__(self, scraped: Scraped, ask: Ask | None = None, resolver: Resolver = resolve_by_system) -> None:
        """`scraped` asks a Prometheus what it scrapes, `ask` a name server."""
        self._scraped = scraped
        self._ask = ask
        self._resolver = resolver
        self._reading: dict[DiscoveryPlan, asyncio.Future[Found]] = {}

    async def find(self, service: Service, plan: DiscoveryPlan) -> Found:
        """Give what the source tells, in bounded time.

        :raises DiscoveryFailed: it does not tell, or knows of nobody.
        """
        if plan.kind == "dns":
            return await self._of_names(plan)
        asked = self._of_prometheus(service, plan) if plan.kind == "prometheus" else self._of_files(plan)
        return await _within(plan.timeout_s, asked)

    async def targets(self, service: Service, plan: DiscoveryPlan, found: Found) -> Discovered:
        """Make targets of what was found; names are resolved first, as far as that is done in time."""
        addresses: dict[str, tuple[str, ...]] = {}

        async def resolve(host: str) -> None:
            with suppress(OSError, UnicodeError):
                addresses[host] = await self._resolver(host, 0)

        with suppress(TimeoutError):
            async with asyncio.timeout(_RESOLVED_S):
                await asyncio.gather(*(resolve(host) for host in to_resolve(found.sightings)[: 2 * plan.most]))
        return await asyncio.to_thread(targets_of, service.name, plan, found, addresses, service.targets)

    async def _of_prometheus(self, service: Service, plan: DiscoveryPlan) -> Found:
        base = service.prometheus or ""
        answer = await self._scraped(base)
        if isinstance(answer, Missing):
            raise DiscoveryFailed(answer.reason)
        return await asyncio.to_thread(of_prometheus, answer, base, plan.job or service.name, plan)

    async def _of_files(self, plan: DiscoveryPlan) -> Found:
        """Read the files. Where a disk hangs, one thread hangs with it and not one more for everybody who asks."""
        reading = self._reading.get(plan)
        if reading is None or reading.done():
            reading = self._reading[plan] = asyncio.ensure_future(asyncio.to_thread(read_files, plan))
        return await asyncio.shield(reading)

    async def _of_names(self, plan: DiscoveryPlan) -> Found:
        """Ask for every name; one that is not told is a loss, as long as another is."""
        asked = (_within(plan.timeout_s, self._of_name(name, plan), name) for name in plan.names)
        told = await asyncio.gather(*asked, return_exceptions=True)
        found: list[Sighting] = []
        losses: list[str] = []
        for each in told:
            if isinstance(each, DiscoveryFailed):
                losses.append(str(each))
            elif isinstance(each, BaseException):
                raise each
            else:
                found += each
        if not found:
            raise DiscoveryFailed("; ".join(losses))
        return Found(tuple(found), tuple(losses))

    async def _of_name(self, name: str, plan: DiscoveryPlan) -> tuple[Sighting, ...]:
        if self._ask is not None and (plan.record == "SRV" or plan.server):
            return await self._ask(name, plan)
        try:
            addresses = await self._resolver(name, 0)
        except (OSError, UnicodeError) as error:
            raise DiscoveryFailed(f"{name} does not resolve: is the name right?") from error
        return tuple(Sighting(address, None, address) for address in addresses)


async def _within(seconds: float, asked: Awaitable[T], of: str = "") -> T:
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        raise DiscoveryFailed(f"{of}: no answer within {seconds:g} s".removeprefix(": ")) from None


class KeptDiscovery:
    """The Discovery port. What a source told last is kept in the database, for when it does not answer."""

    def __init__(self, sources: Sources, store: Store, marks: Marks, clock: Clock) -> None:
        self._sources = sources
        self._store = store
        self._marks = marks
        self._clock = clock
        self._known: dict[str, Kept] = {}
        self._asking: dict[str, asyncio.Future[tuple[Found, tuple[str, ...]]]] = {}

    async def targets(self, service: Service) -> Discovered:
        """Give the targets of a service: those that are named, then those that are found; never raises."""
        plan = service.discovery
        if plan is None:
            return Discovered(service.targets)
        found, loss = await self._shared(service, plan)
        discovered = await self._sources.targets(service, plan, found)
        return Discovered(discovered.targets, (*loss, *discovered.losses))

    async def _shared(self, service: Service, plan: DiscoveryPlan) -> tuple[Found, tuple[str, ...]]:
        """Ask once for all who ask meanwhile: a source that is silent is waited for by them together."""
        asking = self._asking.get(service.name)
        if asking is None or asking.done():
            asking = self._asking[service.name] = asyncio.ensure_future(self._found(service, plan))
        return await asyncio.shield(asking)

    async def _found(self, service: Service, plan: DiscoveryPlan) -> tuple[Found, tuple[str, ...]]:
        name = service.name
        known = self._known.get(name)
        if known is not None and abs(self._clock.now() - known.at) < _FRESH:
            return known.found, ()
        try:
            found = await self._sources.find(service, plan)
        except NothingFound as nothing:
            return Found(()), (f"{name}: no target is found: {nothing}",)
        except DiscoveryFailed as failure:
            log.warning("targets not told", service=name, reason=str(failure))
            known = known or await self._recalled(name)
            if known is None:
                return Found(()), (f"{name}: its targets are not known: {failure}",)
            return known.found, (f"{name}: its targets are those of {_at(known.at)}: {failure}",)
        few = replace(found, sightings=found.sightings[:_MOST_KEPT])
        await self._keep(name, Kept(self._clock.now(), few))
        return found, ()

    async def _recalled(self, name: str) -> Kept | None:
        try:
            kept = await self._store.read(lambda tx: self._marks.get(tx, _key(name)))
            return _KEPT.validate_json(kept) if kept else None
        except (StoreUnusable, ValidationError) as error:
            log.info("the last targets are not known", service=name, reason=str(error))
            return None

    async def _keep(self, name: str, kept: Kept) -> None:
        text = _KEPT.dump_json(kept).decode()
        self._known[name] = kept
        try:
            await self._store.write(lambda tx: self._marks.put(tx, _key(name), text))
        except StoreUnusable as error:
            log.info("the targets are not kept", service=name, reason=str(error))


def _key(name: str) -> str:
    return f"discovery:{name}"


def _at(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC on {at:%Y-%m-%d}"
