"""The life of a Socket Mode connection: a ticket that ends, warnings, an end; frames that are garbage."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.integration.emulator_process import APP_TOKEN, Emulator, running_emulator
from tests.samples import SLACK

pytestmark = SLACK

CLOSED = {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED}


@asynccontextmanager
async def linked(more: str = "") -> AsyncIterator[tuple[Emulator, aiohttp.ClientWebSocketResponse, dict[str, Any]]]:
    async with (
        running_emulator("http://127.0.0.1:9/", "--socket-mode", "--ack-timeout", "1") as slack,
        slack.session.ws_connect(await ticket(slack) + more) as link,
    ):
        yield slack, link, await link.receive_json()


async def ticket(slack: Emulator) -> str:
    headers = {"Authorization": f"Bearer {APP_TOKEN}"}
    async with slack.session.post(f"{slack.api_url}apps.connections.open", headers=headers) as response:
        return str((await response.json())["url"])


async def frame(link: aiohttp.ClientWebSocketResponse) -> Any:
    message = await asyncio.wait_for(link.receive(), 10)
    return "closed" if message.type in CLOSED else message.json()["reason"]


async def test_a_ticket_is_good_for_half_a_minute() -> None:
    async with linked() as (slack, _, _):
        url = await ticket(slack)
        await slack.act("clock", advance_s=31)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await slack.session.ws_connect(url)


async def test_a_connection_is_warned_and_then_closed() -> None:
    async with linked() as (slack, link, hello):
        assert hello["debug_info"]["approximate_connection_time"] == 18060
        await slack.act("disconnect", reason="warning")
        assert await frame(link) == "warning"
        # Until then it still carries what there is to deliver.
        sent = asyncio.create_task(slack.act("command", user="ada", channel="general", text="/incident start"))
        envelope = await link.receive_json()
        await link.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await sent)["ok"]
        await slack.act("clock", advance_s=11)
        assert [await frame(link), await frame(link)] == ["refresh_requested", "closed"]


async def test_an_asked_for_refresh_comes_after_six_minutes() -> None:
    async with linked("&debug_reconnects=true") as (slack, link, hello):
        assert hello["debug_info"]["approximate_connection_time"] == 360
        await slack.act("clock", advance_s=351)
        assert await frame(link) == "warning"


async def test_a_disabled_link_is_closed_at_once() -> None:
    async with linked() as (slack, link, _):
        await slack.act("disconnect", reason="link_disabled")
        assert [await frame(link), await frame(link)] == ["link_disabled", "closed"]
        assert (await slack.act("disconnect", reason="tired"))["error"] == "invalid_reason"


async def test_a_frame_that_no_connection_carries_is_said_to_have_failed() -> None:
    async with linked() as (slack, _, _):
        await slack.act("disconnect", reason="cut")
        assert (await slack.act("deliver", raw="{}"))["error"] == "connection_failed"
        assert [one["outcome"] for one in await slack.transcript() if one["what"] == "raw"] == ["connection_failed"]


async def test_garbage_goes_both_ways() -> None:
    async with linked() as (slack, link, _):
        await slack.act("deliver", raw="no json")
        assert (await link.receive()).data == "no json"
        await slack.act("deliveries-faults", mode="garbage")
        assert (await slack.act("command", user="ada", channel="general", text="/incident"))["failures"] == [
            "operation_timeout"
        ]
        with pytest.raises(json.JSONDecodeError):
            await link.receive_json()
        assert (await slack.act("deliveries-faults", mode="bad_signature"))["error"] == "invalid_mode"
        await link.send_str("[1]")
        await slack.act("disconnect", reason="link_disabled")
        while await frame(link) != "closed":
            pass
        kept = [one for one in await slack.transcript() if (one["direction"], one["what"]) == ("from_app", "socket")]
    assert [one["body"] for one in kept] == ["[1]"]
