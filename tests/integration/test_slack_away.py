"""While Slack is away an incident is worked on from its start to its postmortem elsewhere; then Slack catches up."""

from pathlib import Path
from typing import Any

import aiohttp

from tests.integration.emulator_process import eventually
from tests.samples import BOTS
from tests.stack import Stack, running_stack

pytestmark = BOTS

LOBBY = "incidents"
# What the channel is told below and beside the card, each once.
TOLD = ("seen at the router", "Rolling back.", "*mitigated*", "*resolved*", "*commander*")


async def test_the_whole_of_an_incident_without_slack(tmp_path: Path) -> None:
    async with running_stack(tmp_path, config=[f'announcements = "#{LOBBY}"']) as stack:
        await stack.slack.act("faults", method="*", mode="drop", times=1_000_000)
        await _cli(stack, "start", "severity=SEV1", "service=checkout", "title=5xx after deploy")
        for words in (
            "note seen at the router",
            "role commander me",
            "update Rolling back.",
            "mitigate",
            "resolve deploy taken back",
        ):
            await _command(stack, words)
        await _cli(stack, "postmortem", "incident=INC-1")
        page = await _page(stack, "/incidents/INC-1")
        assert "resolved" in page
        assert "seen at the router" in page
        assert "deploy taken back" in await _page(stack, "/incidents/INC-1/postmortem")
        assert await stack.incident_channels() == []
        await stack.slack.act("faults", clear=True)
        channel = await eventually(lambda: _caught_up(stack), 30)
        assert channel["topic"]["value"].startswith("SEV1 resolved")
        said = [message["text"] for message in channel["messages"]]
        assert [sum(text.count(words) for text in said) for words in TOLD] == [1] * len(TOLD), said
        lines = await eventually(lambda: _announced(stack, channel["id"]))
        assert [line.partition("*")[2].partition("*")[0] for line in lines] == ["SEV1 resolved"]


async def _cli(stack: Stack, *words: str) -> None:
    code, _, problem = await stack.run_cli("run", *words)
    assert code == 0, problem


async def _command(stack: Stack, words: str) -> None:
    """Send what one would type; wait for its end."""
    async with aiohttp.ClientSession() as session:
        body = {"text": words, "incident": "INC-1"}
        async with session.post(f"{stack.bot.url}/api/v1/commands", json=body) as answer:
            admitted = await answer.json()
            assert answer.status == 202, admitted
    await eventually(lambda: _is_done(stack, admitted["url"]), 20)


async def _is_done(stack: Stack, url: str) -> bool:
    return bool((await stack.get(url))["status"] == "done")


async def _page(stack: Stack, path: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{stack.bot.url}{path}") as answer:
        assert answer.status == 200
        return await answer.text()


async def _announced(stack: Stack, channel_id: str) -> list[str]:
    """Give the lines of the announcements channel once they name the incident's own; what stands below them is none."""
    messages = (await stack.slack.channel(LOBBY))["messages"]
    lines = [m["text"] for m in messages if m.get("metadata") and m.get("thread_ts") in {None, "", m["ts"]}]
    return lines if f"<#{channel_id}>" in "".join(lines) else []


async def _caught_up(stack: Stack) -> dict[str, Any]:
    """Give the channel once its card is pinned and the postmortem, which is told last, is in it."""
    for channel in await stack.incident_channels():
        files = [file["name"] for message in channel["messages"] for file in message.get("files", ())]
        if channel["pins"] and channel["bookmarks"] and any("postmortem" in name for name in files):
            return channel
    return {}
