"""reactions.*: emoji on messages."""

import re

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.access import channel_of, joined_channel, message_of, open_channel
from bot.emulator.methods.needs import needs


def add(box: Box, args: Arguments) -> Json:
    """React to a message."""
    name = _name(args)
    message = message_of(box, args, open_channel(box, args))
    box.workspace.react(message, box.workspace.bot.id, name)
    return {}


def remove(box: Box, args: Arguments) -> Json:
    """Take a reaction back."""
    name = _name(args)
    message = message_of(box, args, joined_channel(box, args))
    box.workspace.unreact(message, box.workspace.bot.id, name)
    return {}


def get(box: Box, args: Arguments) -> Json:
    """List the reactions to a message."""
    channel = channel_of(box, args)
    message = message_of(box, args, channel)
    return {"type": "message", "channel": channel.id, "message": message.payload(box.settings.team_id)}


def _name(args: Arguments) -> str:
    name = args.required("name").strip(":")
    if not re.fullmatch(r"[\w+'-]+(::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    return name


METHODS = {
    "reactions.add": Method(add, needs("reactions:write")),
    "reactions.remove": Method(remove, needs("reactions:write")),
    "reactions.get": Method(get, needs("reactions:read"), takes_json=False),
}
