"""Slash commands: `/incident ...`, and the short forms that name a verb themselves, such as `/rollback`."""

from collections.abc import Mapping
from typing import Any

from bot.domain.run import Reply, Source
from bot.domain.timeline import Person
from handlers.slack_desk import VIA, Asked, Desk, team_of

_MAIN = "/incident"


async def take_command(desk: Desk, body: Mapping[str, Any]) -> Reply | None:
    """Do what was typed; give what to say at once."""
    return await desk.take_words(_words(body), _asked(body))


def _words(body: Mapping[str, Any]) -> str:
    """Give the words as if they followed `/incident`."""
    text, name = str(body.get("text") or ""), str(body["command"])
    return text if name == _MAIN else f"{name.removeprefix('/')} {text}".strip()


def _asked(body: Mapping[str, Any]) -> Asked:
    user = str(body["user_id"])
    trigger_id = str(body["trigger_id"])
    return Asked(
        actor=Person(user, str(body.get("user_name") or user)),
        source=Source(
            channel=str(body.get("channel_id") or ""),
            channel_name=str(body.get("channel_name") or ""),
            response_url=str(body.get("response_url") or ""),
            via=VIA,
            team=team_of(body),
        ),
        slot=f"slack:{trigger_id}",
        trigger_id=trigger_id,
    )
