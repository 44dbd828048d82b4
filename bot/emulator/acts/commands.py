"""Slash commands: Slack's own for who is in a channel, and the app's: typed, delivered, answered."""

import asyncio
import re

from bot.emulator.acts.payloads import NO_TOKEN, place
from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.delivery import Answer
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.people import User
from bot.emulator.typed_text import as_sent

_OWN = {"/invite", "/leave", "/remove"}
_MENTION = re.compile(r"<@(\w+)")


async def command(box: Box, user: User, channel: Channel, line: str, times: int = 1) -> Json:
    """Send a command line like a person; `times` deliveries of the very same payload."""
    name, _, text = line.strip().partition(" ")
    if name in _OWN:
        return _move(box, user, channel, name, as_sent(text, box.workspace))
    if not box.may("commands") or name not in {known.name for known in box.settings.commands}:
        _whisper(box, channel, user, f"`{as_sent(name, box.workspace)}` is not a valid command.")
        return {"ok": False, "failure": "invalid_command"}
    payload = _payload(box, user, channel, name, text.strip())
    answers = await asyncio.gather(*(box.courier.deliver("slash_commands", payload) for _ in range(times)))
    for answer in answers:
        _show(box, channel, user, name, answer)
    failures = [answer.words if answer.failure else "" for answer in answers]
    return {"ok": not any(failures), "failures": failures, "trigger_id": payload["trigger_id"]}


def _move(box: Box, user: User, channel: Channel, name: str, text: str) -> Json:
    """Bring people into a channel, take them out, or leave it: Slack's own commands."""
    named = [user.id] if name == "/leave" else _MENTION.findall(text)
    known = [each for each in named if each in box.workspace.users]
    if channel.is_direct or user.id not in channel.members or not known:
        _whisper(box, channel, user, f"`{name}` needs a channel that you are in, and people of this workspace.")
        return {"ok": False, "failure": "invalid_command"}
    for each in known:
        if name == "/invite":
            box.workspace.join(channel, each, user.id)
        else:
            box.workspace.leave(channel, each)
    return {"ok": True}


def _payload(box: Box, user: User, channel: Channel, name: str, text: str) -> Json:
    where = place(channel)
    return {
        "token": NO_TOKEN,
        "team_id": box.settings.team_id,
        "team_domain": box.settings.team_domain,
        "channel_id": where["id"],
        "channel_name": where["name"],
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": as_sent(text, box.workspace, labels=True),
        "api_app_id": box.settings.app_id,
        "is_enterprise_install": "false",
        "response_url": box.response_urls.issue(channel.id, user.id),
        "trigger_id": box.triggers.issue(user.id),
    }


def _show(box: Box, channel: Channel, user: User, name: str, answer: Answer) -> None:
    if answer.failure:
        _whisper(box, channel, user, f'{name} failed with the error "{answer.words}"')
    elif answer.body:
        try:
            box.response_urls.answer(channel.id, user.id, answer.body)
        except SlackError as error:
            _whisper(box, channel, user, f'{name} failed with the error "{error.error}"')


def _whisper(box: Box, channel: Channel, user: User, text: str) -> None:
    box.workspace.show_ephemeral(channel, user.id, text, username="Slackbot")
