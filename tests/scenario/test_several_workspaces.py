"""One FirstFive in two workspaces: let in by OAuth, each incident in its own, one put out and let in again."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.domain.timeline import Kind
from tests.integration.emulator_process import BOT_TOKEN, eventually
from tests.samples import SCENARIOS
from tests.stack import Stack, running_stack

pytestmark = SCENARIOS

OURS, OTHER = "T0BOX0001", "T0BOX0002"
CLIENT = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "emulator-secret"}
HIDDEN = re.compile(r'name="(\w+)" value="([^"]*)"')


@dataclass
class Scene:
    """A bot and two workspaces, and a browser in the hands of whoever runs the bot."""

    stack: Stack
    browser: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(follow_redirects=True))

    async def sent_to_slack(self) -> dict[str, str]:
        """Go to the page of consent; give what it asks with."""
        page = await self.browser.get(f"{self.stack.bot.url}/slack/install")
        assert page.url.path == "/oauth/v2/authorize"
        return {name: unescape(value) for name, value in HIDDEN.findall(page.text)}

    async def consent(self, team: str, answer: str = "allow") -> httpx.Response:
        """Answer that page; give the one that it leads back to."""
        form = {**await self.sent_to_slack(), "team": team, "answer": answer}
        return await self.browser.post(f"{self.stack.slack.url}oauth/v2/authorize", data=form)

    async def type(self, team: str, user: str, text: str) -> dict[str, Any]:
        return await self.stack.slack.act("command", team=team, user=user, channel="general", text=f"/incident {text}")

    async def state(self, team: str) -> dict[str, Any]:
        return await self.stack.slack.read(f"state?team={team}")

    async def channel_of(self, team: str, name: str) -> dict[str, Any]:
        """Give an incident's channel in a workspace, once its card is pinned there."""

        async def look() -> dict[str, Any]:
            channels: list[dict[str, Any]] = (await self.state(team))["channels"]
            found = next((one for one in channels if str(one.get("name")).startswith(name)), {})
            return found if found.get("pins") else {}

        return await eventually(look, 15)

    async def names(self, team: str, beginning: str) -> list[str]:
        """Give the channels of a workspace that begin so, as far as their numbers."""
        names = [str(one.get("name")) for one in (await self.state(team))["channels"]]
        return sorted("-".join(name.split("-")[:2]) for name in names if name.startswith(beginning))

    async def announced(self, team: str) -> list[str]:
        """Give the incidents that a workspace's announcements channel knows of."""
        channels = (await self.state(team))["channels"]
        said = [one["messages"] for one in channels if one.get("name") == "incidents"]
        return re.findall(r"\|(INC-\d+)>", str(said))

    async def note(self, team: str, channel: str, user: str) -> list[str]:
        """Type a note in an incident's channel; give the notes of its incident then."""
        await self.stack.slack.act("command", team=team, user=user, channel=channel, text="/incident note seen")

        async def look() -> list[str]:
            incidents = [await self.stack.incident(f"INC-{number}") for number in (1, 2)]
            (found,) = [one["id"] for one in incidents if one["channel"] == channel]
            entries = await self.stack.listed(f"/api/v1/incidents/{found}/entries")
            notes = [entry["body"]["text"] for entry in entries if entry["kind"] == Kind.NOTE]
            return notes if "seen" in notes else []

        return await eventually(look)

    async def said_in(self, team: str) -> int:
        """Tell how many calls were made with a workspace's token."""
        told = await self.stack.slack.transcript()
        return sum(line["team"] == team for line in told if line["direction"] == "from_app")

    async def shows(self, team: str, channel: str, words: str) -> bool:
        channels = (await self.state(team))["channels"]
        return any(words in str(one["messages"]) for one in channels if one["id"] == channel)

    async def tells(self, said: list[tuple[str, str]]) -> bool:
        """Tell whether the first incident's timeline has these messages, each marked by its person."""
        entries = await self.stack.listed("/api/v1/incidents/INC-1/entries")
        kept = [(each["body"]["by"], each["body"]["text"]) for each in entries if each["kind"] == Kind.MESSAGE]
        return sorted(kept) == sorted(said)

    async def is_shown_to(self, user: str, words: str) -> bool:
        """Tell whether somebody in the other workspace, who asks for the second incident, is answered with words."""
        await self.type(OTHER, user, "status INC-2")
        await asyncio.sleep(0.5)
        channels = (await self.state(OTHER))["channels"]
        return any(words in str(one["ephemerals"]) for one in channels if one.get("name") == "general")

    async def ailment(self) -> str:
        """Say what is wrong with Slack, or ok."""
        return str((await self.stack.get("/health/ready"))["degraded"].get("slack", "ok"))

    async def says(self, words: str) -> bool:
        return words in await self.ailment()

    async def asked_who(self, least: int = 0) -> int:
        """Tell how often Slack was asked who we are, once it was so often."""
        told = await self.stack.slack.transcript()
        found = sum(line["name"] == "auth.test" for line in told)
        return found if found >= least else 0


