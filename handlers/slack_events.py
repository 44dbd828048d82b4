"""Events: marks on messages, marked messages that change, who is in a private channel, the Home tab, the app's end.

What people merely say is not looked at. An event is a hint: it makes a run that asks Slack what there is now. Nothing
that the app itself did is taken in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.domain.messages import plain_mark
from bot.domain.run import VIA_EVENT, Source
from bot.domain.timeline import FIRSTFIVE, Person
from bot.engine.admission import Command, answering
from handlers.slack_desk import Desk, team_of

log = structlog.get_logger()

Json = Mapping[str, Any]
PICK, PRESENCE = "pick", "presence"
_HOME = "app_home_opened"
_MEMBERS = {"member_joined_channel": False, "member_left_channel": True}
_PRIVATE = "G"
_LOOK_S = 0.6


@dataclass(frozen=True)
class _Hint:
    """Which message something was done to, and by whom; the chat does not tell who deleted one.

    `changed`: only a message that is on the timeline is worth a look.
    """

    channel: str
    ts: str
    person: Person = FIRSTFIVE
    changed: bool = False


async def take_event(desk: Desk, body: Json) -> None:
    """Take an event in.

    :raises StoreUnusable: it could not be kept; whoever delivers it must try again.
    """
    event, team = body.get("event") or {}, team_of(body)
    if _is_ours(body, event):
        if _brings_us_back(body, event):
            await _presence(desk, body, event, back=True)
        return
    if event.get("type") == _HOME:
        if event.get("tab") == "home":
            desk.slack.open_home(team, str(event["user"]))
        return
    if _takes_token_back(event):
        # Slack tells seconds: whatever was given within this one came before.
        await desk.slack.revoke(team, datetime.fromtimestamp(int(body["event_time"]) + 1, UTC))
        return
    if event.get("type") in _MEMBERS:
        if event.get("channel_type") == _PRIVATE:
            await _presence(desk, body, event)
        return
    hint = _hint(desk, event)
    if hint is not None:
        params = {"channel": hint.channel, "ts": hint.ts, "changed": hint.changed}
        await _admit(desk, body, (PICK, params, hint.person))


async def _presence(desk: Desk, body: Json, event: Json, *, back: bool = False) -> None:
    """Take in that somebody came, brought in by somebody, or went; Slack does not tell who took them out.

    `back`: that was ourselves, and nobody has told us who came and went meanwhile.
    """
    left, user = _MEMBERS[event["type"]], str(event["user"])
    by = str(event.get("inviter") or user)
    params = {"channel": str(event["channel"]), "person": user, "left": left, "back": back}
    await _admit(desk, body, (PRESENCE, params, FIRSTFIVE if left else Person(by, by)))


async def _admit(desk: Desk, body: Json, asked: tuple[str, Mapping[str, Any], Person]) -> None:
    """Have a playbook look at what happened in a channel, if that is an incident's."""
    ports, (playbook, params, person) = desk.ports, asked
    source = Source(channel=params["channel"], via=VIA_EVENT, team=team_of(body))
    async with answering(playbook, within_s=_LOOK_S):
        incident_id = await ports.store.read(lambda tx: ports.timeline.incident_of(tx, source.channel, source.team))
    if not incident_id:
        return
    slot = f"slack:event:{body['event_id']}"
    await desk.admit(Command(playbook, params, person, source, slot, incident_id))


def _takes_token_back(event: Json) -> bool:
    """Tell whether a workspace has removed the app, or revoked its token; tokens of people are none of ours."""
    tokens = event.get("tokens") or {}
    return event.get("type") == "app_uninstalled" or (event.get("type") == "tokens_revoked" and bool(tokens.get("bot")))


def _is_ours(body: Json, event: Json) -> bool:
    """Tell whether the app itself did this, or it is about what the app itself said.

    Every delivery names the users that the app is in the workspace, and the app.
    """
    ours = _ourselves(body)
    for said in _parties(event):
        if not ours.isdisjoint(map(said.get, ("user", "item_user", "inviter"))):
            return True
        if said.get("app_id") and said.get("app_id") == body.get("api_app_id"):
            return True
    return False


def _brings_us_back(body: Json, event: Json) -> bool:
    """Tell whether somebody else has brought the app into a private channel."""
    if event.get("type") != "member_joined_channel" or event.get("channel_type") != _PRIVATE:
        return False
    return event.get("user") in _ourselves(body) and event.get("inviter", "") not in {"", *_ourselves(body)}


def _ourselves(body: Json) -> set[str]:
    return {str(each.get("user_id")) for each in body.get("authorizations") or () if each.get("is_bot")}


def _parties(event: Json) -> Iterator[Json]:
    yield event
    for name in ("message", "previous_message", "item"):
        part = event.get(name)
        if isinstance(part, Mapping):
            yield from _parties(part)


def _hint(desk: Desk, event: Json) -> _Hint | None:
    """Give which message to look at; None for all that marks nothing."""
    rules, kind = desk.ports.catalog.marks, event.get("type")
    item = event.get("item") or {}
    if kind in {"reaction_added", "reaction_removed"}:
        wanted = item.get("type") == "message" and plain_mark(str(event.get("reaction"))) in rules.reactions
        return _marked(event, str(item["channel"]), str(item["ts"])) if wanted else None
    if kind in {"pin_added", "pin_removed"}:
        wanted = rules.pins and item.get("type") == "message"
        return _marked(event, str(event["channel_id"]), str(item["message"]["ts"])) if wanted else None
    if kind == "message" and event.get("subtype") == "message_changed":
        return replace(_marked(event["message"], str(event["channel"]), str(event["message"]["ts"])), changed=True)
    if kind == "message" and event.get("subtype") == "message_deleted":
        return _Hint(str(event["channel"]), str(event["deleted_ts"]), changed=True)
    return None


def _marked(who: Json, channel: str, ts: str) -> _Hint:
    user = str(who.get("user") or "")
    return _Hint(channel, ts, Person(user, user) if user else FIRSTFIVE)
