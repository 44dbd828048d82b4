"""A flame graph in a real browser: turned over, inverted, searched, zoomed by keys; and the way from its service."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from bot.main import create_app
from bot.settings import Settings
from tests.browsing import HERE, chromium, looking_at
from tests.samples import BOTS
from tests.unit.handlers.test_diagnoses import all_targets, house_with

pytestmark = [BOTS, pytest.mark.asyncio(loop_scope="module")]
Seen = tuple[FastAPI, str, Browser]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="seen")
async def _seen() -> AsyncIterator[Seen]:
    house = house_with(*all_targets())
    await house.say("start sev2 checkout answers 500")
    run = await house.say("diagnose incident=INC-1")
    async with chromium() as browser:
        yield create_app(Settings(), tools=house.ports), f"{HERE}/runs/{run.id}/targets/checkout-2/flames/cpu", browser


async def top_of(page: Page, name: str) -> float:
    box = await page.get_by_role("treeitem", name=re.compile(name)).first.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.parametrize(
    ("look", "first", "second", "inwards"),
    [
        ("Callers on top", "main.handle", "main.encode", "ArrowDown"),
        ("Callers at the bottom", "main.encode", "main.handle", "ArrowUp"),
        ("Inverted", "main.encode", "main.handle", "ArrowDown"),
    ],
)
async def test_each_way_has_its_own_top_and_the_same_keys(
    seen: Seen, look: str, first: str, second: str, inwards: str
) -> None:
    app, flame, browser = seen
    async with looking_at(browser, app, reduced_motion="reduce") as page:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(flame)
        await page.get_by_role("link", name=look).click()
        await expect(page.get_by_role("link", name=look)).to_have_attribute("aria-current", "true")
        assert await top_of(page, first) < await top_of(page, second)
        await page.get_by_role("treeitem", name="everything").focus()
        await page.keyboard.press(inwards)
        await expect(page.locator("#told")).to_contain_text("main.encode" if look == "Inverted" else "(*conn).serve")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Reset zoom")).to_be_hidden()
        await page.get_by_label("Find").fill("encode")
        await expect(page.get_by_role("status")).to_have_text("1 call, 95 %")
        assert complaints == []


async def test_a_service_leads_to_its_last_verdict(seen: Seen) -> None:
    app, _, browser = seen
    async with looking_at(browser, app) as page:
        await page.goto(HERE)
        await page.get_by_role("link", name="Services").click()
        row = page.get_by_role("row", name=re.compile("checkout"))
        await expect(row.get_by_role("link", name="INC-1")).to_be_visible()
        await row.get_by_role("link", name="checkout").click()
        await page.get_by_role("link", name=re.compile("cpu-hotspot")).click()
        await expect(page.get_by_role("region", name="Diagnosis")).to_contain_text("main.encode")
