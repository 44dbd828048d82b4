"""How people and scripts come in: this machine alone, or everybody who signs in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fastapi import APIRouter, FastAPI

from bot.domain.run import Missing
from bot.domain.sign_in import Known, of_provider, of_slack
from bot.domain.timeline import Person
from bot.engine.ports import Ports
from bot.ports import Clock
from bot.settings import Settings
from bot.settings.sign_in import SLACK
from handlers.cookies import Cookies
from handlers.grants import Grants
from handlers.guard import BACK, Guard
from handlers.html import shipped
from handlers.loopback import LoopbackOnly
from handlers.readers import Readers
from handlers.sign_in import SignIn
from handlers.tokens import ApiTokens

if TYPE_CHECKING:
    from bot.adapters.oidc import Provider
    from bot.adapters.slack.directory import SlackDirectory

_REMEMBERED = "sign-in "
_UNTOLD = "Slack does not tell now whether you are a member of this workspace. Try again in a moment."


class Home(Protocol):
    """A workspace of Slack, as far as people's standing in it goes."""

    @property
    def team(self) -> str:
        """Its id; "" until Slack has told it."""

    @property
    def directory(self) -> "SlackDirectory":
        """Who is who in it."""


class Homes(Protocol):
    """The workspaces that FirstFive is installed in."""

    @property
    def default(self) -> Home | None:
        """The workspace of what belongs to none."""

    def ours(self, team: str) -> Home | None:
        """Give a workspace by its id, if that is known to be one of ours."""


def guarded(app: FastAPI, settings: Settings, ports: Ports, public: tuple[str, ...], workspaces: Homes | None) -> None:
    """Put a guard in front of an application, and the pages of sign-in into it where that is configured."""
    if not settings.sign_in.by:
        app.add_middleware(LoopbackOnly, also_public=public)
        return
    provider = provider_of(settings, ports.clock)
    cookies = Cookies(settings.url, secret_of(settings))
    grants = Grants(ports, provider, secret_of(settings)) if asks_again(settings) else None
    crowd = Crowd(settings, ports, workspaces, grants)
    belongs = crowd.belongs if workspaces or grants else None
    readers = Readers(ports.store, ports.sessions, ports.tokens, ports.clock, cookies, belongs)
    app.add_middleware(Guard, readers=readers, url=settings.url, also_public=public)
    routes, html = APIRouter(include_in_schema=False), shipped()
    SignIn(ports, html, ports.sessions, cookies, provider, title_of(settings), crowd.identify, grants).route(routes)
    ApiTokens(ports, html).route(routes)
    app.include_router(routes)


def provider_of(settings: Settings, clock: Clock) -> "Provider":
    """Give who signs people in; loaded only where it is configured."""
    from bot.adapters.oidc import Client, Provider  # noqa: PLC0415 - its library takes a quarter of a second to load

    is_slack = settings.sign_in.by == SLACK
    issuer = settings.slack_api_url.removesuffix("/api") if is_slack else settings.sign_in.by
    client_id = settings.slack_client_id if is_slack else settings.sign_in.client_id
    client = Client(client_id, secret_of(settings), f"{settings.url}{BACK}")
    if is_slack:
        return Provider(issuer, client, clock, scope="openid profile")
    return Provider(issuer, client, clock, asks_again=asks_again(settings))


def asks_again(settings: Settings) -> bool:
    """Tell whether a provider is asked if people are here still; where there is Slack, Slack is."""
    has_slack = bool(settings.slack_bot_token or settings.by_oauth)
    return settings.sign_in.by != SLACK and settings.sign_in.ask_again and not has_slack


def secret_of(settings: Settings) -> str:
    """Give the secret that we share with who signs people in."""
    return settings.slack_client_secret if settings.sign_in.by == SLACK else settings.sign_in_client_secret


def title_of(settings: Settings) -> str:
    """Say how people call who signs them in."""
    by = settings.sign_in.by
    return "Slack" if by == SLACK else by.partition("://")[2].partition("/")[0]


@dataclass(frozen=True)
class Crowd:
    """Who belongs here, and as whom. Where there is Slack everybody is who they are there: no one is two people."""

    settings: Settings
    ports: Ports
    workspaces: Homes | None
    grants: Grants | None = None

    async def identify(self, claims: Mapping[str, Any]) -> Known | Missing:
        """Tell whom a provider speaks of; or why they cannot come in."""
        if self.settings.sign_in.by == SLACK:
            known = of_slack(claims)
            return known if isinstance(known, Missing) else await self._member(known)
        known = of_provider(claims, self.settings.sign_in.domains)
        if isinstance(known, Missing) or self.workspaces is None:
            return known
        return await self._in_slack(known, self.workspaces)

    async def belongs(self, team: str, person: Person) -> Person | Missing | None:
        """Tell whether somebody is a member of one of our workspaces still; where there is none, of who signs them in.

        None when that is not known now.
        """
        if self.workspaces is None:
            return await self.grants.belongs(person) if self.grants else None
        workspace = self.workspaces.ours(team)
        return await workspace.directory.member(person.id) if workspace else None

    async def _member(self, known: Known) -> Known | Missing:
        """Let in members of our own workspaces, by the name that they have there."""
        workspace = self.workspaces.ours(known.team) if self.workspaces else None
        if workspace is None:
            return Missing("You have signed in with another workspace than those that FirstFive is installed in.")
        found = await workspace.directory.member(known.person.id)
        if isinstance(found, Missing):
            return found
        return Known(found, known.team) if found else Missing(_UNTOLD)

    async def _in_slack(self, known: Known, workspaces: Homes) -> Known | Missing:
        """Find whom another provider speaks of in Slack, by their e-mail; by memory while Slack does not tell."""
        home, key = workspaces.default, f"{_REMEMBERED}{known.person.id}"
        if home is None:
            return Missing(_UNTOLD)
        marks, store = self.ports.marks, self.ports.store
        found = await home.directory.with_mail(known.mail)
        if isinstance(found, Person):
            kept = json.dumps([found.id, found.name])
            await store.write(lambda tx: marks.put(tx, key, kept))
            return Known(found, home.team)
        remembered = await store.read(lambda tx: marks.get(tx, key))
        if remembered and await home.directory.member(json.loads(remembered)[0]) is None:
            return Known(Person(*json.loads(remembered)), home.team)
        return Missing(f"FirstFive looks for you in Slack: {found.reason}.")
