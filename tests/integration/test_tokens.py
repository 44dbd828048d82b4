"""Tokens of scripts: made by whoever has signed in, shown once, worth no more than they say."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bot.domain.narrative import tell
from bot.domain.timeline import HOUSE
from handlers.tokens import REVOKE, TOKENS
from tests.console import Console, running_console

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = re.compile(r"ff_[\w-]{43}")
SEAL = re.compile(r'name="seal" value="([^"]+)"')
ID = re.compile(r'name="token" value="([^"]+)"')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    async with running_console(tmp_path_factory.mktemp("console")) as console:
        yield console


async def sealed(browser: httpx.AsyncClient, **fields: str) -> dict[str, str]:
    seal = SEAL.search((await browser.get(TOKENS)).text)
    assert seal
    return {"seal": seal[1], **fields}


async def make(browser: httpx.AsyncClient, **fields: str) -> str:
    form = await sealed(browser, **{"name": "deploy script", "scope": "read", "days": "30", **fields})
    answer = await browser.post(TOKENS, data=form)
    assert answer.status_code == 200, answer.text
    [token] = TOKEN.findall(answer.text)
    return str(token)


async def asked(console: Console, token: str, method: str = "GET", path: str = "/api/v1/incidents", **more: Any) -> int:
    async with console.browser(Accept="*/*", Authorization=f"Bearer {token}") as script:
        return (await script.request(method, path, **more)).status_code


async def test_a_token_is_shown_once_and_counts_until_it_is_revoked(console: Console) -> None:
    async with console.signed_in() as browser:
        token = await make(browser)
        again = (await browser.get(TOKENS)).text
        first = await asked(console, token)
        used = (await browser.get(TOKENS)).text
        revoked = await browser.post(REVOKE, data=await sealed(browser, token=ID.findall(used)[0]))
        last = await asked(console, token)
        gone = (await browser.get(TOKENS)).text
    kept = b"".join(path.read_bytes() for path in Path(console.house.settings.artifacts_url).parent.glob("firstfive*"))
    assert token not in again
    assert token.encode() not in kept
    assert [first, revoked.status_code, last] == [200, 303, 401]
    assert ">never<" in again
    assert ">never<" not in used
    assert "You have made none." in gone
    entries = await console.house.ports.store.read(lambda tx: console.house.ports.timeline.entries(tx, HOUSE))
    told = [re.sub(r"\(\w+\)", "(id)", tell(entry)) for entry in entries][-2:]
    assert told == ["Made the token deploy script (id), which may read.", "Revoked the token deploy script (id)."]


async def test_a_token_does_what_it_says(console: Console) -> None:
    command = {"json": {"text": "start sev3 the cache is cold"}}
    async with console.signed_in() as browser:
        reads, commands = await make(browser), await make(browser, scope="command")
    assert await asked(console, reads, "POST", "/api/v1/commands", **command) == 403
    assert await asked(console, commands, "POST", "/api/v1/commands", **command) == 202
    for token in (reads, commands):
        assert await asked(console, token, "POST", TOKENS, data={"name": "more"}) == 403
        assert await asked(console, token, "GET", TOKENS) == 403
        assert await asked(console, token, "GET", "/") == 403


async def test_it_acts_as_itself_and_not_as_who_made_it(console: Console) -> None:
    async with console.signed_in() as browser:
        token = await make(browser, scope="command", name="nightly")
        async with console.browser(Accept="*/*", Authorization=f"Bearer {token}") as script:
            run = (await script.post("/api/v1/commands", json={"text": "start sev3 slow"})).json()["run"]
    ports = console.house.ports
    row = await ports.store.read(lambda tx: ports.journal.get(tx, run))
    assert row
    assert (row.actor.id, row.actor.name) == ("token:oidc:ada-1", "Ada Lovelace's token nightly")


async def test_it_ends(console: Console) -> None:
    async with console.signed_in() as browser:
        token = await make(browser)
    console.clock.at += timedelta(days=30) - timedelta(seconds=1)
    assert await asked(console, token) == 200
    console.clock.at += timedelta(seconds=1)
    assert await asked(console, token) == 401


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "a" * 61},
        {"name": "a\nb"},
        {"scope": "approve"},
        {"days": "36500"},
        {"days": ""},
        {"seal": "another"},
    ],
)
async def test_a_form_that_wants_something_else_makes_none(console: Console, fields: dict[str, str]) -> None:
    async with console.signed_in(sub="nobody") as browser:
        form = await sealed(browser, name="x", scope="read", days="30")
        answer = await browser.post(TOKENS, data=form | fields)
        page = await browser.get(TOKENS)
    assert answer.status_code == 403
    assert "You have made none." in page.text


async def test_nobody_revokes_a_token_of_another(console: Console) -> None:
    async with console.signed_in() as ada:
        token = await make(ada)
        found = ID.findall((await ada.get(TOKENS)).text)[0]
    async with console.signed_in(sub="eve") as eve:
        await eve.post(REVOKE, data=await sealed(eve, token=found))
        assert found not in (await eve.get(TOKENS)).text
    assert await asked(console, token) == 200


@pytest.mark.parametrize(
    "shown",
    ["", "Basic YTpi", "Bearer", "Bearer ", "Bearer x", "Bearer ff_x", "Bearer \xff", "Bearer ff_" + "a" * 9_000],
)
async def test_what_is_no_token_lets_nobody_in_not_even_with_a_session(console: Console, shown: str) -> None:
    console.clock.at += timedelta(minutes=2)
    async with console.signed_in() as browser:
        answer = await browser.get("/api/v1/incidents", headers={b"Authorization": shown.encode("latin-1")})
    assert answer.status_code == 401


async def test_whoever_guesses_waits_and_others_do_not(console: Console) -> None:
    console.clock.at += timedelta(minutes=2)
    async with console.signed_in() as browser:
        good = await make(browser)
    assert await asked(console, good) == 200
    wrong = [await asked(console, f"ff_{number}") for number in range(22)]
    async with console.browser(Accept="*/*", Authorization="Bearer ff_x") as script:
        answer = await script.get("/api/v1/incidents")
    assert wrong == [401] * 20 + [429] * 2
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert await asked(console, good) == 200
    console.clock.at += timedelta(seconds=61)
    assert await asked(console, "ff_x") == 401


async def test_nobody_has_tokens_without_end(console: Console) -> None:
    async with console.signed_in(sub="greedy") as browser:
        for _ in range(20):
            await make(browser)
        answer = await browser.post(TOKENS, data=await sealed(browser, name="x", scope="read", days="30"))
    assert (answer.status_code, "20 tokens already" in answer.text) == (403, True)
