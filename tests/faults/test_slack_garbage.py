"""Garbage at the real bot's door, by HTTP and by Socket Mode: refused, soon, and the bot goes on."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from bot.emulator.signed_http import signature
from tests.integration.emulator_process import SECRET, eventually
from tests.samples import DEATHS
from tests.stack import Stack, running_stack

pytestmark = [DEATHS, pytest.mark.asyncio(loop_scope="module")]

LONGEST_S = 10.0
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
DEEP = b"[" * 200_000
NUL_PRESS = rb'{"type":"block_actions","user":{"id":"U1\u0000"}}'
COMMAND = b"command=/incident&text=start&user_id=U1&trigger_id=1"
BODIES = {
    "nothing": (b"", FORM),
    "10 MB": (b"x" * 10_000_000, FORM),
    "no text": (b"\xff\xfe\xfd", FORM),
    "no text in JSON": (b'{"type":"\xff"}', JSON),
    "deep JSON": (DEEP, JSON),
    "deep JSON in a form": (b"payload=" + DEEP, FORM),
    "half of JSON": (b'{"type":', JSON),
    "NUL": (COMMAND + b"\0", FORM),
    "NUL in a form": (COMMAND + b"%00", FORM),
    "NUL in JSON": (NUL_PRESS, JSON),
    "another content type": (COMMAND, "text/plain"),
    "no content type": (COMMAND, ""),
}
FRAMES = {
    "nothing": "",
    "no text": "\ufffd\x00",
    "half of JSON": '{"envelope_id": \x00',
    "no object": "[1]",
    "deep JSON": '{"payload": ' + "[" * 200_000,
    "no payload": '{"envelope_id": "e", "type": "slash_commands"}',
    "a wrong payload": '{"envelope_id": "e", "type": "slash_commands", "payload": [7]}',
    "wrong types": '{"envelope_id": 7, "type": {}, "payload": {"type": []}}',
    "an empty payload": '{"envelope_id": "e", "type": "interactive", "payload": {}}',
    "a press of nothing": '{"envelope_id": "e", "type": "interactive", "payload": {"type": "block_actions"}}',
    "much": '{"payload": "' + "x" * 900_000 + '"}',
}

Headers = Sequence[tuple[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("garbage")) as running:
        yield running


def proof(body: bytes, stamp: str = "") -> Headers:
    stamp = stamp or str(int(time.time()))
    return [("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", signature(SECRET, stamp, body))]


async def post(stack: Stack, body: bytes, headers: Headers, *, chunked: bool = False, content_type: str = FORM) -> int:
    """Post bytes with exactly these headers, and give the status, which must come soon."""
    address = urlsplit(stack.bot.url)
    length = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    lines = [("Host", address.netloc), ("Content-Type", content_type), length, *headers]
    head = "POST /slack/events HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts(body)) + b"0\r\n\r\n" if chunked else body
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(head.encode() + sent)
        async with asyncio.timeout(LONGEST_S):
            return int((await reader.readline()).split()[1])
    finally:
        writer.transport.abort()


def parts(body: bytes) -> list[bytes]:
    return [body[at : at + 50_000] for at in range(0, len(body), 50_000)]


async def works(stack: Stack) -> None:
    """The bot is as before: ready, and it answers a person."""
    assert await stack.bot.is_ready()
    assert (await stack.type("/incident list"))["ok"]


@pytest.mark.parametrize("what", BODIES)
async def test_garbage_is_refused(stack: Stack, what: str) -> None:
    body, content_type = BODIES[what]
    for chunked in (False, True):
        assert await post(stack, body, (), chunked=chunked, content_type=content_type) == 401
        wrong = [("X-Slack-Request-Timestamp", str(int(time.time()))), ("X-Slack-Signature", "v0=" + "0" * 64)]
        assert await post(stack, body, wrong, chunked=chunked, content_type=content_type) == 401
        assert 400 <= await post(stack, body, proof(body), chunked=chunked, content_type=content_type) < 500
    await works(stack)
    assert not await stack.incident_channels()


@pytest.mark.parametrize("stamp", ["yesterday", "1.5", "-1", "1e9", "9" * 5_000, " ", "\xb2"])
async def test_a_time_that_is_no_number_is_refused(stack: Stack, stamp: str) -> None:
    assert await post(stack, COMMAND, proof(COMMAND, stamp)) == 401


async def test_headers_given_twice_are_refused(stack: Stack) -> None:
    good = proof(COMMAND)
    for more in good:
        assert await post(stack, COMMAND, [*good, more]) == 401
    assert await post(stack, COMMAND, good, content_type=f"{FORM}\r\nContent-Type: text/plain") in {200, 415}


@pytest.mark.parametrize("proven", [True, False])
async def test_a_body_that_does_not_come_is_not_waited_for(stack: Stack, *, proven: bool) -> None:
    address = urlsplit(stack.bot.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in (proof(COMMAND) if proven else ()))
    writer.write(f"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Length: 90\r\n{head}\r\ncommand".encode())
    try:
        async with asyncio.timeout(LONGEST_S):
            assert (await reader.readline()).split()[1] == b"401"
    finally:
        writer.transport.abort()


async def test_garbage_does_not_end_a_socket(tmp_path: Path) -> None:
    async with running_stack(tmp_path, emulator_options=["--socket-mode"]) as stack:

        async def connected() -> bool:
            return bool((await stack.slack.read("state"))["socket_connections"] == 2)

        async def hellos() -> int:
            return [line["name"] for line in await stack.slack.transcript()].count("hello")

        await eventually(connected, 20)
        for what, frame in FRAMES.items():
            assert (await stack.slack.act("deliver", raw=frame)).get("sent"), what
            assert (await stack.type("/incident list"))["ok"], what
        assert await hellos() == 2
        # What none of our listeners is for is acknowledged: Slack would show a person an error.
        foreign = {"type": "block_actions", "actions": [{"type": "button", "action_id": "somebody else's"}]}
        assert (await stack.slack.act("deliver", kind="interactive", payload=foreign)) == {
            "ok": True, "failure": "", "body": {}
        }  # fmt: skip
        # More than a WebSocket of ours takes in ends it, as that protocol has it; another one is there at once.
        huge = io.BytesIO(json.dumps({"raw": "x" * 10_000_000}).encode())
        deliver, as_json = f"{stack.slack.url}__box/deliver", {"Content-Type": JSON}
        async with stack.slack.session.post(deliver, data=huge, headers=as_json) as response:
            assert response.status in {200, 400}, "the local Slack says that it could not be sent"

        async def answered() -> bool:
            is_there = (await hellos(), await connected()) == (3, True)
            return is_there and bool((await stack.type("/incident list"))["ok"])

        await eventually(answered, 20)
