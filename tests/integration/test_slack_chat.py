"""Every way in which a call can fail, told apart over a real connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.clock import SystemClock
from bot.adapters.slack.chat import Chat
from bot.adapters.slack.config import SlackConfig
from bot.domain.errors import ChatFailed

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(body: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


async def text(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>", status=200)


async def drop(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


class Slack:
    """Answers every call with `answer`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = says({"ok": True})
        self.asked: list[tuple[str, dict[str, Any], str]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(await request.post()), request.headers.get("Authorization", "")))
        return await self.answer(request)


@pytest.fixture
async def slack() -> AsyncIterator[tuple[Slack, Chat]]:
    slack, app = Slack(), web.Application()
    app.router.add_post("/{tail:.*}", slack.handle)
    async with TestServer(app) as server:
        chat = Chat(SlackConfig("xoxb-1", "secret", api_url=f"{server.make_url('/api/')}"), SystemClock())
        yield slack, chat
        await chat.close()


async def failure(chat: Chat) -> ChatFailed:
    with pytest.raises(ChatFailed) as failed:
        await chat.call_within(2.0, "chat.postMessage", channel="C1")
    return failed.value


async def test_a_call_is_a_form_with_the_token_in_its_header(slack: tuple[Slack, Chat]) -> None:
    server, chat = slack
    await chat.call("chat.postMessage", channel="C1", blocks=[{"type": "divider"}], unfurl_links=False)
    form = {"channel": "C1", "blocks": '[{"type": "divider"}]', "unfurl_links": "false"}
    assert server.asked == [("/api/chat.postMessage", form, "Bearer xoxb-1")]


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "unsure"),
    [
        (says({"ok": False, "error": "name_taken"}), "name_taken", False, False),
        (says({"ok": False, "error": "fatal_error"}), "fatal_error", True, True),
        (says({"ok": False, "error": "invalid_auth"}), "invalid_auth", True, False),
        (says({"ok": False, "error": "ratelimited"}, 429, **{"Retry-After": "7"}), "ratelimited", True, False),
        (says({}, 503), "http_503", True, True),
        (says([]), "http_200", True, True),
        (text, "http_200", True, True),
        (drop, "unanswered", True, True),
        (hang, "unanswered", True, True),
    ],
)
async def test_failures_are_told_apart(
    slack: tuple[Slack, Chat], answer: Answer, code: str, *, retryable: bool, unsure: bool
) -> None:
    server, chat = slack
    server.answer = answer
    failed = await failure(chat)
    assert (failed.code, failed.retryable, failed.unsure) == (code, retryable, unsure)
    assert chat.health().ok is not retryable
    server.answer = says({"ok": True})
    if code != "ratelimited":
        await chat.call("chat.postMessage", channel="C1")
        assert chat.health().ok


async def test_a_429_is_heeded_without_asking_again(slack: tuple[Slack, Chat]) -> None:
    server, chat = slack
    server.answer = says({"ok": False, "error": "ratelimited"}, 429, **{"Retry-After": "7"})
    assert (await failure(chat)).retry_after_s == 7
    again = await failure(chat)
    assert again.code == "ratelimited"
    assert 6 < (again.retry_after_s or 0) <= 7
    assert len(server.asked) == 1


async def test_nobody_there_is_certain() -> None:
    chat = Chat(SlackConfig("xoxb-1", "secret", api_url="http://127.0.0.1:1/api/"), SystemClock())
    failed = await failure(chat)
    assert (failed.code, failed.retryable, failed.unsure) == ("unreachable", True, False)
    await chat.close()
