"""A postmortem is written by two people in two browsers, reviewed by the other one, published, and pushed."""

import io
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browsing import chromium, sign_in
from tests.integration.emulator_process import BEN, eventually
from tests.samples import SCENARIOS
from tests.stack import Stack, running_stack

pytestmark = [SCENARIOS, pytest.mark.browser, pytest.mark.timeout(300)]
HOME = "/incidents/INC-1/postmortem"
POOL, PROBE = "The pool had no deadline.", "The probe asked the pool.\n\n- so it failed, too"
BRANCH = "incidents"
SOON_MS = 60_000


async def test_two_people_write_it_one_reviews_it_and_it_is_published_and_pushed(tmp_path: Path) -> None:
    place = tmp_path / "postmortems.git"
    git(tmp_path, "init", "--quiet", "--bare", str(place))
    config = ["[bundle]", f'repository = "{place}"', f'branch = "{BRANCH}"']
    async with running_stack(tmp_path, config=config, sign_in=True) as stack, chromium() as browser:
        await stack.type("/incident start sev4 everything is slow")
        await eventually(stack.incident_channels, 20)
        await stack.type("/incident resolve INC-1 taken back")
        await eventually(lambda: is_resolved(stack), 20)
        ada, ben = await reader(browser, stack, "Ada Okafor"), await reader(browser, stack, "Ben Lindqvist")
        await both_write(stack, ada, ben)
        await it_is_written_anew(stack, ada)
        await only_the_other_reviews_it(ada, ben)
        await ada.get_by_role("button", name="Publish").click()
        await expect(ada.locator(".stage")).to_contain_text("Published by Ada Okafor", timeout=SOON_MS)
        await an_item_is_done_and_reopened(ada)
        said = await eventually(lambda: told(stack, "Postmortem of INC-1 published"), 20)
        assert POOL in said
        folder = await eventually(lambda: pushed(place), 20)
        assert [POOL in folder[f"postmortem.{kind}"] for kind in ("md", "html", "json")] == [True] * 3
        kinds = [entry["kind"] for entry in await stack.listed("/api/v1/incidents/INC-1/entries")]
        assert kinds.count("postmortem reviewed") == kinds.count("postmortem published") == 1


async def is_resolved(stack: Stack) -> bool:
    return bool((await stack.incident())["status"] == "resolved")


async def reader(browser: Browser, stack: Stack, name: str) -> Page:
    """Give somebody's window, in which they have signed in and opened the postmortem."""
    page = await (await browser.new_context()).new_page()
    await sign_in(page, stack.bot.url, name, HOME)
    return page


async def both_write(stack: Stack, ada: Page, ben: Page) -> None:
    """Open the same section, save one after the other; the second sees both texts, and brings them together."""
    for page in (ada, ben):
        await page.get_by_role("link", name="Edit Summary").click()
    await ada.get_by_label("Your text").fill(POOL)
    await ben.get_by_label("Your text").fill(PROBE)
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_role("article")).to_contain_text(POOL, timeout=SOON_MS)
    await ben.get_by_role("button", name="Save").click()
    await expect(ben.get_by_role("alert")).to_contain_text("Somebody has changed Summary since you saw it (Ada Okafor")
    await expect(ben.get_by_role("region", name="What stands there now")).to_contain_text(POOL, timeout=SOON_MS)
    await expect(ben.get_by_label("Your text")).to_have_value(PROBE, timeout=SOON_MS)
    await ben.get_by_label("Your text").fill(f"{POOL} {PROBE}")
    await ben.get_by_role("button", name="Save").click()
    await expect(ben.get_by_role("article")).to_contain_text("so it failed, too", timeout=SOON_MS)
    await ben.goto(f"{stack.bot.url}{HOME}/history")
    versions = [re.sub(r" by .*", "", each) for each in await ben.get_by_role("heading", level=2).all_text_contents()]
    assert versions == ["Summary, version 2", "Summary, version 1"]
    await ben.goto(f"{stack.bot.url}{HOME}")


async def it_is_written_anew(stack: Stack, ada: Page) -> None:
    """Let it be generated again, of a timeline that has grown; what people wrote is there as it was."""
    await stack.type("/incident note INC-1 nobody was paged")
    await stack.type("/incident postmortem INC-1")
    await eventually(lambda: told(stack, "postmortem-"), 20)
    await ada.reload()
    for words in ("nobody was paged", POOL, "so it failed, too"):
        await expect(ada.get_by_role("article")).to_contain_text(words, timeout=SOON_MS)


async def only_the_other_reviews_it(ada: Page, ben: Page) -> None:
    """Ben wrote last, so he is told who can review it instead of being offered to."""
    await expect(ben.locator(".stage")).to_contain_text("You wrote in the postmortem of INC-1 last", timeout=SOON_MS)
    await expect(ben.get_by_role("button", name="reviewed")).to_have_count(0)
    await ada.get_by_role("button", name="I have read it all: reviewed").click()
    await expect(ada.locator(".stage")).to_contain_text("Reviewed by Ada Okafor", timeout=SOON_MS)


async def an_item_is_done_and_reopened(ada: Page) -> None:
    """Write an action item down, give it an owner and a day, end it, and take that back, all from its page."""
    left = ada.get_by_role("region", name="What is left to do now")
    await left.get_by_role("link", name="Write an action item down").click()
    await ada.get_by_label("What is to be done?").fill("give the pool a deadline")
    await ada.get_by_role("button", name="Action").click()
    await expect(ada.locator("#answer")).to_contain_text("Action item 1 of INC-1 is written down.", timeout=SOON_MS)
    await ada.get_by_role("link", name="Back to INC-1").click()
    await ada.get_by_role("link", name="Change action item 1").click()
    await ada.get_by_label("Owner").fill(f"<@{BEN}>")
    await ada.get_by_label("Due").fill("2036-12-24")
    await ada.get_by_role("button", name="Action").click()
    await ada.get_by_role("link", name="Back to INC-1").click()
    row = ada.locator("#actions tbody tr")
    for button, state in (("Done: action item 1", "done"), ("Reopen: action item 1", "due 2036-12-24")):
        await ada.get_by_role("button", name=button).click()
        await ada.get_by_role("link", name="Back to INC-1").click()
        await expect(row).to_contain_text(state, timeout=SOON_MS)
    await expect(row).to_contain_text("Ben Lindqvist", timeout=SOON_MS)


async def told(stack: Stack, words: str) -> str:
    """Give what the incident's channel was told that has these words; "" while there is nothing."""
    state = await stack.slack.read("state")
    channels = [each for each in state["channels"] if str(each.get("name", "")).startswith("inc-")]
    said: list[dict[str, Any]] = [message for each in channels for message in each["messages"]]
    return next((found for each in said if words in (found := json.dumps(each, ensure_ascii=False))), "")


async def pushed(place: Path) -> dict[str, str]:
    """Give the files of the bundle in the repository by name; none while nothing is there."""
    listed = git(place, "ls-tree", "-r", "--name-only", BRANCH).decode().split()
    if not listed:
        return {}
    with tarfile.open(fileobj=io.BytesIO(git(place, "show", f"{BRANCH}:{listed[0]}"))) as archive:
        files = {each.name.rpartition("/")[2]: archive.extractfile(each) for each in archive.getmembers()}
        return {name: file.read().decode("utf-8", "replace") for name, file in files.items() if file}


def git(place: Path, *words: str) -> bytes:
    """Give what git says; nothing while it knows no such thing."""
    return subprocess.run(["git", *words], cwd=place, check=False, capture_output=True).stdout
