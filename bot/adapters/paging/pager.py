"""Several ways to reach people, as one pager."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.adapters.paging.calls import PageFailed, Service
from bot.adapters.paging.opsgenie import Opsgenie
from bot.adapters.paging.pagerduty import PagerDuty
from bot.adapters.paging.webhook import Webhook
from bot.domain.timeline import Person
from bot.ports import Pager, PageState, Reached

log = structlog.get_logger()

ON_CALL = Person("paging:on-call", "whoever is on call")


@dataclass(frozen=True)
class Accounts:
    """Keys and addresses of the paging services; a service without its key (the webhook: its address) is not used."""

    page_url: str
    pagerduty_routing_key: str
    pagerduty_api_token: str
    opsgenie_api_key: str
    webhook_token: str
    webhook: str | None
    pagerduty_url: str
    pagerduty_api_url: str
    opsgenie_url: str


def services(given: Accounts) -> list[Service]:
    """Give the paging services that can be used, in the order in which they are tried."""
    found: list[Service] = []
    if given.pagerduty_routing_key:
        api = {"api_token": given.pagerduty_api_token, "api_url": given.pagerduty_api_url}
        found.append(PagerDuty(given.pagerduty_routing_key, given.pagerduty_url, page_url=given.page_url, **api))
    if given.opsgenie_api_key:
        found.append(Opsgenie(given.opsgenie_api_key, given.opsgenie_url))
    if given.webhook:
        found.append(Webhook(given.webhook, given.webhook_token, given.page_url))
    return found


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
