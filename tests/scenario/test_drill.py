"""A drill as people meet it, from the lab that falls ill to the score; and as FirstFive does all of it alone."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from tests.grid.services import services
from tests.grid.stand import running
from tests.integration.emulator_process import eventually
from tests.lab import Lab, running_lab
from tests.scenario.demo import Messages, PinnedCard
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]
SOON_MS = 30_000
BEN = "Ben Lindqvist"


@dataclass(frozen=True)
class Scene:
    """A lab with nothing wrong, the bot that watches it, and people's browser."""

    lab: Lab
    stack: Stack
    page: Page

    async def be(self, name: str, channel: str) -> None:
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.stack.slack.url}#/{name}/{channel}")
        await self.page.wait_for_selector("body.ready")

    async def type(self, text: str) -> None:
        await self.page.locator("#composer").fill(text)
        await self.page.keyboard.press("Enter")

    def on(self) -> list[str]:
        listed = [httpx.get(f"{each['admin']}/debug/faults").json() for each in self.lab["targets"]]
        return [one["name"] for faults in listed for one in faults if one["on"]]

    async def channel(self) -> str:
        """Give the name of the drill's channel once its card stands there."""
        channels = (await self.stack.slack.read("state"))["channels"]
        return next((c["name"] for c in channels if str(c.get("name", "")).startswith("drill-") and c["pins"]), "")

    async def score(self) -> dict[str, Any]:
        drills = (await self.stack.get("/api/drills"))["drills"]
        return dict(drills[0]) if drills else {}


@pytest_asyncio.fixture
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    with running_lab(targets=2, sick="none") as lab:
        folder = tmp_path_factory.mktemp("drill")
        async with running_stack(folder, lab=lab, service=["lab = true"]) as stack, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            yield Scene(lab, stack, await browser.new_page(viewport={"width": 1440, "height": 1000}))
            await browser.close()


@pytest.mark.browser
async def test_people_practise_and_the_score_says_how_fast_they_were(scene: Scene) -> None:
    card, messages = PinnedCard(scene.page), Messages(scene.page)
    await scene.be("ada", "general")
    await scene.type("/incident drill goroutine-leak large")
    await messages.show(re.compile(r"goroutine-leak \(large\) is on, on checkout-2"))
    name = await eventually(scene.channel, 20)
    assert name == "drill-1-goroutine-leak-on-checkout"
    await scene.be("ben", name)
    await card.shows("DRILL: goroutine-leak on checkout (SEV3 INC-1)")
    await messages.show("This is a drill")
    await card.press("Acknowledge")
    await card.shows(re.compile("Verdict: goroutine-leak"))
    await scene.type("/incident drill answer=goroutine-leak")
    await messages.show("You say that it is goroutine-leak")
    await messages.press("Mend it")
    await messages.show(re.compile(r"The drill is over, mended by Ben Lindqvist: goroutine-leak on"), SOON_MS)
    await messages.show(re.compile(r"Mitigated by Ben Lindqvist: .*, seen to be gone after "))
    await card.shows("resolved")

    score = await scene.score()
    assert 0 < score["snapshot_s"] < score["verdict_s"] < score["mitigated_s"] < score["verified_s"]
    assert (score["acked_by"], score["found_by"], score["mitigated_by"]) == (BEN,) * 3
    assert scene.on() == []
    await _is_shown(scene)


async def _is_shown(scene: Scene) -> None:
    """The page of drills fits a desk and a phone."""
    for width in (1440, 390):
        await scene.page.set_viewport_size({"width": width, "height": 900})
        await scene.page.goto(f"{scene.stack.bot.url}/drills")
        league = scene.page.get_by_role("region", name="League of classes")
        await expect(league.get_by_role("row", name=re.compile("goroutine-leak"))).to_contain_text(" s")
        assert await scene.page.evaluate("document.documentElement.scrollWidth") <= width


def test_from_the_command_line_firstfive_finds_and_mends_it_alone() -> None:
    with running(services()["checkout"].program(), 2) as stand:
        told = stand.run("drill", "class=goroutine-leak", "size=large", "mend=yes")["result"]["text"]
        begun = stand.run("drill", "class=goroutine-leak", "size=small")["result"]["text"]
        ended = stand.run("drill", "off=true")["result"]["text"]

        head, *lines = told.splitlines()
        assert head == "The drill is over, mended: goroutine-leak on checkout-2 (large)."
        assert re.fullmatch(r"FirstFive named the class after \d\d?(\.\d)? s", lines[2])
        assert re.fullmatch(r"Mitigated: .* s, seen to be gone after .* s", lines[3])
        assert begun.startswith("*goroutine-leak* (small) is on, on checkout-2: ")
        assert begun.endswith("`firstfive run drill service=sick off=yes` ends it.")
        assert ended == "Ended: goroutine-leak on checkout-2."
        assert not any(each["on"] for each in stand.faults())
