"""Many incidents at once, or opened while Slack was away: how long until Slack shows them all, against its limits.

The floor for 50 incidents is two minutes: conversations.create, pins.add, conversations.setTopic and bookmarks.add
take 20 calls a minute each, and every incident needs one of each: 20 at once, 20 after a minute, 10 after two.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import load, quantile, scratch
from tests.bench.row import Row
from tests.integration.emulator_process import eventually
from tests.stack import Stack, running_stack

LONGEST_S = 420
SEVERITIES = ("sev4", "sev3", "sev4", "sev2", "sev1")
LOBBY = "incidents"


@dataclass(frozen=True)
class Storm:
    """Seconds from Slack's return, or from the first command, and what the workspace counted."""

    all_shown: float
    sev1: list[float]
    announced: list[float]
    refused: int
    doubled: int
    calls: Counter[str]


def run() -> Iterable[Row]:
    """Let Slack be away while incidents are opened, few and many; then open many while it is there."""
    few, away, burst = (asyncio.run(_measure(*sizes)) for sizes in ((5, True), (50, True), (50, False)))
    yield Row("5 incidents after an outage", few.all_shown, "s", at_most=30, notes=load())
    yield Row("50 incidents after an outage", away.all_shown, "s", at_most=240, notes=f"floor 120 s; {load()}")
    yield Row("50 incidents in a burst", burst.all_shown, "s", at_most=240, notes="of every five the last is SEV1")
    for name, storm in (("after an outage", away), ("in a burst", burst)):
        yield Row(f"SEV1's card {name}, p99", quantile(storm.sev1, 0.99), "s", notes=f"{len(storm.sev1)} SEV1 of 50")
        yield Row(f"last announcement {name}", max(storm.announced), "s", notes="one message a second and channel")
    storms = (few, away, burst)
    yield Row("calls answered 429", sum(storm.refused for storm in storms), at_most=0)
    yield Row("messages and channels doubled", sum(storm.doubled for storm in storms), at_most=0)
    used = ", ".join(f"{method} {times}" for method, times in away.calls.most_common())
    yield Row("calls for an incident", sum(away.calls.values()) / 50, notes=used)


async def _measure(count: int, away: bool) -> Storm:  # noqa: FBT001 - a size of the storm
    with scratch() as folder:
        async with running_stack(folder, config=[f'announcements = "#{LOBBY}"']) as stack:
            if away:
                await stack.slack.act("faults", method="*", mode="drop", times=1_000_000)
            await asyncio.sleep(3)  # one that has just begun looks first for what another has posted
            began = time.time()
            for number in range(count):
                await stack.type(f"/incident start {SEVERITIES[number % len(SEVERITIES)]} checkout storm {number}")
            await eventually(lambda: _opened(stack, count), 60)
            if away:
                await asyncio.sleep(10)
                await stack.slack.act("faults", clear=True)
                began = time.time()
            await eventually(lambda: _shown(stack, count), LONGEST_S)
            return await _storm(stack, began, time.time())


async def _opened(stack: Stack, count: int) -> bool:
    return len(await stack.listed("/api/v1/incidents")) == count


async def _shown(stack: Stack, count: int) -> bool:
    """Tell whether all is there; asked twice a second, which disturbs little."""
    await asyncio.sleep(0.5)
    channels, lines = await _channels(stack)
    whole = [one for one in channels if one["pins"] and one["bookmarks"] and _topic(one) and _card(one)]
    return len(whole) == len(channels) == count and sum("<#" in line["text"] for line in lines) == count


async def _channels(stack: Stack) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the incidents' channels, and the lines that announce them."""
    channels = await stack.incident_channels()
    lobby = await stack.slack.channel(LOBBY)
    return channels, [line for line in lobby["messages"] if "storm" in line["text"]]


async def _storm(stack: Stack, began: float, ended: float) -> Storm:
    channels, lines = await _channels(stack)
    calls = [call for call in (await stack.slack.read("calls"))["calls"] if call["at"] >= began]
    return Storm(
        ended - began,
        [float(_card(one)["ts"]) - began for one in channels if _topic(one).startswith("SEV1")],
        [float(line["ts"]) - began for line in lines],
        sum(call["outcome"] == "ratelimited" for call in calls),
        _doubled(channels, lines),
        Counter(call["method"] for call in calls if call["method"] != "auth.test"),
    )


def _doubled(channels: list[dict[str, Any]], lines: list[dict[str, Any]]) -> int:
    """Count what stands there more than once: cards, announcements, messages of one key."""
    keys = Counter(
        (one["id"], payload["key"])
        for one in channels
        for message in one["messages"]
        if (payload := (message.get("metadata") or {}).get("event_payload"))
    )
    names = Counter(line["metadata"]["event_payload"]["incident"] for line in lines)
    return sum(times - 1 for counted in (keys, names) for times in counted.values())


def _topic(channel: dict[str, Any]) -> str:
    return str((channel.get("topic") or {}).get("value", ""))


def _card(channel: dict[str, Any]) -> dict[str, Any]:
    return next((m for m in channel["messages"] if m.get("blocks") and m["blocks"][0]["type"] == "header"), {})
