"""From breach to safe: a canary begins to fail, people are told and agree, its router is set, and users are safe."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.canaries import ENVOY, HAPROXY, Canary, running_canary
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.samples import SCENARIOS
from tests.scenario.test_two_people import press
from tests.stack import Stack, running_stack

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.timeout(600)]
SOON_MS = 60_000
WITHIN_S = 40.0
NAMES = {ADA: "ada", BEN: "ben"}
PEOPLE = ["[services.people]", f'approve = ["{ADA}", "{BEN}"]']

Press = Callable[[str, str], Awaitable[None]]


@pytest.mark.prometheus
async def test_haproxy_and_a_prometheus(tmp_path: Path) -> None:
    with running_canary(HAPROXY, tmp_path) as canary:
        async with running_stack(tmp_path, service=[*canary.config, *PEOPLE]) as stack:
            await live_through(stack, canary, partial(press, stack))


@pytest.mark.browser
async def test_envoy_and_its_own_counters_in_a_browser(tmp_path: Path) -> None:
    with running_canary(ENVOY, tmp_path) as canary:
        async with running_stack(tmp_path, service=[*canary.config, *PEOPLE]) as stack, browser() as page:
            await live_through(stack, canary, partial(click, stack, page))
            await page.goto(f"{stack.bot.url}/incidents/INC-1")
            section = page.locator("#canary")
            await expect(section).to_contain_text("Safe after")
            await expect(section.locator("svg")).to_have_attribute("aria-label", re.compile("errors, %: canary"))


async def live_through(stack: Stack, canary: Canary, do: Press) -> None:
    """Let the canary fail; roll back as people do; hold what is told of it to what happened."""
    canary.fail()
    breach = await eventually(lambda: judged(stack, "breach"), WITHIN_S)
    assert (breach["judgement"], breach["reasons"][0]["rule"]) == ("rollback", "errors")
    await do("Roll back", ADA)
    await do("Approve", BEN)
    await eventually(lambda: told(stack, "traffic set"), WITHIN_S)
    before = canary.counted()
    verified = await eventually(lambda: judged(stack, "verified"), WITHIN_S)
    assert verified["safe"], verified
    assert canary.counted() <= before + 1
    [done] = [entry["body"] for entry in await _entries(stack) if entry["kind"] == "traffic set"]
    assert done["after"].startswith("canary gets 0 %, marked requests do not reach it")
    assert done["approved_by"]
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{stack.bot.url}/incidents/INC-1/postmortem.md") as answer,
    ):
        text = await answer.text()
    written = text.partition("## Recovery")[2]
    story = r"Judged the canary of checkout: rollback\..*Rolled back checkout, approved by .*Safe after"
    assert re.search(story, written, re.DOTALL), written
    assert re.search(r"The canary lost its traffic .* s after it was found bad\.", text)


async def judged(stack: Stack, when: str) -> dict[str, Any]:
    """Give what was judged at a moment of the story, or nothing yet."""
    found = [entry["body"] for entry in await _entries(stack) if entry["kind"] == "judged"]
    return next((body for body in found if body["when"] == when), {})


async def told(stack: Stack, kind: str) -> bool:
    return any(entry["kind"] == kind for entry in await _entries(stack))


async def _entries(stack: Stack) -> list[dict[str, Any]]:
    """Give the timeline, nothing while there is no incident."""
    return await stack.listed("/api/v1/incidents/INC-1/entries")


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield await started.new_page(viewport={"width": 1440, "height": 1000})
        await started.close()


async def click(stack: Stack, page: Page, button: str, by: str) -> None:
    """Press a button of the pinned card as one of the people, and say yes if it asks."""
    [channel] = await eventually(stack.incident_channels, WITHIN_S)
    await page.goto("about:blank")
    await page.goto(f"{stack.slack.url}#/{NAMES[by]}/{channel['name']}")
    await page.wait_for_selector("body.ready")
    card = page.get_by_role("region", name="Pinned")
    await card.get_by_role("button", name=button, exact=True).click(timeout=SOON_MS)
    await page.get_by_role("alertdialog").get_by_role("button", name=button, exact=True).click()
