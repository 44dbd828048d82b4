"""Several ways to reach people, as one pager."""

from collections.abc import Sequence

import structlog

from bot.adapters.paging.calls import PageFailed, Service
from bot.domain.timeline import Person
from bot.ports import Pager, PageState, Reached

log = structlog.get_logger()

ON_CALL = Person("paging:on-call", "whoever is on call")


class ServicesPager:
    """The Pager port. Whoever is on call is paged by the first service that takes it, named people by `direct`."""

    def __init__(self, services: Sequence[Service], direct: Pager) -> None:
        self._services = tuple(services)
        self._direct = direct

    @property
    def on_call(self) -> tuple[Person, ...]:
        """Whoever the services have on call, as one."""
        return (ON_CALL,) if self._services else ()

    async def page(self, person: Person, text: str, key: str) -> Reached:
        """Try to reach a person once; a repeat with the same key must not disturb twice."""
        if person != ON_CALL:
            return await self._direct.page(person, text, key)
        failures = []
        for service in self._services:
            try:
                await service.trigger(text, key)
            except PageFailed as failure:
                log.warning("not paged", service=service.name, reason=str(failure))
                failures.append(f"{service.name} {failure}")
            else:
                return Reached(person, "; ".join([service.name, *failures]), ok=True)
        return Reached(person, "", ok=False, reason="; ".join(failures))

    async def answered(self, key: str) -> Person | None:
        """Say who acknowledged the page of a key; None while nobody has, or where nobody tells."""
        for service in self._services:
            try:
                person = await service.answered(key)
            except PageFailed as failure:
                log.info("not told who answered", service=service.name, reason=str(failure))
                continue
            if person is not None:
                return person
        return None

    async def follow(self, key: str, to: PageState) -> bool:
        """Acknowledge or resolve the page of a key; tell whether every service took that."""
        done = True
        for service in self._services:
            try:
                await service.follow(key, to)
            except PageFailed as failure:
                log.warning("page not followed", service=service.name, to=to.value, reason=str(failure))
                done = False
        return done