@asynccontextmanager
async def two_workspaces(folder: Path, token: str = "", *config: str) -> AsyncIterator[Scene]:
    secrets = {**CLIENT, "SLACK_BOT_TOKEN": token}
    async with running_stack(folder, config=config, emulator_options=["--second-team"], secrets=secrets) as stack:
        scene = Scene(stack)
        async with scene.browser:
            yield scene


def holds_a_token(folder: Path) -> bool:
    """Tell whether the database, a log or an artifact holds a token as it is."""
    kept = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".ndjson")
    return any(b"xoxb-" in path.read_bytes() for path in kept)


async def test_each_incident_is_in_the_workspace_that_it_was_opened_in(tmp_path: Path) -> None:
    async with two_workspaces(tmp_path, "", 'announcements = "#incidents"') as scene:
        assert "no workspace has installed FirstFive yet" in await scene.ailment()
        for team, name in ((OURS, "slack-in-a-box"), (OTHER, "the-other-box")):
            page = await scene.consent(team)
            assert (page.status_code, f"FirstFive is in {name}" in page.text) == (200, True)
        assert await scene.ailment() == "ok"
        await eventually(lambda: scene.asked_who(4))
        assert (await scene.type(OURS, "ada", "start checkout is slow"))["failures"] == [""]
        ours = await scene.channel_of(OURS, "inc-1")
        assert (await scene.type(OTHER, "eve", "start search is slow"))["failures"] == [""]
        theirs = await scene.channel_of(OTHER, "inc-2")
        assert (ours["creator"], theirs["creator"]) == ("U0BOT0001", "U0BOT0002")
        for team, number, channel in ((OURS, 1, ours["id"]), (OTHER, 2, theirs["id"])):
            found = await scene.stack.incident(f"INC-{number}")
            assert (found["channel"], await scene.names(team, "inc-")) == (channel, [f"inc-{number}"])
            assert await scene.announced(team) == [f"INC-{number}"]
        assert await scene.note(OTHER, theirs["id"], "eve") == await scene.note(OURS, ours["id"], "ada") == ["seen"]
        strays = [line for line in await scene.stack.slack.transcript() if theirs["id"] in str(line["body"])]
        assert {line["team"] for line in strays} == {OTHER}
        assert await scene.asked_who() == 4, "who we are is asked when the app is installed, and never on a way"
        assert not await asyncio.to_thread(holds_a_token, tmp_path)


async def agree(page: Page, bot_url: str, team: str, answer: str) -> None:
    """Go to Slack's page of consent in a browser, choose a workspace there, and press a button."""
    await page.goto(f"{bot_url}/slack/install")
    await page.get_by_label("Workspace").select_option(team)
    await page.get_by_role("button", name=answer).click()


@pytest.mark.browser
async def test_in_a_browser_the_app_comes_into_both_workspaces_and_answers_there(tmp_path: Path) -> None:
    async with two_workspaces(tmp_path) as scene, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = await browser.new_page()
        heading = page.get_by_role("heading", level=1)
        await agree(page, scene.stack.bot.url, OTHER, "Cancel")
        await expect(heading).to_have_text("Nothing was installed")
        for team, name in ((OURS, "slack-in-a-box"), (OTHER, "the-other-box")):
            await agree(page, scene.stack.bot.url, team, "Allow")
            await expect(heading).to_have_text(f"FirstFive is in {name}")
        await page.reload()
        await expect(heading).to_have_text("This was begun in another browser")
        for team, user in ((OURS, "ada"), (OTHER, "eve")):
            await page.goto(f"{scene.stack.slack.url}?team={team}#/{user}/general")
            await page.wait_for_selector("body.ready")
            await page.locator("#composer").fill(f"/incident start {user} sees errors")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("log").first).to_contain_text("is open", timeout=15_000)
        await browser.close()


