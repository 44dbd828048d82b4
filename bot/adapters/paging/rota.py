"""Who is on call: as the configuration names them, or as another service knows, whose last answer is kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.domain.errors import FirstFiveError, StoreUnusable
from bot.domain.timeline import Person
from bot.ports import Clock, Marks, OnCall, Store

log = structlog.get_logger()

Find = Callable[[str], Awaitable[Person | None]]

LIMIT_S = 2.0
# Slack lets an app ask for user groups 20 times a minute, and fifty incidents may begin at once.
_FRESH = timedelta(seconds=60)
_KEPT: TypeAdapter[OnCall] = TypeAdapter(OnCall)


class Source(Protocol):
    """What knows who is on call."""

    @property
    def name(self) -> str:
        """What people call it."""

    async def people(self, rota: str) -> tuple[Person, ...]:
        """Give who is on call by one of its rotas.

        :raises FirstFiveError: it does not tell; says why.
        """


@dataclass(frozen=True)
class Names:
    """By which rota of the source a service is looked after: its own, or the one of all."""

    default: str
    of_service: Mapping[str, str]

    def of(self, service: str) -> str:
        """Give the rota of a service."""
        return self.of_service.get(service) or self.default


class ConfigRota:
    """The Rota port: the people that the configuration names, for every service."""

    def __init__(self, mentions: Sequence[str], find: Find, clock: Clock) -> None:
        self._mentions = tuple(mentions)
        self._find = find
        self._clock = clock

    async def on_call(self, service: str) -> OnCall:
        """Give the people who are named."""
        del service
        found = await asyncio.gather(*(self._find(mention) for mention in self._mentions))
        people = tuple(one or Person(name, name) for one, name in zip(found, self._mentions, strict=True))
        return OnCall(people, "configuration", self._clock.now())


class KeptRota:
    """The Rota port by a source. What it said last is kept in the database, for when it does not answer."""

    def __init__(  # noqa: PLR0913 - the last is for tests, which cannot wait
        self,
        source: Source,
        names: Names,
        store: Store,
        marks: Marks,
        clock: Clock,
        *,
        team: str = "",
        limit_s: float = LIMIT_S,
    ) -> None:
        """`team` is one workspace of several: the same people have other ids in another one."""
        self._team = team
        self._source = source
        self._names = names
        self._store = store
        self._marks = marks
        self._clock = clock
        self._limit_s = limit_s
        self._known: dict[str, OnCall] = {}

    async def on_call(self, service: str) -> OnCall:
        """Give who is on call for a service; what was known last, and why, when the source does not tell."""
        rota, source = self._names.of(service), self._source.name
        if not rota:
            return OnCall((), source, note=f"no rota is configured for {service or 'an incident without a service'}")
        known = self._known.get(rota)
        if known is not None and known.as_of is not None and self._clock.now() < known.as_of + _FRESH:
            return known
        try:
            async with asyncio.timeout(self._limit_s):
                people = await self._source.people(rota)
        except FirstFiveError as failure:
            return await self._last(rota, f"{source}: {failure}")
        except TimeoutError:
            return await self._last(rota, f"{source} does not answer")
        found = OnCall(people, source, self._clock.now())
        await self._keep(rota, found)
        return found

    async def _last(self, rota: str, why: str) -> OnCall:
        log.warning("rota not told", rota=rota, reason=why)
        known = self._known.get(rota) or await self._recalled(rota)
        if known is None or known.as_of is None:
            return OnCall((), self._source.name, note=why)
        return replace(known, note=f"as of {known.as_of:%H:%M} UTC on {known.as_of:%Y-%m-%d}; {why}")

    async def _recalled(self, rota: str) -> OnCall | None:
        try:
            kept = await self._store.read(lambda tx: self._marks.get(tx, self._key(rota)))
            return _KEPT.validate_json(kept) if kept else None
        except (StoreUnusable, ValidationError) as error:
            log.info("the last rota is not known", rota=rota, reason=str(error))
            return None

    async def _keep(self, rota: str, found: OnCall) -> None:
        text = _KEPT.dump_json(found).decode()
        self._known[rota] = found
        try:
            await self._store.write(lambda tx: self._marks.put(tx, self._key(rota), text))
        except StoreUnusable as error:
            log.info("the rota is not kept", rota=rota, reason=str(error))

    def _key(self, rota: str) -> str:
        return ":".join(["rota", self._source.name, *([self._team] if self._team else []), rota])
