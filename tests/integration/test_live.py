"""What a page listens to ends as soon as who looks at it may not see it any more."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from bot.adapters.sql.sessions import SqlSessions
from bot.domain.run import Plan, Run, Source
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Kind, Person
from handlers.guard import SIGN_OUT
from tests.console import URL, Console, running_console

OVER = "event: changed\ndata: over\n\n"
SOON = timedelta(minutes=6)
SEAL = re.compile(r'name="seal" value="([^"]+)"')
ADA, BEN = Person("oidc:ada-1", "Ada Lovelace"), Person("oidc:ben", "Ben")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    async with running_console(tmp_path_factory.mktemp("console")) as console:
        yield console


@dataclass
class Listener:
    """What a page hears, and when there is no more of it."""

    text: str = ""
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> dict[str, Any]:
        """Stay there until all was heard."""
        await self.over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Hear something."""
        self.text += message.get("body", b"").decode()
        if "\n\n" in self.text.removeprefix("retry: 2000\n\n"):
            self.has_begun.set()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.over.set()


@asynccontextmanager
async def listening(app: FastAPI, browser: httpx.AsyncClient, path: str) -> AsyncIterator[Listener]:
    """Listen to what a page listens to; it has been looked at once."""
    cookie = browser.build_request("GET", path).headers["cookie"]
    headers = {"host": urlsplit(URL).netloc, "cookie": cookie, "accept": "text/event-stream"}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "https", "path": path, "root_path": ""}
    listener = Listener()
    asked = app({**scope, "query_string": b"", "headers": raw, "client": None}, listener.receive, listener.send)
    task = asyncio.create_task(asked)
    try:
        await asyncio.wait_for(listener.has_begun.wait(), 10)
        assert OVER not in listener.text
        yield listener
    finally:
        listener.over.set()
        await task


async def signs_out(_: Console, browser: httpx.AsyncClient) -> None:
    seal = SEAL.search((await browser.get("/")).text)
    assert seal
    assert (await browser.post(SIGN_OUT, data={"seal": seal[1]})).status_code == 303


async def is_put_out(console: Console, _: httpx.AsyncClient) -> None:
    await console.house.store.write(lambda tx: SqlSessions().end_all(tx, ADA, console.house.ports.clock.now()))


async def stays_too_long(console: Console, _: httpx.AsyncClient) -> None:
    console.clock.at += SOON


@pytest.mark.parametrize("end", [signs_out, is_put_out, stays_too_long])
async def test_a_stream_ends_with_the_session_of_who_listens(
    console: Console, end: Callable[[Console, httpx.AsyncClient], Awaitable[None]]
) -> None:
    now = console.clock.at
    console.clock.at = now - timedelta(hours=12, minutes=1)
    async with console.signed_in() as browser:
        console.clock.at = now - SOON  # never ahead of the machine's, by which streams wait
        other = await console.known(BEN)
        async with listening(console.app, browser, "/live") as stream, listening(console.app, other, "/live") as stays:
            await end(console, browser)
            await asyncio.wait_for(stream.over.wait(), 10)
            assert stream.text.endswith(OVER)
            assert OVER not in stays.text
            assert not stays.over.is_set()
    console.clock.at = now


async def private_incident(console: Console) -> str:
    """Open an incident that Ada alone takes part in, and a run of it; give its id."""
    ports, now = console.house.ports, console.clock.at
    body = {"title": "leaked keys", "severity": "SEV1", "service": "", "reporter": "ada", "warnings": []}
    opened = Draft(Kind.OPENED, {**body, "private": True})
    incident_id = await ports.store.write(lambda tx: ports.timeline.open(tx, opened, Author(ADA), now))
    plan = Plan("note", {"text": "leaked keys"}, ("note",))
    run = Run(f"{incident_id}.r", plan, ADA, Source(), now, incident_id, incident_id=incident_id)
    await ports.store.write(lambda tx: ports.journal.admit(tx, run))
    return incident_id


async def tell(console: Console, incident_id: str, kind: Kind, person: Person) -> None:
    ports, body = console.house.ports, {"person": person.id, "name": person.name, "how": "asked"}
    drafts, author, now = [Draft(kind, body)], Author(FIRSTFIVE), console.clock.at
    await ports.store.write(lambda tx: ports.timeline.append(tx, incident_id, drafts, author, now))


@pytest.mark.parametrize("path", ["/incidents/{}/live", "/runs/{}.r/live"])
async def test_a_stream_ends_when_who_listens_takes_no_part_any_more(console: Console, path: str) -> None:
    incident_id = await private_incident(console)
    await tell(console, incident_id, Kind.JOINED, BEN)
    path = path.format(incident_id)
    ada, ben = await console.known(ADA), await console.known(BEN)
    async with listening(console.app, ada, path) as stays, listening(console.app, ben, path) as stream:
        await tell(console, incident_id, Kind.LEFT, BEN)
        await asyncio.wait_for(stream.over.wait(), 10)
        assert stream.text.endswith(OVER)
        assert not stays.over.is_set()
        assert OVER not in stays.text
    assert (await ben.get(path)).status_code == 404
