"""Slack delivers twice, in another order, late, or again after a crash: the timeline is the same in the end."""

import asyncio
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.emulator_process import ADA, BEN, eventually
from tests.stack import Stack, running_stack

UNFINISHED = "SELECT count(*) FROM run WHERE playbook IN ('note', 'ack', 'pick') AND status IN ('queued', 'running')"
TOLD = {"note", "milestone", "role set", "message", "message edited", "message removed"}
WHAT = {"command": "command", "press": "interactive", "view": "interactive", "event": "event"}
KIND = {"command": "slash_commands", "interactive": "interactive", "event": "events_api"}
WITHIN_S = 15.0

Line = tuple[str, str, str]
NOTED: Line = ("note", "Ada Okafor", "it is the cache")
WANTED: list[Line] = [
    NOTED,
    NOTED,
    ("milestone", "Ben Lindqvist", "acknowledged"),
    ("role set", "Ben Lindqvist", "commander"),
    ("message", "Ben Lindqvist", "it is the cache"),
]


@dataclass
class Room:
    """An incident's channel, and people who do things there that Slack tells the bot of."""

    stack: Stack
    channel: str
    card: dict[str, Any]
    said: str = ""

    async def do(self, what: str) -> None:
        await DOINGS[what](self)

    async def do_spoiled(self, what: str, mode: str, **more: Any) -> None:
        """Do one thing that Slack does not manage to tell as it should."""
        # Other events happen besides, and are spoiled too.
        await self.spoil(KIND[WHAT[what]], mode, times=5 if what == "event" else 1, **more)
        await self.do(what)
        await eventually(partial(self.told, what), WITHIN_S)
        await self.unspoil()

    async def type(self, text: str) -> None:
        await self.stack.type(f"/incident {text}", channel=self.channel)

    async def typed(self, text: str) -> dict[str, Any]:
        """Give what Slack would send for a command, which nobody sent yet."""
        await self.spoil("slash_commands", "drop")
        await self.type(text)
        return next(each for each in await self.told("command") if each["text"] == text)

    async def press(self) -> None:
        rows = [block for block in self.card["blocks"] if block["type"] == "actions"]
        button = next(one for row in rows for one in row["elements"] if one["text"]["text"] == "Acknowledge")
        where = {"channel": self.channel, "message_ts": self.card["ts"], "action_id": button["action_id"]}
        await self.stack.slack.act("action", user=BEN, **where)

    async def submit(self) -> None:
        await self.stack.slack.act("submit", user=ADA, values={"text": {"text": "it is the cache"}})

    async def mark(self) -> None:
        await self.stack.slack.act("reaction", user=ADA, name="stopwatch", channel=self.channel, message_ts=self.said)

    async def prepare(self) -> None:
        """Do what must be there before: a message, and an open form."""
        said = await self.stack.slack.act("message", user=BEN, channel=self.channel, text="it is the cache")
        self.said = said["ts"]
        await self.type("note")

    async def spoil(self, kind: str, mode: str, **more: Any) -> None:
        assert (await self.stack.slack.act("deliveries-faults", kind=kind, mode=mode, **more))["ok"]

    async def unspoil(self) -> None:
        await self.stack.slack.act("deliveries-faults", clear=True)

    async def told(self, what: str) -> list[dict[str, Any]]:
        """Give the payloads that told of such a doing, delivered and over."""
        lines = [line for line in await self.stack.slack.transcript() if line["what"] == WHAT[what]]
        return [line["body"] for line in lines if line["ms"] is not None and about(line["body"]) == what]

    async def again(self, what: str) -> None:
        """Deliver all that was delivered of a kind once more, signed anew, until it is acknowledged."""

        async def taken(payload: dict[str, Any]) -> bool:
            answer = await self.stack.slack.act("deliver", kind=KIND[WHAT[what]], payload=payload)
            return not answer["failure"]

        for payload in await eventually(partial(self.told, what), WITHIN_S):
            await eventually(partial(taken, payload), WITHIN_S)

    async def has(self, wanted: list[Line]) -> None:
        """Wait until the timeline tells this; when nothing is under way any more, it must tell nothing else."""

        async def look() -> bool:
            return not Counter(wanted) - Counter(await self.lines())

        await eventually(look, WITHIN_S)
        await eventually(self.idle, WITHIN_S)
        assert sorted(await self.lines()) == sorted(wanted)

    async def lines(self) -> list[Line]:
        entries = await self.stack.listed("/api/v1/incidents/INC-1/entries")
        return [line(entry) for entry in entries if entry["kind"] in TOLD]

    async def idle(self) -> bool:
        with closing(sqlite3.connect(f"file:{self.stack.folder / 'firstfive.db'}?mode=ro", uri=True)) as connection:
            (unfinished,) = connection.execute(UNFINISHED).fetchone()
        return not unfinished


