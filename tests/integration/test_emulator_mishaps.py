"""What goes wrong on the way to the app, and the one document of all that went either way."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.emulator_process import BOT_TOKEN, SECRET, Emulator, eventually, running_emulator, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


def is_signed(body: bytes, headers: dict[str, str]) -> bool:
    """Check as Slack tells an app to; the SDK's own check breaks on bytes that are no text."""
    stamp = headers.get("x-slack-request-timestamp", "0")
    digest = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(stamp)) <= 300 and headers.get("x-slack-signature") == f"v0={digest}"


@dataclass
class Door:
    """An app that takes everything, and remembers how it came."""

    came: list[tuple[bytes, bool]] = field(default_factory=list)
    retries: list[str | None] = field(default_factory=list)

    async def hear(self, request: Request) -> Response:
        body = await request.body()
        if b"url_verification" in body:
            return Response((await request.json())["challenge"])
        headers = dict(request.headers)
        self.came.append((body, is_signed(body, headers)))
        self.retries.append(headers.get("x-slack-retry-reason"))
        return Response("noted", 200 if self.came[-1][1] else 401)

    def texts(self) -> list[str]:
        return [json.loads(body)["event"]["text"] for body, _ in self.came]


@dataclass(frozen=True)
class Scene:
    slack: Emulator
    door: Door

    async def type(self, text: str = "/incident start") -> dict[str, Any]:
        return await self.slack.act("command", user="ada", channel="general", text=text)

    async def say(self, text: str) -> None:
        await self.slack.act("message", user="ada", channel="general", text=text)

    async def spoil(self, mode: str, kind: str = "*", **more: Any) -> None:
        assert (await self.slack.act("deliveries-faults", kind=kind, mode=mode, **more))["ok"]

    async def heard(self, count: int) -> list[tuple[bytes, bool]]:
        async def came() -> list[tuple[bytes, bool]]:
            return self.door.came if len(self.door.came) >= count else []

        return await eventually(came)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started() -> AsyncIterator[Scene]:
    door, app = Door(), FastAPI()
    app.post("/slack/events")(door.hear)
    async with served(app) as url, running_emulator(f"{url}/slack/events") as slack:
        yield Scene(slack, door)


@pytest_asyncio.fixture(loop_scope="module")
async def scene(started: Scene) -> Scene:
    await started.slack.act("reset")
    started.door.came.clear()
    started.door.retries.clear()
    return started


async def test_a_duplicate_arrives_twice_word_for_word(scene: Scene) -> None:
    await scene.spoil("duplicate", "slash_commands")
    assert (await scene.type())["ok"]
    [(first, _), (second, _)] = scene.door.came
    assert first == second


async def test_what_is_dropped_is_said_to_have_failed(scene: Scene) -> None:
    await scene.spoil("drop")
    assert (await scene.type())["failures"] == ["dispatch_failed"]
    assert scene.door.came == []
    assert (await scene.type())["ok"]


async def test_an_event_whose_answer_was_lost_is_told_again(scene: Scene) -> None:
    await scene.spoil("answer_lost", "events_api")
    await scene.say("x")
    [(first, _), (second, _)] = await scene.heard(2)
    assert (first, scene.door.retries) == (second, [None, "http_timeout"])


async def test_a_late_one_waits_for_slacks_clock(scene: Scene) -> None:
    await scene.spoil("late", "events_api", delay_s=600)
    await scene.say("late")
    await scene.say("in time")
    await scene.heard(1)
    assert scene.door.texts() == ["in time"]
    await scene.slack.act("clock", advance_s=601)
    await scene.heard(2)
    assert scene.door.texts() == ["in time", "late"]


async def test_two_change_places(scene: Scene) -> None:
    await scene.spoil("reorder", "events_api", delay_s=60)
    await scene.say("first")
    await scene.say("second")
    await scene.heard(2)
    assert scene.door.texts() == ["second", "first"]


@pytest.mark.parametrize("mode", ["bad_signature", "old_signature"])
async def test_a_signature_may_be_wrong_or_old(scene: Scene, mode: str) -> None:
    await scene.spoil(mode)
    assert (await scene.type())["failures"] == ["dispatch_failed"]
    assert [valid for _, valid in scene.door.came] == [False]


