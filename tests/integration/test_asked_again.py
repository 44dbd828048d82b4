"""With a provider and no Slack, who has left there is out within minutes; while it does not answer nobody is."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from handlers.guard import BEGIN
from tests.console import Console, running_console, sign_in
from tests.integration.emulator_process import eventually

TOKEN, SEAL = re.compile(r"ff_[\w-]{43}"), re.compile(r'name="seal" value="([^"]+)"')

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    async with running_console(tmp_path_factory.mktemp("console")) as console:
        yield console


@pytest.fixture
def console(one: Console) -> Console:
    """Give the one house, whose provider can be asked again, an hour later."""
    one.clock.at += timedelta(hours=1)
    one.identities.reset()
    one.identities.now = lambda: int(one.clock.at.timestamp())
    one.identities.described = {"scopes_supported": ["openid", "email", "offline_access"]}
    return one


async def script_of(console: Console, browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """Give a script with a token of somebody."""
    seal = SEAL.search((await browser.get("/settings/tokens")).text)
    assert seal
    form = {"seal": seal[1], "name": "a script", "scope": "read", "days": "30"}
    made = TOKEN.search((await browser.post("/settings/tokens", data=form)).text)
    assert made
    return console.browser(Accept="*/*", Authorization=f"Bearer {made[0]}")


async def is_out(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/")).status_code == 303


async def is_out_later(console: Console, browser: httpx.AsyncClient) -> bool:
    """Use the pages five minutes later: soon enough to be asked about, unless they are being asked about already."""
    console.clock.at += timedelta(minutes=5)
    return await is_out(browser)


async def looked_at(console: Console, browser: httpx.AsyncClient, sub: str) -> None:
    """Use the pages every five minutes until the provider was asked about it."""
    ports, key = console.house.ports, f"grant oidc:{sub}"
    before = await ports.store.read(lambda tx: ports.marks.get(tx, key))

    async def is_renewed() -> bool:
        assert not await is_out_later(console, browser)
        return await ports.store.read(lambda tx: ports.marks.get(tx, key)) != before

    await eventually(is_renewed)


async def test_who_has_left_is_out_and_their_scripts_until_they_are_let_in_again(console: Console) -> None:
    async with console.signed_in(sub="leaver") as browser:
        script = await script_of(console, browser)
        for _ in range(3):
            await looked_at(console, browser, "leaver")
        assert (await script.get("/api/v1/incidents")).status_code == 200
        console.identities.grants.clear()
        await eventually(lambda: is_out_later(console, browser))
        assert (await script.get("/api/v1/incidents")).status_code == 401
        console.clock.at += timedelta(minutes=1)
        assert (await sign_in(browser, console.identities)).status_code == 303
        assert not await is_out(browser)
        await looked_at(console, browser, "leaver")

        async def counts() -> bool:
            console.clock.at += timedelta(minutes=5)
            return (await script.get("/api/v1/incidents")).status_code == 200

        await eventually(counts)


async def test_while_the_provider_does_not_answer_nobody_is_put_out(console: Console) -> None:
    async with console.signed_in(sub="stayer") as browser:
        await looked_at(console, browser, "stayer")
        console.identities.broken = lambda: web.Response(status=502, text="<html>")
        for _ in range(3):
            assert not await is_out_later(console, browser)
        console.identities.broken = None
        await looked_at(console, browser, "stayer")
        assert not await is_out(browser)


async def test_a_provider_that_has_no_lasting_grants_is_not_asked_for_one(console: Console) -> None:
    console.identities.described = {"scopes_supported": ["openid", "email"]}
    console.clock.at += timedelta(hours=1)
    async with console.browser() as browser:
        assert "offline_access" not in (await browser.get(BEGIN)).headers["location"]
    async with console.signed_in(sub="unasked") as browser:
        assert not await is_out_later(console, browser)
    ports = console.house.ports
    assert await ports.store.read(lambda tx: ports.marks.get(tx, "grant oidc:unasked")) is None


async def test_no_grant_can_be_read_in_the_database(console: Console) -> None:
    async with console.signed_in(sub="keeper") as browser:
        await looked_at(console, browser, "keeper")
    file = Path(console.house.settings.database_url.removeprefix("sqlite:///"))
    kept = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert console.identities.grants
    assert not [grant for grant in console.identities.grants if grant.encode() in kept]
