"""What goes wrong on request: refusals, lost answers, silence."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.emulator_process import BOT_TOKEN, Emulator, running_emulator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started() -> AsyncIterator[Emulator]:
    async with running_emulator("http://127.0.0.1:9/slack/events") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def emulator(started: Emulator) -> Emulator:
    await started.act("reset")
    return started


@pytest_asyncio.fixture(loop_scope="module")
async def slack(emulator: Emulator) -> AsyncWebClient:
    return AsyncWebClient(BOT_TOKEN, base_url=emulator.api_url, retry_handlers=[])


async def texts(emulator: Emulator) -> list[str]:
    return [message["text"] for message in (await emulator.channel("general"))["messages"]]


@pytest.mark.parametrize(
    ("mode", "error"),
    [("error:fatal_error", "fatal_error"), ("429", "ratelimited"), ("error:is_archived", "is_archived")],
)
async def test_a_refusal_on_request(emulator: Emulator, slack: AsyncWebClient, mode: str, error: str) -> None:
    await emulator.act("faults", method="chat.postMessage", mode=mode)
    with pytest.raises(SlackApiError, match=error):
        await slack.chat_postMessage(channel="#general", text="first")
    await slack.chat_postMessage(channel="#general", text="second")
    assert await texts(emulator) == ["second"]


async def test_a_server_error(emulator: Emulator, slack: AsyncWebClient) -> None:
    await emulator.act("faults", method="*", mode="http500")
    with pytest.raises(SlackApiError) as failed:
        await slack.chat_postMessage(channel="#general", text="x")
    assert failed.value.response.status_code == 500


async def test_a_dropped_call_was_not_done_and_a_lost_answer_was(emulator: Emulator, slack: AsyncWebClient) -> None:
    for mode, text in (("drop", "never"), ("after", "done")):
        await emulator.act("faults", method="chat.postMessage", mode=mode)
        with pytest.raises(aiohttp.ClientError):
            await slack.chat_postMessage(channel="#general", text=text)
    assert await texts(emulator) == ["done"]
    assert [call["outcome"] for call in (await emulator.read("calls"))["calls"]] == ["drop", "ok, answer lost"]


async def test_a_hanging_call_ends_with_the_callers_patience(emulator: Emulator) -> None:
    await emulator.act("faults", method="chat.postMessage", mode="hang")
    impatient = AsyncWebClient(BOT_TOKEN, base_url=emulator.api_url, timeout=1, retry_handlers=[])
    with pytest.raises(asyncio.TimeoutError):
        await impatient.chat_postMessage(channel="#general", text="x")
    assert await texts(emulator) == []


async def test_an_unknown_mode_is_refused(emulator: Emulator) -> None:
    answer = await emulator.act("faults", method="*", mode="explode")
    assert (answer["ok"], answer["error"]) == (False, "invalid_mode")


async def test_limits_are_switched_off(emulator: Emulator, slack: AsyncWebClient) -> None:
    await emulator.act("limits", on=False)
    for number in range(25):
        await slack.conversations_create(name=f"inc-{number}")
    assert len((await emulator.read("state"))["channels"]) == 29
