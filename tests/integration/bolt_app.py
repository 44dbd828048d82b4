"""A small Bolt app that answers in every way an app can; what it heard is kept for the test."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.emulator_process import BOT_TOKEN, SECRET

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def modal(title: str = "Start") -> Json:
    field = {"type": "plain_text_input", "action_id": "v"}
    severity = {
        "type": "static_select",
        "action_id": "v",
        "options": [{"text": plain("SEV1"), "value": "1"}, {"text": plain("SEV2"), "value": "2"}],
    }
    return {
        "type": "modal",
        "callback_id": "inc:start",
        "title": plain(title),
        "submit": plain("Start"),
        "notify_on_close": True,
        "private_metadata": "kept",
        "blocks": [
            {"type": "input", "block_id": "title", "label": plain("What is wrong?"), "element": field},
            {"type": "input", "block_id": "sev", "label": plain("Severity"), "optional": True, "element": severity},
        ],
    }


CARD: list[Json] = [
    {"type": "header", "text": plain("checkout 5xx")},
    {
        "type": "actions",
        "block_id": "buttons",
        "elements": [
            {"type": "button", "action_id": "inc:ack", "text": plain("Acknowledge"), "value": "7", "style": "primary"},
            {"type": "button", "action_id": "inc:slow", "text": plain("Slow")},
            {"type": "users_select", "action_id": "inc:lead", "placeholder": plain("Commander")},
        ],
    },
]


class Heard(list[Json]):
    """Bodies the app was sent, in order."""

    def of(self, kind: str) -> list[Json]:
        return [body for body in self if body.get("type") == kind or body.get("event", {}).get("type") == kind]


ANSWERS: dict[str, Json] = {
    "short": {"response_action": "errors", "errors": {"title": "Say more."}},
    "update": {"response_action": "update", "view": modal("Updated")},
    "push": {"response_action": "push", "view": modal("Pushed")},
    "clear": {"response_action": "clear"},
    "wrong": {"response_action": "errors", "errors": {"no-such-block": "x"}},
}


async def incident(ack: AsyncAck, body: Json, client: AsyncWebClient, respond: AsyncRespond) -> None:
    match body["text"].partition(" ")[0]:
        case "sleep":
            await asyncio.sleep(4)
        case "modal":
            await client.views_open(trigger_id=body["trigger_id"], view=modal())
        case "card":
            await client.chat_postMessage(channel=body["channel_id"], text="card", blocks=CARD)
        case "later":
            await respond(text="later")
        case "all":
            await ack(text="in the answer", response_type="in_channel")
            return
    await ack()


async def pressed(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
    action_id = body["actions"][0]["action_id"]
    if action_id == "inc:slow":
        await asyncio.sleep(4)
    await ack()
    if action_id == "inc:ack":
        await respond(text="acknowledged", replace_original=True)


async def submitted(ack: AsyncAck, body: Json) -> None:
    title = body["view"]["state"]["values"]["title"]["v"]["value"]
    await ack(**ANSWERS.get(title, {}))


async def acknowledged(ack: AsyncAck) -> None:
    await ack()


def bolt_app(api_url: str, heard: Heard) -> AsyncApp:
    app = AsyncApp(
        client=AsyncWebClient(BOT_TOKEN, base_url=api_url), signing_secret=SECRET, process_before_response=True
    )

    @app.middleware
    async def hear(body: Json, next_: Callable[[], Awaitable[None]]) -> None:
        heard.append(body)
        await next_()

    app.command("/incident")(incident)
    app.action(re.compile("^inc:"))(pressed)
    app.view("inc:start")(submitted)
    app.view_closed("inc:start")(acknowledged)
    app.shortcut("inc:add_to_timeline")(acknowledged)
    app.event(re.compile(".*"))(acknowledged)
    return app


def http_app(app: AsyncApp) -> FastAPI:
    api, handler = FastAPI(), AsyncSlackRequestHandler(app)

    @api.post("/slack/events")
    async def endpoint(request: Request) -> Response:
        return await handler.handle(request)

    return api
