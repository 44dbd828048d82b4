"""Slack's own SDK as a client of the local Slack."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.emulator.methods.registry import METHODS
from tests.integration.emulator_process import ADA, APP_TOKEN, BEN, BOT_TOKEN, Emulator, eventually, running_emulator

NOWHERE = "http://127.0.0.1:9/slack/events"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started() -> AsyncIterator[Emulator]:
    async with running_emulator(NOWHERE) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def emulator(started: Emulator) -> Emulator:
    await started.act("reset")
    return started


@pytest_asyncio.fixture(loop_scope="module")
async def slack(emulator: Emulator) -> AsyncWebClient:
    return AsyncWebClient(BOT_TOKEN, base_url=emulator.api_url)


@pytest_asyncio.fixture(loop_scope="module")
async def channel(slack: AsyncWebClient) -> str:
    created = await slack.conversations_create(name="inc-0001-checkout")
    return str(created["channel"]["id"])


async def refusal(call: Any) -> Any:
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response


async def test_the_token_is_known(slack: AsyncWebClient, emulator: Emulator) -> None:
    who = await slack.auth_test()
    assert (who["user"], who["bot_id"]) == ("firstfive", "B0BOX0001")
    stranger = AsyncWebClient("xoxb-emulator-other", base_url=emulator.api_url)
    assert (await refusal(stranger.auth_test()))["error"] == "invalid_auth"
    nobody = AsyncWebClient(base_url=emulator.api_url)
    assert (await refusal(nobody.auth_test()))["error"] == "not_authed"
    app_level = AsyncWebClient(APP_TOKEN, base_url=emulator.api_url)
    assert (await refusal(app_level.auth_test()))["error"] == "not_allowed_token_type"
    assert (await refusal(slack.api_call("no.such.method")))["error"] == "unknown_method"


async def test_an_incident_channel_is_made_and_filled(slack: AsyncWebClient, channel: str) -> None:
    await slack.conversations_invite(channel=channel, users=[ADA, BEN])
    await slack.conversations_setTopic(channel=channel, topic="SEV2")
    await slack.bookmarks_add(channel_id=channel, title="Page", type="link", link="http://127.0.0.1:8000/1")
    info = (await slack.conversations_info(channel=channel))["channel"]
    members = (await slack.conversations_members(channel=channel))["members"]
    assert (info["topic"]["value"], info["num_members"]) == ("SEV2", 3)
    assert {ADA, BEN} <= set(members)
    assert (await slack.bookmarks_list(channel_id=channel))["bookmarks"][0]["title"] == "Page"


async def test_names_are_taken_even_by_archived_channels(slack: AsyncWebClient, channel: str) -> None:
    assert (await refusal(slack.conversations_create(name="inc-0001-checkout")))["error"] == "name_taken"
    await slack.conversations_archive(channel=channel)
    assert (await refusal(slack.conversations_create(name="inc-0001-checkout")))["error"] == "name_taken"
    assert (await refusal(slack.chat_postMessage(channel=channel, text="x")))["error"] == "is_archived"


async def test_an_archived_channel_is_opened_by_people_only(
    slack: AsyncWebClient, channel: str, emulator: Emulator
) -> None:
    await slack.conversations_archive(channel=channel)
    assert (await refusal(slack.conversations_unarchive(channel=channel)))["error"] == "not_in_channel"
    assert (await refusal(slack.conversations_join(channel=channel)))["error"] == "is_archived"
    await emulator.act("archive", user="ada", channel=channel, remove=True)
    assert (await refusal(slack.conversations_setTopic(channel=channel, topic="x")))["error"] == "not_in_channel"
    await slack.conversations_join(channel=channel)
    assert (await slack.chat_postMessage(channel=channel, text="x"))["ok"]


async def test_a_message_lives_pinned_edited_in_a_thread(slack: AsyncWebClient, channel: str) -> None:
    metadata = {"event_type": "card", "event_payload": {"incident": 1}}
    card = await slack.chat_postMessage(channel=channel, text="v1", metadata=metadata)
    await slack.pins_add(channel=channel, timestamp=card["ts"])
    await slack.chat_update(channel=channel, ts=card["ts"], text="v2")
    await slack.chat_postMessage(channel=channel, text="reply", thread_ts=card["ts"])
    await slack.reactions_add(channel=channel, timestamp=card["ts"], name="eyes")
    history = await slack.conversations_history(channel=channel, include_all_metadata=True)
    assert len(history["messages"]) == 1
    [message] = history["messages"]
    assert (message["text"], message["reply_count"], message["metadata"]) == ("v2", 1, metadata)
    assert message["reactions"][0]["name"] == "eyes"
    assert "metadata" not in (await slack.conversations_history(channel=channel))["messages"][0]
    replies = await slack.conversations_replies(channel=channel, ts=card["ts"])
    assert [one["text"] for one in replies["messages"]] == ["v2", "reply"]
    assert (await slack.pins_list(channel=channel))["items"][0]["message"]["ts"] == card["ts"]
    assert (await refusal(slack.pins_add(channel=channel, timestamp=card["ts"])))["error"] == "already_pinned"
    link = (await slack.chat_getPermalink(channel=channel, message_ts=card["ts"]))["permalink"]
    assert link.endswith(f"/archives/{channel}/p{card['ts'].replace('.', '')}")


REFUSALS: list[tuple[str, dict[str, str], str]] = [
    ("chat.update", {"channel": "#random", "ts": "1.2", "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": "C0000000", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "#general", "text": ""}, "no_text"),
    ("chat.postMessage", {"channel": "#general", "text": "x", "thread_ts": "1.2"}, "thread_not_found"),
    ("chat.postMessage", {"channel": "#general", "blocks": "{"}, "invalid_blocks_format"),
    ("chat.update", {"channel": "#general", "ts": "1.2", "text": "x"}, "message_not_found"),
    ("conversations.create", {"name": "Not Good"}, "invalid_name_specials"),
    ("conversations.invite", {"channel": "#general", "users": "U0BOT0001"}, "cant_invite_self"),
    ("conversations.invite", {"channel": "#general", "users": "U404"}, "user_not_found"),
    ("conversations.invite", {"channel": "#general", "users": ADA}, "already_in_channel"),
    ("users.info", {"user": "U404"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "x@example.com"}, "users_not_found"),
    ("views.open", {"trigger_id": "1.2", "view": '{"type": "modal"}'}, "invalid_arguments"),
    ("files.info", {"file": "F404"}, "file_not_found"),
    ("usergroups.users.list", {"usergroup": "S404"}, "no_such_subteam"),
]


async def test_refusals_carry_slacks_words_for_forms_and_for_json(emulator: Emulator, slack: AsyncWebClient) -> None:
    await emulator.act("limits", on=False)
    for method, arguments, error in REFUSALS:
        assert ((await refusal(slack.api_call(method, params=arguments)))["error"], method) == (error, method)
        # What only reads takes no JSON: it sees no arguments at all.
        expected = error if METHODS[method].takes_json else "invalid_arguments"
        assert ((await refusal(slack.api_call(method, json=arguments)))["error"], method) == (expected, method)


async def test_people_are_found(slack: AsyncWebClient) -> None:
    assert (await slack.users_lookupByEmail(email="ada@example.com"))["user"]["id"] == ADA
    assert len((await slack.users_list())["members"]) == 5
    groups = (await slack.usergroups_list(include_users=True))["usergroups"]
    assert (groups[0]["handle"], BEN in groups[0]["users"]) == ("oncall", True)
    assert (await slack.users_conversations(user=ADA, types="public_channel"))["channels"]


async def test_lists_come_in_pages(slack: AsyncWebClient) -> None:
    names: list[str] = []
    async for page in await slack.conversations_list(limit=3):
        names += [one["name"] for one in page["channels"]]
    assert names == ["general", "incidents", "announcements", "random"]


async def test_a_file_is_uploaded_by_the_sdk(slack: AsyncWebClient, channel: str, emulator: Emulator) -> None:
    done = await slack.files_upload_v2(
        channel=channel, content=b"\x1f\x8b\x08\x00", filename="snapshot.tar.gz", initial_comment="The snapshot"
    )
    assert done["file"]["channels"] == []

    async def shared() -> dict[str, Any]:
        file: dict[str, Any] = (await slack.files_info(file=done["file"]["id"]))["file"]
        return file if file["channels"] else {}

    file = await eventually(shared)
    assert (file["name"], file["size"], file["channels"]) == ("snapshot.tar.gz", 4, [channel])
    async with emulator.session.get(file["url_private"]) as response:
        assert (response.status, response.content_type) == (200, "text/html")
    with_token = {"Authorization": f"Bearer {BOT_TOKEN}"}
    async with emulator.session.get(file["url_private"], headers=with_token) as response:
        assert await response.read() == b"\x1f\x8b\x08\x00"
        assert response.headers["Content-Disposition"].startswith("attachment")
    [message] = (await slack.conversations_history(channel=channel))["messages"]
    assert (message["text"], message["files"][0]["id"]) == ("The snapshot", file["id"])


async def test_blocks_are_validated(slack: AsyncWebClient) -> None:
    good = [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]
    assert (await slack.blocks_validate(blocks=good))["ok"]
    bad = await refusal(slack.blocks_validate(blocks=[{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]))
    assert (bad["error"], bad["errors"][0]["pointer"]) == ("invalid_blocks", "/0/text/type")
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": good}
    assert (await slack.blocks_validate(message={"text": "x", "blocks": good}))["ok"]
    assert (await slack.blocks_validate(view=modal))["ok"]
    bad = await refusal(slack.blocks_validate(view={**modal, "title": {"type": "plain_text", "text": "x" * 25}}))
    assert (bad["error"], bad["errors"][0]["pointer"]) == ("invalid_view", "/title/text")


async def test_limits_answer_429_with_the_time_to_wait(slack: AsyncWebClient) -> None:
    for number in range(20):
        await slack.conversations_create(name=f"inc-{number}")
    response = await refusal(slack.conversations_create(name="inc-20"))
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert 0 < int(response.headers["Retry-After"]) <= 60


async def test_calls_are_logged(slack: AsyncWebClient, emulator: Emulator) -> None:
    await slack.chat_postMessage(channel="#general", text="x")
    [call] = (await emulator.read("calls"))["calls"]
    assert (call["method"], call["outcome"], call["args"]["text"]) == ("chat.postMessage", "ok", "x")
    assert "token" not in call["args"]


async def test_people_come_and_go_by_slack_s_own_commands(emulator: Emulator) -> None:
    async def type_(user: str, line: str) -> bool:
        return bool((await emulator.act("command", user=user, channel="secret", command=line))["ok"])

    await emulator.act("channel", name="secret", user=ADA, private=True)
    assert not (await emulator.act("join", user=BEN, channel="secret"))["ok"]
    assert not await type_(BEN, "/invite @ben")
    assert await type_(ADA, "/invite @ben")
    assert (await emulator.channel("secret"))["members"] == [ADA, BEN]
    assert not await type_(ADA, "/invite @nobody")
    assert await type_(BEN, "/remove @ada")
    assert await type_(BEN, "/leave")
    assert (await emulator.channel("secret"))["members"] == []