async def test_garbage_is_signed_and_no_form(scene: Scene) -> None:
    await scene.spoil("garbage")
    await scene.type()
    [(body, valid)] = scene.door.came
    assert valid
    with pytest.raises(UnicodeDecodeError):
        body.decode()


async def test_any_bytes_are_delivered_on_request(scene: Scene) -> None:
    raw = base64.b64encode(b"\xff\x00").decode()
    answer = await scene.slack.act("deliver", raw_base64=raw, headers={"Content-Type": "text/plain"})
    assert (answer["status"], answer["body"]) == (200, "noted")
    assert scene.door.came == [(b"\xff\x00", True)]
    for unsigned in ({"sign": False}, {"spoiled": "bad_signature"}, {"age_s": 301}, {"age_s": -330}):
        answer = await scene.slack.act("deliver", raw="", **unsigned)
        assert answer["status"] == 401, unsigned


async def test_any_payload_is_delivered_on_request(scene: Scene) -> None:
    event = {"type": "event_callback", "event": {"type": "message", "text": "made up"}}
    assert (await scene.slack.act("deliver", kind="events_api", payload=event))["body"] == {"text": "noted"}
    assert scene.door.texts() == ["made up"]


async def test_an_unknown_mishap_is_refused(scene: Scene) -> None:
    for wrong in ({"mode": "explode"}, {"mode": "drop", "kind": "everything"}):
        assert (await scene.slack.act("deliveries-faults", **wrong))["error"] == "invalid_mode"


async def play(scene: Scene) -> list[dict[str, Any]]:
    """Play a little scene; every part ends before the next begins."""
    web = AsyncWebClient(BOT_TOKEN, base_url=scene.slack.api_url)
    await scene.type("/incident start checkout")
    came = len(scene.door.came)
    await web.chat_postMessage(channel="#incidents", text="card")
    await scene.heard(came + 1)
    await web.files_upload_v2(channel=await scene.slack.id_of("incidents"), content="bytes", filename="a.txt")
    await scene.heard(came + 2)
    payload = next(one["body"] for one in await scene.slack.transcript() if one["what"] == "command")
    async with scene.slack.session.post(payload["response_url"], json={"text": "later"}) as response:
        assert response.status == 200

    async def done() -> list[dict[str, Any]]:
        lines = await scene.slack.transcript()
        return lines if all(line["ms"] is not None for line in lines) else []

    return await eventually(done)


async def test_the_transcript_has_everything_both_ways_in_order(scene: Scene) -> None:
    lines = await play(scene)
    told = [(line["direction"], line["what"], line["name"]) for line in lines]
    assert told == [
        ("to_app", "command", "/incident"),
        ("from_app", "api", "chat.postMessage"),
        ("to_app", "event", "message"),
        ("from_app", "api", "files.getUploadURLExternal"),
        ("from_app", "upload", "a.txt"),
        ("from_app", "api", "files.completeUploadExternal"),
        ("to_app", "event", "message"),
        ("from_app", "response_url", ""),
    ]
    assert [line["seq"] for line in lines] == list(range(1, 9))
    assert all(one["at"] <= other["at"] for one, other in itertools.pairwise(lines))
    assert lines[0]["answer"] == {"text": "noted"}
    assert (lines[1]["body"]["text"], lines[1]["answer"]["ok"]) == ("card", True)
    assert lines[-1]["body"] == {"text": "later"}
    assert {line["team"] for line in lines} == {"T0BOX0001"}
    ndjson = await scene.slack.transcript_lines()
    assert [json.loads(line) for line in ndjson.splitlines()] == lines
    assert BOT_TOKEN not in ndjson


async def test_a_scene_played_again_has_the_same_transcript(scene: Scene) -> None:
    def skeleton(lines: list[dict[str, Any]]) -> bytes:
        kept = ("seq", "team", "direction", "what", "name", "outcome", "retry")
        return json.dumps([{name: line[name] for name in kept} for line in lines]).encode()

    first = skeleton(await play(scene))
    await scene.slack.act("reset")
    assert skeleton(await play(scene)) == first
