"""From pressing Enter after `/incident start` to the card, seen in a real browser at the local Slack's page."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.integration.emulator_process import eventually
from tests.lab import running_lab
from tests.stack import Stack, running_stack

STARTS = 6
PATIENCE_MS = 15_000


@dataclass(frozen=True)
class Seen:
    """Seconds after Enter: the channel in the sidebar, the card in the opened channel, the card posted by the bot."""

    channel: float
    card: float
    posted: float


def run() -> Iterable[Row]:
    """Start incidents one after the other; the first one is a warm-up of the browser, and counts."""
    seen = asyncio.run(_measure())
    cards, channels, posted = [s.card for s in seen], [s.channel for s in seen], [s.posted for s in seen]
    notes = f"{spread(cards)}; the channel is opened as soon as it appears; 3 targets are captured besides; {load()}"
    yield Row("Enter to card visible", median(cards), "s", at_most=1, notes=notes)
    yield Row("Enter to channel in the sidebar", median(channels), "s", notes=spread(channels))
    yield Row("Enter to card posted", median(posted), "s", notes=f"{spread(posted)}; incidentbot: row in 33 ms")


async def _measure() -> list[Seen]:
    with scratch() as folder, running_lab() as lab:
        async with running_stack(folder, lab=lab) as stack, opened(f"{stack.slack.url}#/ada/incidents") as page:
            return [await _start(stack, page, number) for number in range(1, STARTS + 1)]


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Page]:
    """Open a page as the tests do, in Debian's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(address)
        await page.wait_for_selector("body.ready")
        yield page
        await browser.close()


async def _start(stack: Stack, page: Page, number: int) -> Seen:
    title = f"number {number} 5xx after deploy"
    await page.locator("#composer").fill(f"/incident start sev2 checkout {title}")
    pressed_at, began = time.time(), time.perf_counter()
    await page.keyboard.press("Enter")
    entry = page.locator("#sidebar").get_by_role("button", name=re.compile(f"^inc-{number}-"))
    await entry.wait_for()
    channel = time.perf_counter() - began
    await entry.click()
    await page.get_by_role("region", name="Pinned").get_by_text(title).first.wait_for()
    card = time.perf_counter() - began
    message = await eventually(lambda: _card(stack, number))
    await asyncio.sleep(1)
    await page.locator("#sidebar").get_by_role("button", name=re.compile("^incidents")).click()
    return Seen(channel, card, float(message["ts"]) - pressed_at)


async def _card(stack: Stack, number: int) -> dict[str, Any]:
    """Give the message that is pinned in an incident's channel."""
    for channel in await stack.incident_channels():
        if channel["name"].startswith(f"inc-{number}-") and channel["pins"]:
            found: dict[str, Any] = next(m for m in channel["messages"] if m["ts"] in str(channel["pins"]))
            return found
    return {}