async def test_what_is_told_of_in_a_workspace_is_looked_up_there(tmp_path: Path) -> None:
    async with two_workspaces(tmp_path, BOT_TOKEN) as scene:
        await scene.consent(OTHER)
        await scene.type(OTHER, "eve", "start search is slow")
        channel = (await scene.channel_of(OTHER, "inc-1"))["id"]
        here: dict[str, str] = {"team": OTHER, "user": "eve", "channel": channel}
        marked = await scene.stack.slack.act("message", **here, text="since the deploy")
        pinned = await scene.stack.slack.act("message", **here, text="and the cache is cold")
        await scene.stack.slack.act("reaction", **here, message_ts=marked["ts"], name="stopwatch")
        await scene.stack.slack.act("pin", **here, message_ts=pinned["ts"])
        said = [("Eve Moreau", "since the deploy"), ("Eve Moreau", "and the cache is cold")]
        await eventually(lambda: scene.tells(said), 15)
        await scene.type(OTHER, "eve", "start private=yes payroll leak")
        private = (await scene.channel_of(OTHER, "inc-2"))["id"]
        brought = {"team": OTHER, "user": "eve", "channel": private, "text": "/invite @fay"}
        assert (await scene.stack.slack.act("command", **brought))["ok"]
        await eventually(lambda: scene.is_shown_to("fay", "payroll"), 15)
        told = await scene.stack.slack.transcript()
        strays = [line for line in told if channel in str(line["body"]) or private in str(line["body"])]
        assert {line["team"] for line in strays} == {OTHER}


async def test_who_has_put_it_out_hears_nothing_more_until_it_is_let_in_again(tmp_path: Path) -> None:
    async with two_workspaces(tmp_path) as scene:
        await scene.consent(OURS)
        await scene.consent(OTHER)
        await scene.type(OTHER, "eve", "start search is slow")
        channel = (await scene.channel_of(OTHER, "inc-1"))["id"]
        await scene.stack.slack.act("uninstall", team=OTHER)
        await eventually(lambda: scene.says("the-other-box (T0BOX0002) has removed FirstFive"))
        before = await scene.said_in(OTHER)
        code, told, _ = await scene.stack.run_cli("run", "note", "incident=INC-1", "text=it goes on")
        assert (code, "done" in told) == (0, True)
        await scene.type(OURS, "ada", "start checkout is slow")
        await scene.channel_of(OURS, "inc-2")
        assert await scene.said_in(OTHER) == before
        await scene.stack.bot.end()
        await scene.stack.bot.start()
        assert "has removed FirstFive" in await scene.ailment()
        assert "FirstFive is in the-other-box" in (await scene.consent(OTHER)).text
        await eventually(lambda: scene.shows(OTHER, channel, "it goes on"), 15)
        assert await scene.ailment() == "ok"
        assert await scene.note(OTHER, channel, "eve") == ["it goes on", "seen"]


async def test_a_single_token_goes_on_beside_others_and_has_what_belongs_to_none(tmp_path: Path) -> None:
    async with two_workspaces(tmp_path, BOT_TOKEN) as scene:
        await scene.type(OURS, "ada", "start checkout is slow")
        await scene.channel_of(OURS, "inc-1")
        await scene.consent(OTHER)
        await scene.stack.run_cli("run", "start", "title=from the command line")
        await scene.channel_of(OURS, "inc-2")
        await scene.type(OTHER, "eve", "start search is slow")
        await scene.channel_of(OTHER, "inc-3")
        assert await scene.names(OURS, "inc-") == ["inc-1", "inc-2"]
        await scene.stack.bot.end()
        await scene.stack.bot.start()
        await scene.type(OTHER, "eve", "start once more")
        await scene.channel_of(OTHER, "inc-4")


async def test_what_comes_back_from_slack_is_believed_once_and_from_that_browser(tmp_path: Path) -> None:
    async with two_workspaces(tmp_path) as scene:
        cancelled = await scene.consent(OTHER, "cancel")
        assert (cancelled.status_code, "You have not let FirstFive in" in cancelled.text) == (200, True)
        done = await scene.consent(OTHER)
        again = await scene.browser.get(done.url)
        assert (again.status_code, "begun in another browser" in again.text) == (400, True)
        asked = await scene.sent_to_slack()
        back = {"state": asked["state"], "code": "made-up"}
        async with httpx.AsyncClient() as stranger:
            other = await stranger.get(asked["redirect_uri"], params=back)
        assert (other.status_code, "begun in another browser" in other.text) == (400, True)
        cookies = dict(scene.browser.cookies)
        wrong = await scene.browser.get(asked["redirect_uri"], params=back)
        assert (wrong.status_code, "Slack does not know this consent any more" in wrong.text) == (400, True)
        async with httpx.AsyncClient(cookies=cookies) as copy:
            replayed = await copy.get(asked["redirect_uri"], params=back)
        assert (replayed.status_code, "taken already" in replayed.text) == (400, True)
