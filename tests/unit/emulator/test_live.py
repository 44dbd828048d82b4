"""A page is told everything as it opens, and each change after it; none between is missed."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from bot.emulator.town import Town
from tests.unit.emulator.workspaces import ADA, SETTINGS


@asynccontextmanager
async def opened(town: Town) -> AsyncIterator[AsyncIterator[bytes]]:
    """Open a page on the first workspace; the town ends with it."""
    async with aclosing(town.first.live.stream()) as stream:
        await anext(stream)
        yield stream
    await town.close()


async def heard(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    note: dict[str, Any] = json.loads((await anext(stream)).removeprefix(b"data: "))
    return note


def named(note: dict[str, Any]) -> set[str]:
    return {channel["name"] for channel in note["channels"]}


async def test_what_happens_while_a_page_opens_is_told_after_everything() -> None:
    town = Town(SETTINGS)
    async with opened(town) as stream:
        town.first.workspace.create_channel("inc-1", ADA)
        everything, change = await heard(stream), await heard(stream)
    assert (everything["kind"], everything["other"]) == ("everything", False)
    assert "inc-1" not in named(everything)
    assert (change["kind"], change["channel"]["name"]) == ("channel", "inc-1")


async def test_an_open_page_goes_on_with_another_workspace() -> None:
    town = Town(SETTINGS)
    town.first.workspace.create_channel("inc-1", ADA)
    async with opened(town) as stream:
        before = await heard(stream)
        await town.reset()
        after = await heard(stream)
    assert (before["other"], after["other"]) == (False, True)
    assert "inc-1" in named(before)
    assert "inc-1" not in named(after)
