"""A test breaks on a service: somebody asks which commit did it, watches, and brings in who wrote it."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Locator, Page, expect

from bot.lab import folders, toolchain
from tests.bisecting.histories import Made, Shape, make
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.samples import SCENARIOS
from tests.scenario.test_rollback import browser
from tests.scenario.test_two_people import message_with, press
from tests.stack import Stack, running_stack

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.browser, pytest.mark.timeout(600)]
# The first test of all builds Go's library for the sandbox, on a machine that has other things to do.
BUILT_S, SOON_S, SOON_MS = 400.0, 60.0, 30_000
ASK = "/incident bisect shop test=TestPaymentTimeout package=./payment good={} bad=main"


async def test_who_broke_it_is_found_named_and_brought_in(tmp_path: Path) -> None:
    made = make(tmp_path / "shop.git", Shape(60, 12, culprit=41, bursts=[(20, 24)], waits_s=1.0))
    async with running_stack(tmp_path, config=_config(tmp_path, made)) as stack, browser() as page:
        await stack.type("/incident start sev3 payments time out", user=ADA)
        await eventually(stack.incident_channels, SOON_S)
        [channel] = await stack.incident_channels()
        await page.goto(f"{stack.slack.url}#/ada/{channel['name']}")
        await stack.type(ASK.format(made.commits[0][:12]), channel=channel["name"], user=ADA)
        await eventually(lambda: _runs(stack, 3), BUILT_S)
        going = await _shows(_going(page), tmp_path / "going.png")
        assert re.search(r"\d+ of 59 commits left, \d+ test runs? in .*\.", going), going
        assert re.search(r"good [░·x-]+█* bad", going.replace("\n", " ")), going
        await stack.bot.end(signal.SIGKILL)
        await stack.bot.start()
        await eventually(lambda: message_with(stack, "Invite author"), BUILT_S)
        told = await _shows(_told(page), tmp_path / "told.png")
        assert f"Culprit {made.culprit[:10]} by Ben" in told
        assert "% sure: Change p" in told
        assert "payment/payment.go" in told
        assert len(await _bisects(stack)) == 1
        await _brings_the_author_in(stack, page, made)
        await _is_on_the_page(stack, page, made, tmp_path)


def _config(folder: Path, made: Made) -> list[str]:
    """Give the bot a repository of a service; what Go has built outlives this test."""
    (folder / "bisect").symlink_to(folders.cache() / "bisect-scenario")
    (folders.cache() / "bisect-scenario").mkdir(parents=True, exist_ok=True)
    bisect = ["[bisect]", "workers = 2", f'go = "{toolchain.find_go()}"']
    return [*bisect, "[[services]]", 'name = "shop"', f'repository = "{made.repository}"']


async def _runs(stack: Stack, least: int) -> bool:
    """Tell whether the timeline says that so many tests have run."""
    entries = await stack.listed("/api/v1/incidents/INC-1/entries")
    return any(entry["kind"] == "bisecting" and entry["body"]["runs"] >= least for entry in entries)


async def _bisects(stack: Stack) -> list[dict[str, Any]]:
    [channel] = await stack.incident_channels()
    return [each for each in channel["messages"] if re.match(r"Bisecting |Culprit ", each["text"])]


def _going(page: Page) -> Locator:
    return page.locator(".message").filter(has_text="Bisecting TestPaymentTimeout of ./payment")


def _told(page: Page) -> Locator:
    return page.locator(".message").filter(has=page.get_by_role("button", name="Invite author"))


async def _shows(message: Locator, picture: Path) -> str:
    """Give the words of a message, as a person reads them."""
    await expect(message).to_be_visible(timeout=SOON_MS)
    await message.screenshot(path=picture)
    return await message.inner_text()


async def _brings_the_author_in(stack: Stack, page: Page, made: Made) -> None:
    await _told(page).get_by_role("button", name="Invite author").click()
    why = f"wrote {made.culprit[:10]}, which broke TestPaymentTimeout of ./payment, 99."
    await expect(page.locator(".message").filter(has_text=why)).to_have_count(1, timeout=SOON_MS)
    await press(stack, "Invite author", ADA)
    already = page.get_by_text(f", who wrote {made.culprit[:10]}, takes part in INC-1 already.")
    await expect(already).to_be_visible(timeout=SOON_MS)
    [channel] = await stack.incident_channels()
    assert BEN in channel["members"]
    told = [each["text"] for each in channel["messages"] if "which broke TestPaymentTimeout" in each["text"]]
    assert len(told) == 1, told
    [card] = [each for each in channel["messages"] if "Acknowledge" in json.dumps(each.get("blocks") or "")]
    assert f"*Culprit {made.culprit[:10]}* by Ben" in json.dumps(card["blocks"])


async def _is_on_the_page(stack: Stack, page: Page, made: Made, folder: Path) -> None:
    await page.goto(f"{stack.bot.url}/incidents/INC-1")
    section = page.locator("#bisects")
    await expect(section).to_contain_text(f"Culprit {made.culprit[:10]} by Ben")
    await section.screenshot(path=folder / "page.png")
    async with page.expect_download() as waits:
        await section.get_by_role("link", name="Download the log").click()
    log = folder / "bisect.log"
    await (await waits.value).save_as(log)
    assert f"{made.culprit} is the first bad commit" in _replayed(made, folder, log)
    async with aiohttp.ClientSession() as http, http.get(f"{stack.bot.url}/incidents/INC-1/postmortem.md") as answer:
        assert f"Culprit {made.culprit[:10]} by Ben" in await answer.text()


def _replayed(made: Made, folder: Path, log: Path) -> str:
    """Let git replay the log in a clone."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(made.repository), str(clone)], check=True)
    command = ["git", "-C", str(clone), "bisect", "replay", str(log)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True).stdout.decode()
