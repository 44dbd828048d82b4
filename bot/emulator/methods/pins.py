"""pins.*: what stays on top of a channel."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.access import joined_channel, message_of, open_channel
from bot.emulator.methods.needs import needs

MOST_PINS = 100


def add(box: Box, args: Arguments) -> Json:
    """Pin a message."""
    channel = open_channel(box, args)
    message = message_of(box, args, channel)
    if len(channel.pinned()) >= MOST_PINS:
        raise SlackError("too_many_pins")
    box.workspace.pin(channel, message, box.workspace.bot.id)
    return {}


def remove(box: Box, args: Arguments) -> Json:
    """Take a pin off."""
    channel = joined_channel(box, args)
    box.workspace.unpin(channel, message_of(box, args, channel), box.workspace.bot.id)
    return {}


def list_(box: Box, args: Arguments) -> Json:
    """List the pinned messages, the latest pin first."""
    channel = joined_channel(box, args)
    items = []
    for message in channel.pinned():
        pinned = message.pinned or {}
        item = {"type": "message", "channel": channel.id, "message": message.payload(box.settings.team_id)}
        items.append({**item, "created": pinned["pinned_ts"], "created_by": pinned["pinned_by"]})
    return {"items": items}


METHODS = {
    "pins.add": Method(add, needs("pins:write")),
    "pins.remove": Method(remove, needs("pins:write")),
    "pins.list": Method(list_, needs("pins:read"), takes_json=False),
}
