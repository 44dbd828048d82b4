"""The running demo, and a person's browser on it."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from tests.stack import free_ports

SOON_MS = 60_000


@dataclass(frozen=True)
class Demo:
    """The running demo, and a person's browser."""

    slack: str
    bot: str
    page: Page
    process: asyncio.subprocess.Process

    async def be(self, name: str, channel: str) -> None:
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.slack}#/{name}/{channel}")
        await self.page.wait_for_selector("body.ready")

    async def type(self, text: str) -> None:
        await self.page.locator("#composer").fill(text)
        await self.page.keyboard.press("Enter")

    async def open_channel(self, beginning: str) -> None:
        await self.page.locator("#sidebar").get_by_role("button", name=re.compile(beginning)).click(timeout=SOON_MS)
        await expect(self.page.locator("#main h1, #main h2").first).to_contain_text(re.compile(beginning.strip("^")))

    def pinned(self) -> "PinnedCard":
        return PinnedCard(self.page)

    def messages(self) -> "Messages":
        return Messages(self.page)


class PinnedCard:
    """The incident's card on top of its channel."""

    def __init__(self, page: Page) -> None:
        self.region = page.get_by_role("region", name="Pinned")

    async def shows(self, text: str | re.Pattern[str]) -> None:
        await expect(self.region).to_contain_text(text, timeout=SOON_MS)

    async def press(self, button: str) -> None:
        await self.region.get_by_role("button", name=button, exact=True).click()


class Messages:
    """What is said in the channel."""

    def __init__(self, page: Page) -> None:
        self.log = page.get_by_role("log").first

    async def show(self, text: str | re.Pattern[str], within_ms: int = SOON_MS) -> None:
        await expect(self.log).to_contain_text(text, timeout=within_ms)

    async def press(self, button: str | re.Pattern[str]) -> None:
        await self.log.get_by_role("button", name=button).last.click()


async def started_demo(folder: Path, *options: str) -> tuple[asyncio.subprocess.Process, str, str]:
    """Start the demo; give its process, and the addresses of the local Slack and of the bot."""
    port, lab_port = free_ports(0, 1), free_ports(*range(5), *range(2_380, 2_385), *range(3_380, 3_385))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "demo",
        "--port", str(port), "--lab-port", str(lab_port), "--folder", str(folder), *options,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said = ""
    while "Ctrl-C" not in said:
        line = (await process.stderr.readline()).decode()
        assert line, said
        said += line
    slack = re.search(r"Open\s+(\S+)", said)
    assert slack is not None
    return process, slack[1], f"http://127.0.0.1:{port + 1}"


@asynccontextmanager
async def running_demo(folder: Path, *options: str) -> AsyncIterator[Demo]:
    """Give a demo and a browser on it; both end with the block."""
    process, slack, bot = await started_demo(folder, *options)
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            context = await browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
            yield Demo(slack, bot, await context.new_page(), process)
            await browser.close()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.wait()
