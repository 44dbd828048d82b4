"""Buttons and modals: a button carries the words it stands for, or the run to do again."""

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.errors import CommandRejected, ParamRejected, StoreUnusable
from bot.domain.run import Reply, Source
from bot.domain.timeline import Person
from bot.engine.admission import Command
from bot.engine.grammar import flaws
from handlers.slack_desk import VIA, Asked, Desk, team_of
from handlers.slack_forms import filled, refusal

_OUTDATED = "This button is from another release of FirstFive, which does not know what it means."


async def take_press(desk: Desk, body: Mapping[str, Any]) -> None:
    """Do what a pressed button stands for, and tell who pressed what there is to say at once."""
    action = body["actions"][0]
    value = action.get("value") or (action.get("selected_option") or {}).get("value")
    if not value:
        # A link's button asks for nothing.
        return
    asked = _pressed(body, str(action["action_id"]))
    reply = await _do(desk, _meaning(str(value)), asked)
    if reply is not None:
        desk.slack.whisper(asked.source, asked.actor, reply)


def tell_presser(desk: Desk, body: Mapping[str, Any], reply: Reply) -> None:
    """Tell whoever pressed a button, and nobody else."""
    desk.slack.whisper(_source(body), _person(body), reply)


async def _do(desk: Desk, meant: Mapping[str, str], asked: Asked) -> Reply | None:
    if "again" in meant and "incident" in meant:
        return await desk.take_again(meant["again"], meant["incident"], asked)
    words = meant.get("do", "").strip()
    verb = words.partition(" ")[0]
    if not verb:
        return Reply(_OUTDATED)
    if verb not in desk.registry:
        return Reply(f"{_OUTDATED} It asks for `{verb}`; `/incident help` shows what there is.")
    return await desk.take_words(words, asked)


def _meaning(value: str) -> dict[str, str]:
    """Read what a button carries; nothing when it is none of ours."""
    try:
        meant = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return {name: each for name, each in meant.items() if isinstance(each, str)} if isinstance(meant, dict) else {}


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
    trigger_id = str(body["trigger_id"])
    return Asked(_person(body), _source(body), f"slack:{trigger_id}:{action_id}", trigger_id)


def _source(body: Mapping[str, Any]) -> Source:
    channel = body.get("channel") or {}
    container = body.get("container") or {}
    return Source(
        channel=str(channel.get("id") or container.get("channel_id") or ""),
        channel_name=str(channel.get("name") or ""),
        response_url=str(body.get("response_url") or ""),
        via=VIA,
        team=team_of(body),
    )


def _person(body: Mapping[str, Any]) -> Person:
    user = body["user"]
    return Person(str(user["id"]), str(user.get("username") or user.get("name") or user["id"]))
