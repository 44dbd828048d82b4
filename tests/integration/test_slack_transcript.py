"""What is read of a message: its words without Slack's markup, who wrote it, the bytes of its files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.adapters.slack.chat import Chat
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.directory import SlackDirectory
from bot.adapters.slack.transcript import SlackTranscript
from bot.domain.messages import ChatFile, ChatMessage, Unread
from bot.domain.run import Missing
from tests.fakes import FakeClock

TS = "1700000000.000100"
FILE = ChatFile("F1", "graph.png", "image/png", 3, "")


class Slack:
    """Answers reactions.get, pins.list, users.info; serves a file to whoever has the token."""

    def __init__(self, message: dict[str, Any] | None, **errors: str) -> None:
        self.message = message
        self.errors = errors

    async def call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if error := self.errors.get(method.replace(".", "_")):
            return web.json_response({"ok": False, "error": error})
        rest = (await request.post()).get("cursor") == "c1"
        members = {"members": ["U3"]} if rest else {"members": ["U1", "U2"], "response_metadata": {"next_cursor": "c1"}}
        answers: dict[str, dict[str, Any]] = {
            "reactions.get": {"message": self.message},
            "chat.getPermalink": {"permalink": "https://x.slack.com/p1"},
            "conversations.members": members,
            "pins.list": {"items": [{"message": {"ts": TS}}, {"file": {"id": "F1"}}]},
            "users.info": {"user": {"id": "U0ADA0001", "profile": {"display_name": "Ada"}, "name": "ada"}},
        }
        return web.json_response({"ok": True, **answers[method]})

    async def file(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer xoxb-1":
            return web.Response(text="<p>Sign in</p>", content_type="text/html")
        return web.Response(body=b"png", content_type="image/png")


@asynccontextmanager
async def reading(slack: Slack) -> AsyncIterator[tuple[SlackTranscript, str]]:
    app = web.Application()
    app.router.add_post("/api/{method}", slack.call)
    app.router.add_get("/files/graph.png", slack.file)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    config, clock = SlackConfig("xoxb-1", "s", api_url=f"{url}api/"), FakeClock()
    chat = Chat(config, clock)
    try:
        yield SlackTranscript(chat, config, SlackDirectory(chat, clock)), url
    finally:
        await chat.close()
        await runner.cleanup()


async def read(message: dict[str, Any] | None, **errors: str) -> ChatMessage | Unread | None:
    async with reading(Slack(message, **errors)) as (transcript, _):
        return await transcript.message("C1", TS)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<@U0ADA0001> and <@U0BEN0002|ben>", "@Ada and @ben"),
        ("in <#C1|general>, <!here> <!subteam^S1|@oncall>", "in #general, @here @oncall"),
        ("<https://x.org/a?b&amp;c>", "https://x.org/a?b&c"),
        ("<https://x.org|the graph> <mailto:a@x.org|a@x.org>", "the graph (https://x.org) a@x.org"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
    ],
)
async def test_words_are_plain(text: str, plain: str) -> None:
    told = await read({"ts": TS, "user": "U0ADA0001", "text": text})
    assert isinstance(told, ChatMessage)
    assert (told.text, told.author.name, told.permalink) == (plain, "Ada", "https://x.slack.com/p1")


async def test_an_app_s_words_may_be_in_its_attachments() -> None:
    message = {"ts": TS, "bot_id": "B1", "username": "Grafana", "text": "", "attachments": [{"fallback": "p95 high"}]}
    told = await read(message)
    assert isinstance(told, ChatMessage)
    assert (told.text, told.author.id, told.author.name) == ("p95 high", "B1", "Grafana")


async def test_marks_pins_and_edits_are_read() -> None:
    told = await read(
        {
            "ts": TS,
            "user": "U0ADA0001",
            "text": "x",
            "reactions": [{"name": "stopwatch", "users": ["U0ADA0001"]}],
            "pinned_to": ["C1"],
            "edited": {"user": "U0ADA0001", "ts": "1700000001.000000"},
        }
    )
    assert isinstance(told, ChatMessage)
    assert (told.marks, told.pinned, told.edited_at is not None) == (("stopwatch",), True, True)


async def test_what_is_deleted_is_gone_and_what_is_refused_is_said() -> None:
    assert await read({"ts": TS, "subtype": "tombstone", "text": "This message was deleted."}) is None
    assert await read({}, reactions_get="message_not_found") is None
    assert isinstance(await read({}), Unread)
    assert await read({}, reactions_get="missing_scope") == Unread("missing_scope")
    assert await read({}, reactions_get="internal_error") == Unread("internal_error", again=True)


async def test_pins_are_looked_up() -> None:
    async with reading(Slack({})) as (transcript, _):
        assert await transcript.is_pinned("C1", TS) is True
        assert await transcript.is_pinned("C1", "1.0") is False


async def test_all_members_of_a_channel_are_told_page_by_page() -> None:
    async with reading(Slack({})) as (transcript, _):
        assert await transcript.members("G1") == frozenset({"U1", "U2", "U3"})
    async with reading(Slack({}, conversations_members="not_in_channel")) as (transcript, _):
        assert await transcript.members("G1") == Unread("not_in_channel")


async def test_bytes_come_from_slack_alone_and_no_more_than_allowed() -> None:
    async with reading(Slack({})) as (transcript, url):
        there = ChatFile(**{**FILE.__dict__, "url": f"{url}files/graph.png"})
        assert await transcript.file(there, 3) == b"png"
        assert isinstance(await transcript.file(there, 2), Missing)
        lying = ChatFile(**{**there.__dict__, "bytes": 1})
        assert isinstance(await transcript.file(lying, 2), Missing)
        for elsewhere in ("", "https://slack.com.evil.example/x", "http://files.slack.com/x", "https://evil.example/x"):
            assert await transcript.file(ChatFile(**{**FILE.__dict__, "url": elsewhere}), 3) == Missing(
                "Slack does not have its bytes"
            )
