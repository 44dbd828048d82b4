"""A drill as people meet it, from the lab that falls ill to the score; and as FirstFive does all of it alone."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from bot.domain.drills import Drilled
from tests import cli
from tests.databases import fresh_sqlite
from tests.integration.emulator_process import eventually
from tests.lab import Lab, behind, build, running_lab
from tests.samples import SCENARIOS
from tests.scenario.demo import Messages, PinnedCard
from tests.stack import Stack, running_stack, services

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.timeout(600)]
SOON_MS = 60_000
MINUTES = 8
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
        drills = (await self.stack.get("/api/v1/drills"))["drills"]
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


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Give what types a command where no bot is served: on a lab behind its router, of which it is told what runs."""
    folder = tmp_path_factory.mktemp("alone")
    with running_lab(targets=2, sick="none", router=True) as lab:
        lines = [f"drill_min = {MINUTES}", "[audits]", 'sumdb = ""', *services(lab, ["lab = true", *behind(lab)])]
        (folder / "firstfive.toml").write_text("\n".join(lines))
        environment = {
            "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
            "DATABASE_URL": fresh_sqlite(folder),
            "ARTIFACTS_URL": str(folder / "artifacts"),
        }

        def type_(*words: str) -> str:
            done = cli.firstfive("run", *words, "service=checkout", "--json", **environment)
            assert done.exit_code == 0, done.output
            return str(json.loads(done.stdout)["result"]["text"])

        type_("deploy", *build(lab))
        yield type_


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("fault", [each.value for each in Drilled])
def test_every_class_is_made_real_named_mended_and_seen_to_be_gone(alone: Callable[..., str], fault: str) -> None:
    head, *lines = alone("drill", f"class={fault}", "size=large", "mend=yes").splitlines()

    assert head.startswith(f"The drill is over, mended: {fault} on ")
    assert lines[2].startswith("FirstFive named the class after ")
    assert ", seen to be gone after " in lines[3]
    assert alone("drill", "off=yes") == "Nothing was on at checkout."
