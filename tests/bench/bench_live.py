"""From an entry on the timeline to its words on pages that are open in a real browser."""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from playwright.async_api import Browser, Page, async_playwright

from tests.bench.figures import load, quantile, scratch, spread
from tests.bench.row import Row
from tests.integration.emulator_process import eventually
from tests.stack import Stack, running_stack

TIMES = 12
PATIENCE_MS = 60_000
PAGES = {"its incident's page": "/incidents/INC-1", "the list of incidents": "/"}


@dataclass(frozen=True)
class Seen:
    """Seconds from the entry's own time, and from when the command was given, to its words on the page."""

    entry: float
    command: float


def run() -> Iterable[Row]:
    """Give commands in the local Slack, and by the command line, whose process rings no bell of the bot's on SQLite."""
    for name, seen in asyncio.run(_measure()).items():
        entries = [one.entry for one in seen]
        notes = f"{spread(entries)}; from the command on {spread([one.command for one in seen])}; {load()}"
        yield Row(f"entry seen in the browser, {name}", quantile(entries, 0.95), "s", at_most=1, notes=notes)


async def _measure() -> dict[str, Sequence[Seen]]:
    with scratch() as folder:
        async with running_stack(folder) as stack, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            await stack.type("/incident start sev2 checkout 5xx after deploy")
            await eventually(stack.incident_channels)
            found: dict[str, Sequence[Seen]] = {
                name: await _watched(stack, browser, path) for name, path in PAGES.items()
            }
            found["by another process"] = await _watched(stack, browser, PAGES["its incident's page"], by_slack=False)
            await browser.close()
            return found


async def _watched(stack: Stack, browser: Browser, path: str, *, by_slack: bool = True) -> list[Seen]:
    page = await browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{stack.bot.url}{path}")
    await page.locator("#state.live").wait_for()
    seen = [await _one(stack, page, number, by_slack=by_slack) for number in range(TIMES)]
    await page.close()
    return seen


async def _one(stack: Stack, page: Page, number: int, *, by_slack: bool) -> Seen:
    severity = f"sev{1 + number % 2}"
    began = time.time()
    given = asyncio.create_task(_set_severity(stack, severity, by_slack=by_slack))
    await page.locator("main .sev", has_text=severity.upper()).first.wait_for()
    ended = time.time()
    await given
    with closing(sqlite3.connect(stack.folder / "firstfive.db")) as database:
        (at_us,) = database.execute("SELECT max(at_us) FROM entry WHERE kind = 'severity set'").fetchone()
    return Seen(ended - at_us / 1_000_000, ended - began)


async def _set_severity(stack: Stack, severity: str, *, by_slack: bool) -> None:
    if by_slack:
        await stack.type(f"/incident severity {severity} incident=INC-1")
    else:
        await stack.run_cli("run", "severity", f"severity={severity}", "incident=INC-1")
