"""The pages in a browser: who signs in with Slack and who is not let in; what is live, on paper, by the keyboard."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browsing import chromium, sign_in
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.samples import SCENARIOS
from tests.stack import Stack, running_stack, signed_in

pytestmark = [SCENARIOS, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

Scene = tuple[Stack, Browser]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="scene")
async def _scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("signed in")
    async with running_stack(folder, emulator_options=["--second-team"], sign_in=True) as stack, chromium() as browser:
        await stack.type("/incident start private=yes sev2 checkout payroll data leaked")
        await eventually(stack.incident_channels, 15)
        await stack.type("/incident start sev2 checkout 5xx after deploy")
        yield stack, browser


@pytest_asyncio.fixture(loop_scope="module", name="page")
async def _page(scene: Scene) -> AsyncIterator[Page]:
    """A window of a browser that knows nobody."""
    context = await scene[1].new_context()
    yield await context.new_page()
    await context.close()


async def says(page: Page, heading: str | re.Pattern[str]) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)


async def way_back(stack: Stack, context: BrowserContext, person: str = ADA) -> str:
    """Begin to sign in, agree, and give the address to which Slack sends this browser back, not followed yet."""
    asked = await context.request.get(f"{stack.bot.url}/sign-in/begin")
    answer = await context.request.post(
        asked.url.partition("?")[0],
        form={**dict(parse_qsl(urlsplit(asked.url).query)), "person": person},
        max_redirects=0,
    )
    return answer.headers["location"]


async def test_a_person_signs_in_sees_what_is_theirs_to_see_and_leaves(scene: Scene, page: Page) -> None:
    bot = scene[0].bot.url
    await page.goto(f"{bot}/incidents/INC-1")
    await says(page, "Sign in")
    await page.get_by_role("link", name="Sign in with Slack").press("Enter")
    await page.get_by_role("button", name="Ada Okafor").press("Enter")
    await says(page, "payroll data leaked")
    await expect(page.get_by_role("banner")).to_contain_text("Ada Okafor")
    shown = await page.context.cookies()
    other = await page.context.new_page()
    await other.goto(f"{bot}/incidents/INC-1")
    await expect(other.locator("#state")).to_have_text("Live")
    await page.get_by_role("button", name="Sign out").press("Enter")
    await says(page, "You have signed out")
    await says(other, "Sign in")
    await page.context.add_cookies(shown)  # type: ignore[arg-type]  # - a copy of them that was kept
    await page.goto(f"{bot}/incidents/INC-1")
    await says(page, "Sign in")


async def test_another_person_is_somebody_else(scene: Scene, page: Page) -> None:
    bot = scene[0].bot.url
    await sign_in(page, bot, "Ben Lindqvist")
    await expect(page.get_by_role("banner")).to_contain_text("Ben Lindqvist")
    await expect(page.get_by_role("main")).to_contain_text("5xx after deploy")
    await expect(page.get_by_role("main")).not_to_contain_text("payroll")
    await page.goto(f"{bot}/incidents/INC-1")
    await expect(page.get_by_role("main")).to_contain_text("There is no incident INC-1.")
    await sign_in(page, bot, "Ada Okafor")
    await expect(page.get_by_role("main")).to_contain_text("payroll")


async def test_who_is_not_let_know_or_belongs_elsewhere_stays_outside(scene: Scene, page: Page) -> None:
    bot = scene[0].bot.url
    for button, heading in (("Cancel", "You were not signed in"), ("Eve Moreau", "You cannot come in here")):
        await page.goto(f"{bot}/sign-in/begin")
        await page.get_by_role("button", name=button).click()
        await says(page, heading)
        await page.goto(bot)
        await says(page, "Sign in")


async def test_an_answer_counts_once_and_in_the_browser_that_asked(scene: Scene, page: Page) -> None:
    stack, browser = scene
    stranger = await browser.new_context()
    back = await way_back(stack, page.context)
    await page.goto(re.sub("state=[^&]+", "state=guessed", back))
    await says(page, "This is no answer that FirstFive waits for")
    back = await way_back(stack, page.context)
    other = await stranger.new_page()
    await other.goto(back)
    await says(other, "This is no answer that FirstFive waits for")
    await stranger.close()
    await page.goto(back)
    await says(page, "Incidents")
    await page.goto(back)
    await says(page, re.compile("This is no answer|This answer was taken already"))


async def test_an_answer_that_is_too_old_or_slack_that_is_away_signs_nobody_in(scene: Scene, page: Page) -> None:
    stack, _ = scene
    back = await way_back(stack, page.context)
    await stack.slack.act("clock", advance_s=601)
    await page.goto(back)
    await says(page, "You were not signed in")
    await expect(page.get_by_role("main")).to_contain_text("Slack does not know this answer any more")
    back = await way_back(stack, page.context)
    await stack.slack.act("faults", method="openid.connect.token", mode="http500")
    await page.goto(back)
    await expect(page.get_by_role("main")).to_contain_text("Slack did not answer")
    await page.get_by_role("link", name="Sign in with Slack").click()
    await page.get_by_role("button", name="Ada Okafor").click()
    await says(page, "Incidents")


async def test_a_list_is_live_and_takes_nothing_away_from_who_uses_it(scene: Scene, page: Page) -> None:
    stack, _ = scene
    await sign_in(page, stack.bot.url)
    await expect(page.locator("#state")).to_have_text("Live")
    link = page.get_by_role("link", name="5xx after deploy")
    row = page.get_by_role("listitem").filter(has=link)
    await link.focus()
    await stack.type("/incident severity sev1 incident=INC-2")
    await expect(row).to_contain_text("SEV1")
    await expect(link).to_be_focused()
    await page.evaluate("document.querySelector('#list-open').append(document.createElement('textarea'))")
    field = page.get_by_role("textbox")
    await field.fill("half a sentence")
    await link.focus()
    async with page.expect_response(f"{stack.bot.url}/"):
        await stack.type("/incident severity sev3 incident=INC-2")
    await expect(field).to_have_value("half a sentence")
    await expect(row).to_contain_text("SEV1")
    await field.fill("")
    await link.focus()
    await stack.type("/incident severity sev2 incident=INC-2")
    await expect(row).to_contain_text("SEV2")
    await page.goto(f"{stack.bot.url}/audit")
    await expect(page.locator("#state")).to_have_text("Live")
    lines = page.get_by_role("listitem").filter(has_text="Signed in")
    before = await lines.count()
    await signed_in(stack.bot.url, BEN)
    await expect(lines).to_have_count(before + 1)


async def test_a_look_that_failed_is_tried_again(scene: Scene, page: Page) -> None:
    stack, _ = scene
    await sign_in(page, stack.bot.url)
    await expect(page.locator("#state")).to_have_text("Live")
    await page.route(f"{stack.bot.url}/", lambda route: route.fulfill(status=503), times=1)
    await stack.type("/incident severity sev4 incident=INC-2")
    await expect(page.locator("#state")).to_have_text("Not live, trying again")
    await expect(page.get_by_role("listitem").filter(has_text="5xx after deploy")).to_contain_text("SEV4")
    await expect(page.locator("#state")).to_have_text("Live")


async def test_on_paper_there_is_nothing_to_press_and_nothing_dark(scene: Scene, page: Page) -> None:
    await sign_in(page, scene[0].bot.url, onward="/incidents/INC-2")
    await page.emulate_media(media="print", color_scheme="dark")
    for pressed in ("button", "navigation"):
        assert not [each for each in await page.get_by_role(pressed).all() if await each.is_visible()]
    dark = "each => getComputedStyle(each).backgroundColor.match(/\\d+/g).slice(0, 3).every(part => part < 100)"
    solid = "each => !getComputedStyle(each).backgroundColor.endsWith(', 0)')"
    assert not await page.evaluate(f"[...document.querySelectorAll('body *')].filter({solid}).some({dark})")
