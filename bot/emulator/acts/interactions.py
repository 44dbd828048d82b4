"""Buttons, menus and shortcuts: pressed, delivered, acknowledged."""

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.emulator import choices
from bot.emulator.acts.payloads import interaction, place
from bot.emulator.block_kit.blocks import interactive_elements
from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.delivery import Answer
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json, Message
from bot.emulator.people import User
from bot.emulator.views import View

# What the client shows beside a button whose app did not acknowledge.
NO_ANSWER = "This app did not respond. Try again, or tell whoever runs it."


async def press(  # noqa: PLR0913 - who, where, what and how are all different things
    box: Box,
    user: User,
    channel: Channel,
    message: Message,
    target: tuple[str, str],
    *,
    chosen: choices.Chosen = None,
    state: Mapping[str, Any] | None = None,
    times: int = 1,
) -> Json:
    """Use an element of a message; `target` is (block_id or empty, action_id)."""
    block_id, element = find(message.blocks, *target)
    where = place(channel)
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = bool(message.visible_to)
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = {
        **interaction(box, "block_actions", user),
        "container": container,
        "trigger_id": box.triggers.issue(user.id),
        "channel": where,
        "state": {"values": choices.state_of(message.blocks, state or {})},
        "response_url": box.response_urls.issue(channel.id, user.id, message.ts),
        "actions": [_action(box, element, block_id, chosen)],
    }
    if not message.visible_to:
        payload["message"] = message.payload(box.settings.team_id, metadata=True)
    answers = await asyncio.gather(*(box.courier.deliver("interactive", payload) for _ in range(times)))
    return acknowledged(answers[-1])


async def press_in_view(  # noqa: PLR0913 - as above
    box: Box,
    user: User,
    view: View,
    target: tuple[str, str],
    *,
    chosen: choices.Chosen = None,
    state: Mapping[str, Any] | None = None,
) -> Json:
    """Use an element of a modal or Home tab."""
    block_id, element = find(view.body["blocks"], *target)
    view.state = choices.state_of(view.body["blocks"], state or {})
    payload = {
        **interaction(box, "block_actions", user),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": box.triggers.issue(user.id, view.id),
        "view": box.view_payload(view),
        "actions": [_action(box, element, block_id, chosen)],
    }
    return acknowledged(await box.courier.deliver("interactive", payload))


async def shortcut(box: Box, user: User, channel: Channel, message: Message, callback_id: str) -> Json:
    """Pick a shortcut from a message's menu."""
    if not box.may("commands") or callback_id not in {known.callback_id for known in box.settings.shortcuts}:
        raise SlackError("unknown_shortcut")
    payload = {
        **interaction(box, "message_action", user),
        "callback_id": callback_id,
        "action_ts": box.ids.timestamp(box.clock.now()),
        "trigger_id": box.triggers.issue(user.id),
        "response_url": box.response_urls.issue(channel.id, user.id, message.ts),
        "message_ts": message.ts,
        "channel": place(channel),
        "message": message.payload(box.settings.team_id),
    }
    return acknowledged(await box.courier.deliver("interactive", payload))


def find(blocks: list[Json], block_id: str, action_id: str) -> tuple[str, Json]:
    """Find an element by its action id; in any block when none is named, or the named one was replaced meanwhile."""
    named = [block for block in blocks if block["block_id"] == block_id] or blocks
    for block in named:
        for element in interactive_elements(block):
            if element.get("action_id") == action_id:
                return block["block_id"], element
    raise SlackError("no_such_action", [f"no element with action_id {action_id} here"])


def acknowledged(answer: Answer) -> Json:
    """Render how the delivery went, for the page and for tests."""
    if answer.failure:
        return {"ok": False, "failure": NO_ANSWER, "error": answer.words}
    return {"ok": True}


def _action(box: Box, element: Json, block_id: str, chosen: choices.Chosen) -> Json:
    return choices.action(element, block_id, chosen, box.ids.timestamp(box.clock.now()))
