"""Buttons and modals: a button carries the words it stands for, or the run to do again."""

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.run import Reply, Source
from bot.domain.timeline import Person
from bot.engine.admission import Command
from handlers.slack_desk import NOW, VIA, Asked, Desk, bare
from handlers.slack_forms import filled, first_block, form


async def take_press(desk: Desk, body: Mapping[str, Any]) -> Reply | None:
    """Do what a pressed button stands for; give what to say at once. A link's button asks for nothing."""
    action = body["actions"][0]
    if not action.get("value"):
        return None
    value = json.loads(action["value"])
    asked = _pressed(body, str(action["action_id"]))
    if "again" in value:
        return await desk.take_again(str(value["again"]), str(value["incident"]), asked)
    words = str(value["do"])
    verb, incident_id = bare(words)
    if verb:
        view = form(verb, asked.source, incident_id, desk.ports.catalog)
        return await desk.open_form(view, asked, "Start now" if verb == "start" else "")
    return await desk.take_words(words.removesuffix(NOW).strip(), asked)


async def take_form(desk: Desk, body: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a submitted modal asks for; give the acknowledgement: nothing closes it, errors keep it open."""
    view = body["view"]
    given = filled(view, VIA)
    command = Command(
        given.verb, given.params, _person(body), given.source, f"slack:view:{view['id']}", given.incident_id
    )
    try:
        await desk.admit(command)
    except (CommandRejected, StoreUnusable) as error:
        return {"response_action": "errors", "errors": {first_block(view): str(error)[:300]}}
    return {}


def _pressed(body: Mapping[str, Any], action_id: str) -> Asked:
    channel = body.get("channel") or {}
    container = body.get("container") or {}
    trigger_id = str(body["trigger_id"])
    source = Source(
        channel=str(channel.get("id") or container.get("channel_id") or ""),
        channel_name=str(channel.get("name") or ""),
        response_url=str(body.get("response_url") or ""),
        via=VIA,
    )
    return Asked(_person(body), source, f"slack:{trigger_id}:{action_id}", trigger_id)


def _person(body: Mapping[str, Any]) -> Person:
    user = body["user"]
    return Person(str(user["id"]), str(user.get("username") or user.get("name") or user["id"]))
