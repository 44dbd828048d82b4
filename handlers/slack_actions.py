"""Buttons and modals: a button carries the words it stands for, or the run to do again."""

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.errors import CommandRejected, ParamRejected, StoreUnusable
from bot.domain.run import Reply, Source
from bot.domain.timeline import Person
from bot.engine.admission import Command
from bot.engine.grammar import flaws
from handlers.slack_desk import VIA, Asked, Desk
from handlers.slack_forms import filled, refusal


async def take_press(desk: Desk, body: Mapping[str, Any]) -> Reply | None:
    """Do what a pressed button stands for; give what to say at once. A link's button asks for nothing."""
    action = body["actions"][0]
    if not action.get("value"):
        return None
    value = json.loads(action["value"])
    asked = _pressed(body, str(action["action_id"]))
    if "again" in value:
        return await desk.take_again(str(value["again"]), str(value["incident"]), asked)
    return await desk.take_words(str(value["do"]), asked)


async def take_form(desk: Desk, body: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a submitted modal asks for; give the acknowledgement: nothing closes it, errors keep it open."""
    view = body["view"]
    given = filled(view, VIA)
    playbook = desk.registry.get(given.verb)
    wrong = flaws(playbook, given.params, desk.ports.catalog, desk.ports.clock.now()) if playbook else {}
    if wrong:
        return refusal(view, wrong)
    command = Command(
        given.verb, given.params, _person(body), given.source, f"slack:view:{view['id']}", given.incident_id
    )
    try:
        await desk.admit(command)
    except ParamRejected as rejected:
        return refusal(view, {rejected.param: str(rejected)})
    except (CommandRejected, StoreUnusable) as error:
        return refusal(view, {"": str(error)})
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
