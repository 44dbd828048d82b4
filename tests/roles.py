"""A console with a browser or a script of every role, and a private incident that one of them takes part in."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import Response

from bot.domain.run import Plan, Run, Source
from bot.domain.timeline import Author, Draft, Kind, Person
from handlers.cookies import Cookies
from tests.console import URL, Console, running_console

SIGNED_IN = ("anybody", "takes part", "approver")
TOKENS = ("token read", "token command")
ROLES = ("signed out", "stranger", *SIGNED_IN, *TOKENS)
MEMBER, ASKER, APPROVER = "U0MEMBER1", "U0ASKER01", "U0APPROV1"
"""The same people in Slack: somebody, whoever asks for a change, whoever may approve it."""
TOKEN = re.compile(r"ff_[\w-]{43}")
SEAL = re.compile(r'name="seal" value="([^"]+)"')
SHOP = {
    "name": "shop",
    "people": {"approve": ["oidc:approver", APPROVER], "break_glass": ["oidc:approver"]},
    "actions": [{"name": "flush", "summary": "Flush the cache.", "command": ["/bin/true"]}],
}


@dataclass
class Roles:
    """A browser or a script of each role, and a private incident with a run."""

    console: Console
    clients: Mapping[str, httpx.AsyncClient]
    private: Mapping[str, str]


async def seal_of(browser: httpx.AsyncClient) -> str:
    """Give the seal of somebody's forms; "" for who is shown none."""
    found = SEAL.search((await browser.get("/declare")).text)
    return found[1] if found else ""


async def token(browser: httpx.AsyncClient, scope: str) -> str:
    """Make a token on the page of somebody who has signed in."""
    form = {"seal": await seal_of(browser), "name": "a script", "scope": scope, "days": "30"}
    made = TOKEN.search((await browser.post("/settings/tokens", data=form)).text)
    assert made
    return made[0]


async def opened(console: Console, person: Person, *, private: bool) -> str:
    """Open an incident as somebody's; give its id."""
    ports, now = console.house.ports, console.clock.at
    body: dict[str, Any] = {"title": "leaked keys", "severity": "SEV1", "service": "", "warnings": []}
    draft = Draft(Kind.OPENED, {**body, "reporter": person.name, "private": private})
    return await ports.store.write(lambda tx: ports.timeline.open(tx, draft, Author(person), now))


async def private_incident(console: Console, person: Person) -> dict[str, str]:
    """Open a private one, with a run; give the ids of both."""
    ports, now, run_id = console.house.ports, console.clock.at, "r1"
    incident_id = await opened(console, person, private=True)
    plan = Plan("note", {"text": "leaked keys"}, ("note",))
    run = Run(run_id, plan, person, Source(), now, "r1", incident_id=incident_id)
    await ports.store.write(lambda tx: ports.journal.admit(tx, run))
    return {"incident_id": incident_id, "run_id": run_id}


def forged() -> str:
    """Give a cookie as ours are, made by somebody who does not know the secret."""
    answer = Response()
    Cookies(URL, "a guess").keep(answer, "no session", 60)
    return answer.headers["set-cookie"].partition(";")[0]


@asynccontextmanager
async def running_roles(folder: Path) -> AsyncIterator[Roles]:
    """Give a console, and everybody who may come to it."""
    slack = {"slack_signing_secret": "s", "slack_client_id": "1.1", "slack_client_secret": "c"}
    shown = {"firstfive_alerts_token": "a", "firstfive_deploys_token": "d"}  # without them only who is known may tell
    async with running_console(folder, services=[SHOP], **slack, **shown) as console, AsyncExitStack() as stack:
        console.house.stopping.set()  # what is live ends at once
        clients = {"signed out": await stack.enter_async_context(console.browser())}
        clients["stranger"] = await stack.enter_async_context(console.browser(Cookie=forged()))
        for name in SIGNED_IN:
            person = Person(f"oidc:{name.replace(' ', '-')}", name)
            clients[name] = await stack.enter_async_context(await console.known(person))
        for name in TOKENS:
            secret = await token(clients["takes part"], name.partition(" ")[2])
            script = console.browser(Accept="*/*", Authorization=f"Bearer {secret}")
            clients[name] = await stack.enter_async_context(script)
        yield Roles(console, clients, await private_incident(console, Person("oidc:takes-part", "takes part")))