DOINGS: dict[str, Callable[[Room], Awaitable[None]]] = {
    "command": lambda room: room.type("note it is the cache"),
    "press": Room.press,
    "view": Room.submit,
    "event": Room.mark,
}


def about(payload: dict[str, Any]) -> str:
    """Tell which of our doings a payload tells of."""
    if "command" in payload:
        return "command" if payload["text"] != "note" else ""
    told = payload["event"]["type"] if "event" in payload else payload["type"]
    return {"block_actions": "press", "view_submission": "view", "reaction_added": "event"}.get(told, "")


def line(entry: dict[str, Any]) -> Line:
    body = entry["body"]
    return entry["kind"], entry["who"], str(body.get("text") or body.get("milestone") or body.get("role") or "")


@asynccontextmanager
async def room_of(folder: Path, transport: str) -> AsyncIterator[Room]:
    options = ["--socket-mode"] if transport == "socket" else []
    async with running_stack(folder, emulator_options=options) as stack:

        async def connected() -> bool:
            return transport == "http" or bool((await stack.slack.read("state"))["socket_connections"])

        await eventually(connected, WITHIN_S)
        await stack.type("/incident start checkout 5xx")

        async def opened() -> Room | None:
            for channel in await stack.incident_channels():
                for message in channel["messages"]:
                    if message["ts"] in channel["pins"]:
                        return Room(stack, str(channel["id"]), message)
            return None

        room = await eventually(opened, WITHIN_S)
        assert room is not None
        yield room


async def duplicate(room: Room) -> None:
    for what in DOINGS:
        await room.do_spoiled(what, "duplicate", copies=3)


async def out_of_order(room: Room) -> None:
    await room.spoil("*", "reorder", times=3)
    await asyncio.gather(*map(room.do, DOINGS))


async def late(room: Room) -> None:
    await room.spoil("*", "late", times=20, delay_s=600)
    doing = asyncio.gather(*map(room.do, DOINGS))

    async def came() -> bool:
        await room.stack.slack.act("clock", advance_s=601)
        return doing.done() and all([await room.told(what) for what in DOINGS])

    await eventually(came, WITHIN_S)
    await doing
    await room.unspoil()


async def unanswered(room: Room) -> None:
    for what in DOINGS:
        await room.do_spoiled(what, "answer_lost")
        await room.again(what)


async def after_a_crash(room: Room) -> None:
    for what in DOINGS:
        await room.do_spoiled(what, "answer_lost")
    await room.stack.bot.end(signal.SIGKILL)
    await room.stack.bot.start()
    for what in DOINGS:
        await room.again(what)


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("transport", ["http", "socket"])
@pytest.mark.parametrize("deliver", [duplicate, out_of_order, late, unanswered, after_a_crash])
async def test_the_timeline_is_the_same_in_the_end(
    tmp_path: Path, deliver: Callable[[Room], Awaitable[None]], transport: str
) -> None:
    async with room_of(tmp_path, transport) as room:
        before = await room.lines()
        await room.prepare()
        await deliver(room)
        await room.has([*before, *WANTED])


async def test_the_same_bytes_are_one_run_and_later_none(tmp_path: Path) -> None:
    async with room_of(tmp_path, "http") as room:
        before = await room.lines()
        body = urlencode(await room.typed("note it is the cache")).encode()
        for age_s, status in ((0, 200), (0, 200), (200, 200), (301, 401), (-330, 401)):
            assert await posted(room, body, age_s) == status
        await room.has([*before, NOTED])


async def posted(room: Room, body: bytes, age_s: int) -> int:
    sent = {"raw": body.decode(), "age_s": age_s, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    return int((await room.stack.slack.act("deliver", **sent))["status"])
