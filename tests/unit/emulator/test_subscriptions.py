"""The app hears of what it has subscribed to, has the scope for, and is there to see."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.emulator.box import Box
from bot.emulator.delivery import Answer, Kind, Retry
from bot.emulator.events import Events
from bot.emulator.scopes import EVENTS, SCOPES
from bot.emulator.town import Town
from tests.unit.emulator.workspaces import ADA, BEN, SETTINGS


async def told(act: Callable[[Box], Any], events: str = "", scopes: str = "") -> list[str]:
    """Do something in a workspace; give the types of the events that came of it."""
    settings = replace(SETTINGS, events=tuple(events.split()) or tuple(EVENTS), scopes=tuple(scopes.split()) or SCOPES)
    heard: list[str] = []

    async def deliver(_kind: Kind, payload: dict[str, Any], _retry: Retry | None) -> Answer:
        heard.append(payload["event"]["type"])
        return Answer()

    box = Town(settings).first
    box.workspace.create_channel("secret", box.workspace.bot.id, private=True)
    events_ = Events(settings, box.workspace, box.clock, deliver, box.common.grants)
    box.workspace.listeners[:] = [events_.hear]
    act(box)
    await asyncio.sleep(0)
    return heard


def said(channel: str) -> Callable[[Box], Any]:
    def act(box: Box) -> None:
        found = box.workspace.channel_named(channel)
        assert found is not None
        box.workspace.react(box.workspace.post(found, ADA, "x"), BEN, "eyes")

    return act


def closed(channel: str, how: str) -> Callable[[Box], Any]:
    def act(box: Box) -> None:
        found = box.workspace.channel_named(channel)
        assert found is not None
        getattr(box.workspace, how)(found, ADA)

    return act


@pytest.mark.parametrize(
    ("channel", "events", "scopes", "heard"),
    [
        ("general", "", "", ["message", "reaction_added"]),
        ("general", "reaction_added", "", ["reaction_added"]),
        ("general", "message.groups", "", []),
        ("secret", "message.groups", "", ["message"]),
        ("general", "", "channels:history", ["message"]),
        ("secret", "", "channels:history", []),
        ("random", "", "", []),
    ],
)
async def test_only_what_it_asked_for_and_may_see(channel: str, events: str, scopes: str, heard: list[str]) -> None:
    assert await told(said(channel), events, scopes) == heard


@pytest.mark.parametrize(
    ("channel", "how", "heard"),
    [
        ("general", "archive", "channel_archive"),
        ("secret", "archive", "group_archive"),
        ("general", "drop_channel", "channel_deleted"),
        ("secret", "drop_channel", "group_deleted"),
        ("random", "archive", "channel_archive"),
    ],
)
async def test_a_channels_end_is_told(channel: str, how: str, heard: str) -> None:
    assert await told(closed(channel, how)) == [heard]


async def test_being_put_out_of_a_channel_is_told_and_nothing_after_it() -> None:
    def act(box: Box) -> None:
        found = box.workspace.channel_named("general")
        assert found is not None
        box.workspace.leave(found, box.workspace.bot.id)
        box.workspace.post(found, ADA, "behind its back")

    assert await told(act) == ["member_left_channel"]


@pytest.mark.parametrize(
    ("channel", "scopes", "heard"),
    [
        ("general", "channels:read", ["member_left_channel"]),
        ("secret", "channels:read", []),
        ("secret", "groups:read", ["member_left_channel"]),
    ],
)
async def test_members_of_private_channels_need_the_scope_for_those(
    channel: str, scopes: str, heard: list[str]
) -> None:
    def act(box: Box) -> None:
        found = box.workspace.channel_named(channel)
        assert found is not None
        box.workspace.leave(found, box.workspace.bot.id)

    assert await told(act, scopes=scopes) == heard
