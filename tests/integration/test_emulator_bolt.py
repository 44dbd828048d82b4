"""A real Bolt app behind the local Slack, by signed HTTP and by Socket Mode: the same tests for both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler

from tests.integration.bolt_app import Heard, bolt_app, http_app
from tests.integration.emulator_process import ADA, APP_TOKEN, BEN, Emulator, eventually, running_emulator, served
from tests.samples import SLACK

pytestmark = [SLACK, pytest.mark.asyncio(loop_scope="module")]
OPTIONS = ("--ack-timeout", "2", "--shortcut", "inc:add_to_timeline=Add to timeline")


@dataclass(frozen=True)
class Scene:
    emulator: Emulator
    heard: Heard

    async def command(self, text: str, **more: Any) -> dict[str, Any]:
        return await self.emulator.act("command", user="ada", channel="general", command="/incident", text=text, **more)

    async def ephemerals(self) -> list[str]:
        return [one["text"] for one in (await self.emulator.channel("general"))["ephemerals"]]

    async def card(self) -> str:
        await self.command("card")
        return str((await self.emulator.channel("general"))["messages"][-1]["ts"])

    async def open_views(self) -> list[str]:
        views = (await self.emulator.read("state"))["views"].get(ADA, [])
        return [view["title"]["text"] for view in views]

    async def event(self, kind: str) -> dict[str, Any]:
        async def found() -> list[dict[str, Any]]:
            return self.heard.of(kind)

        event: dict[str, Any] = (await eventually(found))[0]["event"]
        return event


@asynccontextmanager
async def over_http() -> AsyncIterator[Scene]:
    heard = Heard()
    door = FastAPI()
    async with served(door) as url, running_emulator(f"{url}/slack/events", *OPTIONS) as emulator:
        door.mount("/", http_app(bolt_app(emulator.api_url, heard)))
        yield Scene(emulator, heard)


@asynccontextmanager
async def over_socket() -> AsyncIterator[Scene]:
    heard = Heard()
    async with running_emulator("http://127.0.0.1:9/", "--socket-mode", *OPTIONS) as emulator:
        app = bolt_app(emulator.api_url, heard)
        handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=app.client)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        try:
            yield Scene(emulator, heard)
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


@pytest_asyncio.fixture(params=[over_http, over_socket], ids=["http", "socket"], scope="module", loop_scope="module")
async def started(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with request.param() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def scene(started: Scene) -> Scene:
    await started.emulator.act("reset")
    started.heard.clear()
    return started


async def test_a_command_arrives_with_slacks_fields(scene: Scene) -> None:
    assert (await scene.command("role commander @ben & more"))["ok"]
    [body] = scene.heard
    assert body["command"] == "/incident"
    assert body["text"] == "role commander <@U0BEN0002|ben> &amp; more"
    assert (body["user_id"], body["user_name"], body["channel_name"]) == (ADA, "ada", "general")
    assert {"response_url", "trigger_id", "team_id", "team_domain", "api_app_id", "token"} <= set(body)


async def test_identical_deliveries_share_their_trigger_id(scene: Scene) -> None:
    await scene.command("start", times=4)
    assert len(scene.heard) == 4
    assert len({body["trigger_id"] for body in scene.heard}) == 1


async def test_answers_reach_the_person_or_the_channel(scene: Scene) -> None:
    await scene.command("later")
    await scene.command("all")
    assert await scene.ephemerals() == ["later"]
    assert [one["text"] for one in (await scene.emulator.channel("general"))["messages"]] == ["in the answer"]


async def test_a_late_app_is_said_to_be_late(scene: Scene) -> None:
    answer = await scene.command("sleep")
    assert answer["failures"] == ["operation_timeout"]
    assert await scene.ephemerals() == ['/incident failed with the error "operation_timeout"']


async def test_an_unknown_command_is_not_delivered(scene: Scene) -> None:
    await scene.emulator.act("command", user="ada", channel="general", text="/nonsense")
    assert await scene.ephemerals() == ["`/nonsense` is not a valid command."]
    assert not scene.heard


async def test_a_button_is_pressed(scene: Scene) -> None:
    ts = await scene.card()
    answer = await scene.emulator.act("action", user="ben", channel="general", message_ts=ts, action_id="inc:ack")
    assert answer["ok"]
    body = scene.heard.of("block_actions")[0]
    assert body["actions"][0]["value"] == "7"
    assert (body["user"]["id"], body["container"]["message_ts"], body["message"]["ts"]) == (BEN, ts, ts)

    async def replaced() -> bool:
        return bool((await scene.emulator.channel("general"))["messages"][-1]["text"] == "acknowledged")

    assert await eventually(replaced)


async def test_a_choice_is_reported_with_the_state(scene: Scene) -> None:
    ts = await scene.card()
    place = {"user": "ada", "channel": "general", "message_ts": ts}
    await scene.emulator.act("action", **place, action_id="inc:lead", value=BEN, state={"inc:lead": BEN})
    body = scene.heard.of("block_actions")[0]
    assert body["actions"][0]["selected_user"] == BEN
    assert body["state"]["values"]["buttons"]["inc:lead"]["selected_user"] == BEN


async def test_a_slow_button_fails_visibly(scene: Scene) -> None:
    ts = await scene.card()
    answer = await scene.emulator.act("action", user="ada", channel="general", message_ts=ts, action_id="inc:slow")
    assert (answer["ok"], answer["error"]) == (False, "operation_timeout")


async def test_a_modal_is_filled_in(scene: Scene) -> None:
    await scene.command("modal")
    assert await scene.open_views() == ["Start"]
    empty = await scene.emulator.act("submit", user="ada", values={})
    assert empty["errors"] == {"title": "Please complete this required field."}
    short = await scene.emulator.act("submit", user="ada", values={"title": {"v": "short"}})
    assert short["errors"] == {"title": "Say more."}
    done = await scene.emulator.act(
        "submit", user="ada", values={"title": {"v": "checkout is slow"}, "sev": {"v": "2"}}
    )
    assert done["ok"]
    assert await scene.open_views() == []
    view = scene.heard.of("view_submission")[-1]["view"]
    assert view["state"]["values"]["sev"]["v"]["selected_option"]["value"] == "2"
    assert view["private_metadata"] == "kept"


@pytest.mark.parametrize(
    ("title", "left"), [("update", ["Updated"]), ("push", ["Start", "Pushed"]), ("clear", []), ("wrong", ["Start"])]
)
async def test_a_submission_is_answered_with_an_action(scene: Scene, title: str, left: list[str]) -> None:
    await scene.command("modal")
    answer = await scene.emulator.act("submit", user="ada", values={"title": {"v": title}})
    assert answer["ok"] is (title != "wrong")
    assert await scene.open_views() == left


async def test_a_closed_modal_is_told(scene: Scene) -> None:
    await scene.command("modal")
    await scene.emulator.act("close", user="ada")
    assert await scene.open_views() == []
    assert scene.heard.of("view_closed")[0]["is_cleared"] is False


async def test_a_message_shortcut_is_picked(scene: Scene) -> None:
    said = await scene.emulator.act("message", user="ben", channel="general", text="restarted the pool")
    place = {"channel": "general", "message_ts": said["ts"]}
    assert (await scene.emulator.act("shortcut", user="ada", callback_id="inc:add_to_timeline", **place))["ok"]
    body = scene.heard.of("message_action")[0]
    assert (body["message"]["text"], body["message_ts"]) == ("restarted the pool", said["ts"])


async def test_what_people_do_is_told_as_events(scene: Scene) -> None:
    said = await scene.emulator.act("message", user="ada", channel="general", text="look <here>")
    place = {"user": "ben", "channel": "general", "message_ts": said["ts"]}
    await scene.emulator.act("reaction", **place, name="pushpin")
    await scene.emulator.act("reaction", **place, name="pushpin", remove=True)
    await scene.emulator.act("pin", **place)
    await scene.emulator.act("home", user="ada")
    message = await scene.event("message")
    assert (message["text"], message["channel_type"]) == ("look &lt;here&gt;", "channel")
    reaction = await scene.event("reaction_added")
    assert (reaction["reaction"], reaction["item"]["ts"], reaction["item_user"]) == ("pushpin", said["ts"], ADA)
    assert (await scene.event("reaction_removed"))["user"] == BEN
    assert (await scene.event("pin_added"))["item"]["message"]["ts"] == said["ts"]
    assert (await scene.event("app_home_opened"))["tab"] == "home"


async def test_edits_and_deletions_are_told(scene: Scene) -> None:
    said = await scene.emulator.act("message", user="ada", channel="general", text="one")
    place = {"user": "ada", "channel": "general", "message_ts": said["ts"]}
    await scene.emulator.act("edit", **place, text="two")
    await scene.emulator.act("delete", **place)

    async def told() -> list[dict[str, Any]]:
        changes = [body["event"] for body in scene.heard.of("message") if "subtype" in body["event"]]
        return changes if len(changes) == 2 else []

    changes = {change["subtype"]: change for change in await eventually(told)}
    assert changes["message_changed"]["message"]["text"] == "two"
    assert changes["message_changed"]["previous_message"]["text"] == "one"
    assert changes["message_deleted"]["deleted_ts"] == said["ts"]


async def test_a_channel_the_app_is_not_in_stays_silent(scene: Scene) -> None:
    await scene.emulator.act("message", user="ada", channel="random", text="secret")
    await scene.emulator.act("message", user="ada", channel="general", text="open")
    await scene.event("message")
    assert [body["event"]["text"] for body in scene.heard.of("message")] == ["open"]


async def test_an_unreachable_app_is_said_to_be_unreachable() -> None:
    async with running_emulator("http://127.0.0.1:9/") as emulator:
        answer = await emulator.act("command", user="ada", channel="general", text="/incident start")
        [ephemeral] = (await emulator.channel("general"))["ephemerals"]
    assert answer["failures"] == ["dispatch_failed"]
    assert ephemeral["text"] == '/incident failed with the error "dispatch_failed"'


async def test_an_event_is_told_again_until_the_app_answers() -> None:
    tries: list[tuple[str | None, str | None]] = []
    door = FastAPI()

    @door.post("/slack/events")
    async def failing(request: Request) -> Response:
        body = await request.json()
        if body["type"] == "url_verification":
            return Response(body["challenge"])
        tries.append((request.headers.get("x-slack-retry-num"), request.headers.get("x-slack-retry-reason")))
        return Response(status_code=500 if len(tries) < 4 else 200)

    async with served(door) as url, running_emulator(f"{url}/slack/events") as emulator:
        await emulator.act("message", user="ada", channel="general", text="x")
        for count, advance_s in ((2, 61), (3, 301), (4, 0)):

            async def tried(count: int = count) -> bool:
                return len(tries) >= count

            await eventually(tried)
            await emulator.act("clock", advance_s=advance_s)
    assert tries == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]


async def test_an_app_may_decline_the_repetition() -> None:
    tries = 0
    door = FastAPI()

    @door.post("/slack/events")
    async def failing(request: Request) -> Response:
        nonlocal tries
        body = await request.json()
        if body["type"] == "url_verification":
            return Response(body["challenge"])
        tries += 1
        return Response(status_code=500, headers={"X-Slack-No-Retry": "1"})

    async with served(door) as url, running_emulator(f"{url}/slack/events") as emulator:
        await emulator.act("message", user="ada", channel="general", text="x")

        async def delivered() -> bool:
            events = (await emulator.read("deliveries"))["deliveries"]
            return any(one["kind"] == "events_api" for one in events)

        await eventually(delivered)
        await emulator.act("clock", advance_s=1000)
        await emulator.act("clock", advance_s=1000)
    assert tries == 1


async def test_a_socket_is_replaced_when_slack_asks() -> None:
    async with over_socket() as scene:
        assert (await scene.emulator.act("disconnect"))["asked"] == 1

        async def delivered() -> bool:
            return bool((await scene.command("start"))["ok"])

        assert await eventually(delivered)


async def test_a_ticket_opens_one_connection() -> None:
    async with running_emulator("http://127.0.0.1:9/", "--socket-mode") as emulator:
        headers = {"Authorization": f"Bearer {APP_TOKEN}"}
        async with emulator.session.post(f"{emulator.api_url}apps.connections.open", headers=headers) as response:
            url = (await response.json())["url"]
        async with emulator.session.ws_connect(url) as connection:
            assert (await connection.receive_json())["type"] == "hello"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await emulator.session.ws_connect(url)
