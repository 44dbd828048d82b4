"""Several workspaces: the app is let in, works there with its own token, and is put out again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI, Request, Response
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.emulator_process import BOT_TOKEN, Emulator, eventually, running_emulator, served
from tests.samples import SLACK

# The SDK proves the app's identity in a way that the newest aiohttp warns of.
pytestmark = [SLACK, pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")]

OTHER = "T0BOX0002"
BACK = "http://127.0.0.1:9/slack/oauth_redirect"
CLIENT = {"client_id": "1.2", "client_secret": "emulator-secret"}
ASKED = {"client_id": "1.2", "scope": "chat:write,commands,channels:read", "redirect_uri": BACK, "state": "s&1"}


@dataclass(frozen=True)
class Scene:
    emulator: Emulator
    heard: list[dict[str, Any]]

    async def consent(self, answer: str = "allow", **more: str) -> dict[str, str]:
        """Answer the page; give what it leads back to the app with."""
        form = {**ASKED, "team": OTHER, "answer": answer, **more}
        url = f"{self.emulator.url}oauth/v2/authorize"
        async with self.emulator.session.post(url, data=form, allow_redirects=False) as response:
            assert response.status == 302
            back = urlsplit(response.headers["Location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
        return {name: values[0] for name, values in parse_qs(back.query).items()}

    async def install(self, **more: str) -> dict[str, Any]:
        code = (await self.consent(**more))["code"]
        answer = await self.slack().oauth_v2_access(**CLIENT, code=code, redirect_uri=BACK)
        assert isinstance(answer.data, dict)
        return answer.data

    def slack(self, token: str | None = None) -> AsyncWebClient:
        return AsyncWebClient(token, base_url=self.emulator.api_url)

    async def kinds(self, count: int) -> list[str]:
        async def told() -> list[str]:
            kinds = [one["event"]["type"] for one in self.heard if "event" in one]
            return kinds if len(kinds) >= count else []

        return await eventually(told)


@asynccontextmanager
async def two_workspaces(*options: str) -> AsyncIterator[Scene]:
    heard: list[dict[str, Any]] = []
    door = FastAPI()

    @door.post("/slack/events")
    async def hear(request: Request) -> Response:
        body = await request.json() if "json" in request.headers["content-type"] else dict(await request.form())
        heard.append(body)
        return Response(body.get("challenge", ""))

    async with served(door) as url, running_emulator(f"{url}/slack/events", "--second-team", *options) as emulator:
        yield Scene(emulator, heard)


async def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_the_app_is_installed_and_works_in_its_own_workspace() -> None:
    async with two_workspaces() as scene:
        url = f"{scene.emulator.url}oauth/v2/authorize"
        async with scene.emulator.session.get(url, params=ASKED) as page:
            words = await page.text()
        assert "Allow" in words
        assert "chat:write" in words
        typed = await scene.emulator.act("command", team=OTHER, user="eve", channel="general", text="/incident start")
        assert typed["failure"] == "invalid_command"
        installed = await scene.install()
        assert installed["team"]["id"] == OTHER
        assert installed["scope"] == "channels:read,chat:write,commands"
        other = scene.slack(installed["access_token"])
        assert (await other.auth_test())["team_id"] == OTHER
        theirs = {one["id"] for one in (await other.conversations_list())["channels"]}
        ours = {one["id"] for one in (await scene.slack(BOT_TOKEN).conversations_list())["channels"]}
        assert not theirs & ours
        assert await error_of(other.chat_postMessage(channel=min(ours), text="x")) == "channel_not_found"
        await scene.emulator.act("command", team=OTHER, user="eve", channel="general", text="/incident start")
        assert [(one["team_id"], one["user_name"]) for one in scene.heard if "command" in one] == [(OTHER, "eve")]


async def test_consent_may_be_refused_and_a_code_is_worth_one_token() -> None:
    async with two_workspaces() as scene:
        assert await scene.consent("cancel") == {"error": "access_denied", "state": "s&1"}
        code, late = (await scene.consent())["code"], (await scene.consent())["code"]
        slack = scene.slack()
        wrong = {**CLIENT, "client_secret": "emulator-other"}
        assert await error_of(slack.oauth_v2_access(**wrong, code=code)) == "bad_client_secret"
        elsewhere = "http://127.0.0.1:9/elsewhere"
        assert await error_of(slack.oauth_v2_access(**CLIENT, code=code, redirect_uri=elsewhere)) == "bad_redirect_uri"
        assert (await slack.oauth_v2_access(**CLIENT, code=code))["ok"]
        assert await error_of(slack.oauth_v2_access(**CLIENT, code=code)) == "code_already_used"
        await scene.emulator.act("clock", advance_s=601)
        assert await error_of(slack.oauth_v2_access(**CLIENT, code=late)) == "invalid_code"


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"client_id": "3.4"}, "invalid_client_id"),
        ({"scope": "chat:write,everything"}, "invalid_scope"),
        ({"redirect_uri": "http://127.0.0.1:10/"}, "bad_redirect_uri"),
    ],
)
async def test_a_wrong_link_says_what_is_wrong(wrong: dict[str, str], word: str) -> None:
    async with running_emulator("http://127.0.0.1:9/", "--redirect-url", BACK) as emulator:
        url = f"{emulator.url}oauth/v2/authorize"
        async with emulator.session.get(url, params={**ASKED, **wrong}) as page:
            assert (page.status, word in await page.text()) == (400, True)


async def test_the_app_hears_that_it_was_put_out() -> None:
    async with two_workspaces() as scene:
        token = (await scene.install())["access_token"]
        await scene.emulator.act("uninstall", team=OTHER)
        assert sorted(await scene.kinds(2)) == ["app_uninstalled", "tokens_revoked"]
        assert {one["team_id"] for one in scene.heard if "event" in one} == {OTHER}
        assert await error_of(scene.slack(token).auth_test()) == "account_inactive"
        assert (await scene.slack(BOT_TOKEN).auth_test())["ok"]
        again = (await scene.install(scope="commands"))["access_token"]
        assert await error_of(scene.slack(again).chat_postMessage(channel="#general", text="x")) == "missing_scope"


async def test_a_token_that_was_given_back_is_revoked() -> None:
    async with two_workspaces() as scene:
        slack = scene.slack(BOT_TOKEN)
        assert (await slack.auth_revoke(test=True))["revoked"] is False
        assert (await slack.auth_revoke())["revoked"] is True
        assert await error_of(slack.auth_test()) == "token_revoked"
        assert await scene.kinds(1) == ["tokens_revoked"]
