"""An incident from its declaration to its end on the pages alone: two people, two browsers, and no Slack anywhere."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browsing import PHONE, chromium
from tests.canaries import ENVOY, Canary, running_canary
from tests.integration.emulator_process import ADA, BEN
from tests.page_house import COOKIE, running_pages, settings_in
from tests.samples import SCENARIOS

pytestmark = [SCENARIOS, pytest.mark.browser, pytest.mark.go, pytest.mark.timeout(600)]
SOON_MS = 60_000
CHECKOUT = ["[[services]]", 'name = "checkout"']
PEOPLE = ["[services.people]", f'approve = ["{ADA}", "{BEN}"]', f'break_glass = ["{ADA}"]']


def target_of(canary: Canary) -> list[str]:
    """Name the canary itself as what is to be diagnosed."""
    return ["[[services.targets]]", 'name = "checkout-1"', f'pprof = "{canary.admin}"']


async def page_of(browser: Browser, url: str, who: str, *, script: bool = True) -> Page:
    """Give somebody's browser on a phone; without scripts if they have switched them off."""
    context = await browser.new_context(viewport=PHONE, java_script_enabled=script)  # type: ignore[arg-type]  # - a plain dict
    await context.add_cookies([{"name": COOKIE, "value": who, "url": url}])
    page = await context.new_page()
    page.set_default_timeout(SOON_MS)
    return page


async def test_two_people_end_an_incident_on_the_pages(tmp_path: Path) -> None:
    with running_canary(ENVOY, tmp_path) as canary:
        settings = settings_in(tmp_path, [*CHECKOUT, *canary.config, *PEOPLE, *target_of(canary)])
        async with running_pages(settings) as url, chromium() as browser:
            ada, ben = await page_of(browser, url, "ada"), await page_of(browser, url, "ben", script=False)
            await declare(ada, url)
            await press(ada, "Acknowledge")
            await answered(ada, "You acknowledged INC-1.")
            await press(ada, "Diagnose")
            await ended_well(ada)
            await back(ada)
            await ada.get_by_role("link", name="Roll back").click()
            await ada.get_by_label("Why?").fill("the canary fails")
            await ada.get_by_role("button", name="Rollback").click()
            await expect(ada.locator("#answer")).to_contain_text("A second person must agree first.")
            await agree(ben, url)
            await ended_well(ada)
            await expect(ada.locator("#answer")).to_contain_text("Safe after")
            await back(ada)
            await expect(ada.locator("#canary")).to_contain_text("Rolled back checkout, approved by")
            await press(ada, "Mitigated")
            await answered(ada, "INC-1 is mitigated.")
            await ada.get_by_role("link", name="Resolved").click()
            await ada.get_by_role("button", name="Resolve").click()
            await answered(ada, "INC-1 is resolved.")
            await expect(ada.locator("#head .status")).to_have_text("resolved")


async def declare(page: Page, url: str) -> None:
    await page.goto(url)
    await page.get_by_role("banner").get_by_role("link", name="Declare").click()
    await page.get_by_label("What is wrong?").fill("checkout 5xx after deploy")
    await page.get_by_label("Service, if you know it").select_option("checkout")
    await page.get_by_role("button", name="Start an incident").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("checkout 5xx after deploy")


async def press(page: Page, label: str) -> None:
    await page.locator("#act").get_by_role("button", name=label, exact=True).click()


async def answered(page: Page, said: str) -> None:
    """Read the answer on the page of the run, then go back to the incident."""
    await expect(page.locator("#answer")).to_contain_text(said, timeout=SOON_MS)
    await back(page)


async def ended_well(page: Page) -> None:
    """Wait, as whoever looks at a run does, until it is done; the page tells by itself."""
    await expect(page.locator("#head .run")).to_have_text("done", timeout=60_000)


async def back(page: Page) -> None:
    await page.get_by_role("link", name="Back to INC-1").click()


async def agree(page: Page, url: str) -> None:
    """Agree to what waits, having seen the plan and what was measured, in a browser without scripts."""
    await page.goto(url)
    await page.get_by_role("link", name="Approvals").click()
    await page.get_by_role("link", name="Look and decide").click()
    await expect(page.get_by_role("main")).to_contain_text("the canary fails")
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.locator("#answer")).to_contain_text("You approved")
