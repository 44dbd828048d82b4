"""The entry of every message's menu: put this message on the timeline."""

from collections.abc import Mapping
from typing import Any

from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.run import VIA_SHORTCUT, Reply, Source
from bot.domain.timeline import Person
from bot.engine.admission import Command
from handlers.slack_desk import Desk, team_of
from handlers.slack_events import PICK


async def take_shortcut(desk: Desk, body: Mapping[str, Any]) -> None:
    """Admit what was picked; outside of an incident's channel the answer asks which one.

    The menu tells what the message says, for channels that the app is not in.
    """
    message, channel, user = body["message"], body["channel"], body["user"]
    params = {
        "channel": str(channel["id"]),
        "ts": str(message["ts"]),
        "author": str(message.get("user") or message.get("bot_id") or ""),
        "text": str(message.get("text") or ""),
    }
    source = Source(
        channel=str(channel["id"]),
        channel_name=str(channel.get("name") or ""),
        response_url=str(body.get("response_url") or ""),
        via=VIA_SHORTCUT,
        team=team_of(body),
    )
    person = Person(str(user["id"]), str(user.get("username") or user.get("name") or user["id"]))
    slot = f"slack:{body['trigger_id']}:{body['callback_id']}"
    try:
        await desk.admit(Command(PICK, params, person, source, slot))
    except (CommandRejected, StoreUnusable) as error:
        desk.slack.whisper(source, person, Reply(str(error)))
