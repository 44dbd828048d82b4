"""A person at the page of the local Slack, in a real Chromium."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp.web
import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.bolt_app import CARD, Heard, bolt_app, http_app
from tests.integration.emulator_process import ADA, BOT_TOKEN, Emulator, eventually, running_emulator, served
from tests.samples import SLACK

pytestmark = [SLACK, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
NASTY = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@dataclass(frozen=True)
class Scene:
    emulator: Emulator
    page: Page
    slack: AsyncWebClient
    heard: Heard

    async def go(self, where: str) -> None:
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.emulator.url}#/{where}")
        await self.page.wait_for_selector("body.ready")

    async def type(self, text: str) -> None:
        await self.page.locator("#composer").fill(text)
        await self.page.keyboard.press("Enter")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab() -> AsyncIterator[str]:
    faults = [
        {"name": "leak", "title": "Goroutine leak", "class": "goroutine-leak", "on": False},
        {"name": "busy", "title": "Serves many", "class": "", "on": False},
    ]

    async def listed(_request: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.json_response(faults)

    async def switched(request: aiohttp.web.Request) -> aiohttp.web.Response:
        named = next(each for each in faults if each["name"] == request.match_info["name"])
        named["on"] = (await request.json())["on"]
        return aiohttp.web.json_response({})

    app = aiohttp.web.Application()
    app.router.add_get("/debug/faults", listed)
    app.router.add_post("/debug/faults/{name}", switched)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started(lab: str) -> AsyncIterator[Scene]:
    heard, door = Heard(), FastAPI()
    options = ("--ack-timeout", "2", "--second-team")
    shortcut = ("--shortcut", "inc:add_to_timeline=Add to timeline")
    targets = ("--lab", f"checkout-1={lab}", "--lab", "checkout-2=http://127.0.0.1:9")
    async with (
        served(door) as url,
        running_emulator(f"{url}/slack/events", *options, *targets, *shortcut) as emulator,
        async_playwright() as playwright,
    ):
        door.mount("/", http_app(bolt_app(emulator.api_url, heard)))
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        yield Scene(emulator, page, AsyncWebClient(BOT_TOKEN, base_url=emulator.api_url), heard)
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def scene(started: Scene) -> Scene:
    await started.emulator.act("reset")
    started.heard.clear()
    await started.go("ada/general")
    return started


async def test_a_command_is_typed_and_its_card_is_pressed(scene: Scene) -> None:
    await scene.page.locator("#composer").press_sequentially("/inci")
    await expect(scene.page.get_by_role("option", name="/incident")).to_be_visible()
    await scene.type("/incident card")
    button = scene.page.get_by_role("button", name="Acknowledge")
    await expect(button).to_be_visible()
    assert await button.get_attribute("data-action-id") == "inc:ack"
    assert await button.get_attribute("data-block-id") == "buttons"
    await button.click()
    await expect(scene.page.get_by_role("log").get_by_text("acknowledged")).to_be_visible()
    assert scene.heard.of("block_actions")[0]["user"]["id"] == ADA


async def test_a_failing_command_shows_slacks_words(scene: Scene) -> None:
    await scene.type("/incident sleep")
    words = scene.page.get_by_text('/incident failed with the error "operation_timeout"')
    await expect(words).to_be_visible()
    await expect(scene.page.get_by_text("Only visible to you")).to_be_visible()


async def test_a_button_without_an_answer_says_so(scene: Scene) -> None:
    await scene.type("/incident card")
    await scene.page.get_by_role("button", name="Slow").click()
    await expect(scene.page.get_by_role("alert").filter(has_text="did not respond")).to_be_visible()


async def test_a_modal_is_filled_in_and_corrected(scene: Scene) -> None:
    await scene.type("/incident modal")
    modal = scene.page.get_by_role("dialog", name="Start")
    await modal.get_by_role("button", name="Start").click()
    await expect(modal.get_by_text("Please complete this required field.")).to_be_visible()
    field = modal.get_by_label("What is wrong?")
    await expect(field).to_be_focused()
    await field.fill("short")
    await scene.page.keyboard.press("Enter")
    await expect(modal.get_by_text("Say more.")).to_be_visible()
    assert await field.get_attribute("aria-invalid") == "true"
    await field.fill("checkout is slow")
    await modal.get_by_label("Severity").select_option("2")
    await modal.get_by_role("button", name="Start").click()
    await expect(modal).to_be_hidden()
    values = scene.heard.of("view_submission")[-1]["view"]["state"]["values"]
    assert (values["title"]["v"]["value"], values["sev"]["v"]["selected_option"]["value"]) == ("checkout is slow", "2")


async def test_esc_closes_a_modal_for_good_where_nobody_has_touched_the_page(scene: Scene) -> None:
    """A browser that was not touched since closes a dialog without asking the page first."""
    await scene.emulator.act("command", user=ADA, channel="general", text="/incident modal")
    modal = scene.page.get_by_role("dialog", name="Start")
    await expect(modal).to_be_visible()
    await modal.evaluate("node => node.close()")

    async def is_gone() -> bool:
        return not (await scene.emulator.read("state"))["views"].get(ADA)

    await eventually(is_gone)
    await scene.type("said after it")
    await expect(scene.page.get_by_role("log").first).to_contain_text("said after it")
    await expect(modal).to_be_hidden()


async def test_an_update_keeps_the_modal_and_what_was_typed(scene: Scene) -> None:
    await scene.type("/incident modal")
    modal = scene.page.locator("#modal")
    await modal.get_by_label("What is wrong?").fill("update")
    await scene.page.keyboard.press("Enter")
    await expect(modal.get_by_role("heading")).to_have_text("Updated")
    await expect(modal.get_by_label("What is wrong?")).to_have_value("update")


async def test_a_thread_is_opened_and_answered_by_keyboard_alone(scene: Scene) -> None:
    keyboard = scene.page.keyboard
    await scene.page.locator("#composer").focus()
    await keyboard.type("a question")
    await keyboard.press("Enter")
    await expect(scene.page.get_by_role("log").get_by_text("a question")).to_be_visible()
    await keyboard.press("ArrowUp")
    await keyboard.press("t")
    await expect(scene.page.get_by_label("Reply in thread").and_(scene.page.get_by_role("combobox"))).to_be_focused()
    await keyboard.type("an answer")
    await keyboard.press("Enter")
    await expect(scene.page.get_by_role("log", name="Replies").get_by_text("an answer")).to_be_visible()
    await keyboard.press("Escape")
    await expect(scene.page.get_by_label("Thread", exact=True)).to_be_hidden()
    await expect(scene.page.get_by_role("button", name="1 reply")).to_be_visible()


async def test_channels_are_walked_by_keyboard(scene: Scene) -> None:
    await scene.page.keyboard.press("Alt+ArrowDown")
    await expect(scene.page.get_by_role("heading", level=1)).to_have_text("# incidents")
    await scene.page.keyboard.press("Control+ArrowUp")
    await expect(scene.page.get_by_role("heading", level=1)).to_have_text("# general")


async def test_a_button_is_reached_by_tab_and_keeps_the_focus_when_its_card_changes(scene: Scene) -> None:
    card = await scene.slack.chat_postMessage(channel="#general", text="card", blocks=CARD)
    button = scene.page.get_by_role("button", name="Slow")
    await expect(button).to_be_visible()
    await scene.page.locator(".message").last.focus()
    for _ in range(2):
        await scene.page.keyboard.press("Tab")
    await expect(button).to_be_focused()
    changed = [{"type": "header", "text": {"type": "plain_text", "text": "changed"}}, CARD[1]]
    await scene.slack.chat_update(channel=card["channel"], ts=card["ts"], text="card", blocks=changed)
    await expect(scene.page.get_by_role("heading", name="changed")).to_be_visible()
    await expect(button).to_be_focused()


async def test_nothing_anybody_writes_becomes_markup(scene: Scene) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{NASTY}* <javascript:alert(1)|{NASTY}>"}}
    header = {"type": "header", "text": {"type": "plain_text", "text": NASTY}}
    markdown = {"type": "markdown", "text": f"## {NASTY}\n[x](javascript:alert(1))\n| {NASTY} |\n|---|"}
    await scene.slack.chat_postMessage(channel="#general", text=NASTY)
    await scene.slack.chat_postMessage(channel="#general", text=NASTY, blocks=[block, header, markdown], username=NASTY)
    await scene.slack.conversations_setTopic(channel="#general", topic=NASTY[:250])
    await scene.type(NASTY)
    await expect(scene.page.locator(".message")).to_have_count(3)
    assert "owned" not in await scene.page.title()
    assert await scene.page.locator("#main img, #main script, a[href^='javascript']").count() == 0


async def test_the_pinned_card_is_on_top_and_shown_once(scene: Scene) -> None:
    card = await scene.slack.chat_postMessage(channel="#general", text="card", blocks=CARD)
    for number in range(30):
        await scene.emulator.act("message", user="ben", channel="general", text=f"line {number}")
    await scene.slack.pins_add(channel=card["channel"], timestamp=card["ts"])
    pinned = scene.page.get_by_role("region", name="Pinned")
    await expect(pinned.get_by_role("button", name="Acknowledge")).to_be_in_viewport()
    await expect(scene.page.get_by_role("button", name="Acknowledge")).to_have_count(1)
    await pinned.get_by_role("button", name="1 pinned").click()
    await expect(scene.page.get_by_role("log").get_by_role("button", name="Acknowledge")).to_have_count(1)


async def test_another_person_sees_other_things(scene: Scene) -> None:
    await scene.emulator.act("message", user="ben", channel="general", text="hello")
    await scene.emulator.act("command", user="ada", channel="general", text="/incident later")
    await expect(scene.page.get_by_text("later", exact=True)).to_be_visible()
    await scene.page.get_by_label("You are").select_option(label="Ben Lindqvist")
    await expect(scene.page.get_by_text("later", exact=True)).to_be_hidden()
    await expect(scene.page.get_by_role("log").get_by_text("hello")).to_be_visible()


async def test_unread_messages_are_counted(scene: Scene) -> None:
    await scene.emulator.act("message", user="ben", channel="incidents", text="one")
    await scene.emulator.act("message", user="ben", channel="incidents", text="two")
    entry = scene.page.get_by_role("button", name="incidents, 2 unread")
    await entry.click()
    await expect(scene.page.get_by_role("log").get_by_text("two")).to_be_visible()
    await expect(entry).to_have_count(0)


async def test_a_message_is_reacted_to_pinned_and_put_on_the_timeline(scene: Scene) -> None:
    await scene.emulator.act("message", user="ben", channel="general", text="restarted")
    message = scene.page.locator(".message").last
    await message.hover()
    await message.get_by_role("button", name="Add a reaction").click()
    await scene.page.get_by_role("menuitem", name="pushpin").click()
    await expect(message.get_by_title("Ada Okafor reacted with :pushpin:")).to_be_visible()
    await message.hover()
    await message.get_by_role("button", name="Pin to channel").click()
    await expect(scene.page.get_by_role("region", name="Pinned")).to_contain_text("restarted")
    await message.get_by_role("button", name="More actions").click()
    await scene.page.get_by_role("menuitem", name="Add to timeline").click()

    async def delivered() -> bool:
        return bool(scene.heard.of("message_action"))

    assert await eventually(delivered)


async def test_a_file_has_a_preview_and_a_download(scene: Scene) -> None:
    general = await scene.emulator.id_of("general")
    await scene.slack.files_upload_v2(channel=general, content="goroutine 1 [running]", filename="dump.txt")
    await expect(scene.page.get_by_label("Beginning of dump.txt")).to_have_text("goroutine 1 [running]")
    async with scene.page.expect_download() as download:
        await scene.page.get_by_role("link", name="Download dump.txt").click()
    assert (await download.value).suggested_filename == "dump.txt"


async def test_the_lab_is_switched(scene: Scene) -> None:
    lab = scene.page.get_by_label("Lab", exact=True)
    switch = lab.get_by_role("switch", name="Goroutine leak")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await expect(lab.get_by_role("region", name="checkout-2")).to_contain_text("not reachable")


async def test_healthy_windows_are_apart_from_faults_and_stay_open(scene: Scene) -> None:
    lab = scene.page.get_by_label("Lab", exact=True)
    window = lab.get_by_role("switch", name="Serves many")
    await expect(window).to_be_hidden()
    await lab.get_by_text("Wild but healthy").click()
    await window.click()
    await expect(window).to_have_attribute("aria-checked", "true")
    await expect(window).to_be_visible()


async def test_the_home_tab_is_opened(scene: Scene) -> None:
    view = {"type": "home", "blocks": CARD}
    await scene.page.get_by_role("button", name="FirstFive").click()
    await expect(scene.page.get_by_text("shows nothing here yet")).to_be_visible()
    await scene.slack.views_publish(user_id=ADA, view=view)
    await scene.page.get_by_role("button", name="Acknowledge").click()

    async def pressed() -> bool:
        return bool(scene.heard.of("block_actions"))

    assert await eventually(pressed)
    assert scene.heard.of("block_actions")[0]["container"]["type"] == "view"


async def test_it_works_on_a_phone(scene: Scene) -> None:
    await scene.page.set_viewport_size({"width": 390, "height": 844})
    try:
        await scene.page.get_by_role("button", name="Channels", exact=True).click()
        await scene.page.get_by_role("button", name="incidents").click()
        await scene.emulator.act("message", user="ben", channel="incidents", text="on the phone")
        await expect(scene.page.get_by_text("on the phone")).to_be_in_viewport()
        overflow = await scene.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0
    finally:
        await scene.page.set_viewport_size({"width": 1440, "height": 900})


async def test_the_other_workspace_has_a_page_of_its_own(scene: Scene) -> None:
    await scene.page.goto("about:blank")
    await scene.page.goto(f"{scene.emulator.url}?team=T0BOX0002#/eve/general")
    await scene.page.wait_for_selector("body.ready")
    await scene.type("over here")
    await expect(scene.page.get_by_text("over here")).to_be_visible()
    async with scene.emulator.session.get(f"{scene.emulator.url}__box/state?team=T0BOX0002") as response:
        channels = {one.get("name"): one for one in (await response.json())["channels"]}
    assert [one["user"] for one in channels["general"]["messages"]] == ["U0EVE0005"]
    assert (await scene.emulator.channel("general"))["messages"] == []
