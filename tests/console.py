"""FirstFive's pages and API as they are once there is a sign-in, in this process, over a real database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx
from fastapi import FastAPI, Response

from bot.adapters.sql.sessions import SqlSessions
from bot.domain.sign_in import LIFE, Session
from bot.domain.timeline import Person
from bot.main import API, House, build, routes
from bot.settings import Settings
from handlers.cookies import Cookies, digest_of
from handlers.guard import BACK, BEGIN
from tests.databases import fresh_sqlite
from tests.fakes import FakeClock
from tests.identities import ADA, CLIENT_ID, CLIENT_SECRET, Identities, running_identities

URL = "https://firstfive.example.com"
ELSEWHERE = ("198.51.100.7", 4)


@dataclass
class Console:
    """The house, who signs people in, and the time."""

    house: House
    app: FastAPI
    identities: Identities
    clock: FakeClock

    async def known(self, person: Person) -> httpx.AsyncClient:
        """Give the browser of somebody who has signed in before."""
        secret, now, answer = token_urlsafe(32), self.clock.at, Response()
        session = Session(digest_of(secret), person, "", now, now + LIFE)
        await self.house.store.write(lambda tx: SqlSessions().keep(tx, session))
        Cookies(self.house.settings.url, CLIENT_SECRET).keep(answer, secret, 60)
        return self.browser(Cookie=answer.headers["set-cookie"].partition(";")[0])

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """Give a browser of its own cookies, anywhere."""
        transport = httpx.ASGITransport(self.app, client=ELSEWHERE)
        return httpx.AsyncClient(
            transport=transport, base_url=self.house.settings.url, headers={"Accept": "text/html", **headers}
        )

    @asynccontextmanager
    async def signed_in(self, **claims: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Give the browser of somebody who has signed in."""
        self.identities.claims = {**ADA, **claims}
        async with self.browser() as browser:
            answer = await sign_in(browser, self.identities)
            assert answer.status_code == 303, answer.text
            yield browser


async def sign_in(browser: httpx.AsyncClient, identities: Identities, onward: str = "/") -> httpx.Response:
    """Go to the provider, agree, and come back; give what the page says then."""
    begun = await browser.get(BEGIN, params={"next": onward})
    assert begun.status_code == 303, begun.text
    return await browser.get(BACK, params=identities.consent(begun.headers["location"]))


@asynccontextmanager
async def running_console(folder: Path, **more: Any) -> AsyncIterator[Console]:
    """Give a house with a provider that signs people in; `more` are settings."""
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    async with running_identities(lambda: int(clock.at.timestamp())) as identities:
        given: Mapping[str, Any] = {
            "url": URL,
            "host": "0.0.0.0",  # noqa: S104 - nothing listens: the app is asked directly
            "database_url": fresh_sqlite(folder),
            "artifacts_url": str(folder / "artifacts"),
            "sign_in": {"by": identities.issuer, "client_id": CLIENT_ID, "domains": ["example.com"]},
            "sign_in_client_secret": CLIENT_SECRET,
        }
        house = build(Settings(**{**given, **more}))
        house.ports = replace(house.ports, clock=clock)
        try:
            yield Console(house, routes(house, FastAPI(**API)), identities, clock)
        finally:
            await house.stop(None)
