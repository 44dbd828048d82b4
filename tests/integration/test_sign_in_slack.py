"""Signing in with Slack: members of our workspace are who they are there, and nobody else comes in."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from handlers.guard import BACK, BEGIN
from tests.console import URL, running_console
from tests.integration.emulator_process import ADA, BOT_TOKEN, SECRET, Emulator, eventually, running_emulator

EVE = "U0EVE0005"
"""Of the other workspace."""


async def come_back(browser: httpx.AsyncClient, emulator: Emulator, **chosen: str) -> httpx.Response:
    """Choose who to be on Slack's page, and come back from there."""
    address = (await browser.get(BEGIN)).headers["location"]
    assert address.startswith(f"{emulator.url}openid/connect/authorize?")
    form = {**dict(parse_qsl(urlsplit(address).query)), **chosen}
    async with emulator.session.post(address.partition("?")[0], data=form, allow_redirects=False) as answer:
        return await browser.get(answer.headers["location"])


async def test_a_member_comes_in_and_others_do_not(tmp_path: Path) -> None:
    app = ("--redirect-url", f"{URL}{BACK}", "--second-team")
    async with running_emulator("http://127.0.0.1:9/slack/events", *app) as emulator:
        slack = {"slack_api_url": emulator.api_url, "slack_bot_token": BOT_TOKEN, "slack_signing_secret": SECRET}
        client = {"slack_client_id": "1.2", "slack_client_secret": "emulator-secret"}
        async with running_console(tmp_path, sign_in={"by": "slack"}, **slack, **client) as console:
            side = console.house.slack
            assert side
            await side.start()

            async def knows_its_workspace() -> bool:
                return side.workspaces.ours("T0BOX0001") is not None

            await eventually(knows_its_workspace)
            async with console.browser() as browser:
                cancelled = await come_back(browser, emulator)
                refused = await come_back(browser, emulator, person=EVE)
                still_out = await browser.get("/")
                known = await come_back(browser, emulator, person=ADA)
                page = await browser.get("/")
    assert "You have not let FirstFive know who you are." in cancelled.text
    assert (refused.status_code, "another workspace" in refused.text) == (403, True)
    assert still_out.status_code == 303
    assert (known.status_code, page.status_code) == (303, 200)
    assert "Ada Okafor" in page.text
