"""Whether the app may do this in this channel."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError, missing_argument
from bot.emulator.messages import Json, Message


def channel_of(box: Box, args: Arguments, name: str = "channel") -> Channel:
    """Find the channel a call names."""
    return box.workspace.channel(args.required(name))


def joined_channel(box: Box, args: Arguments, name: str = "channel") -> Channel:
    """Find a channel the app is in."""
    channel = channel_of(box, args, name)
    if box.workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel" if channel.kind == "public" else "channel_not_found")
    return channel


def open_channel(box: Box, args: Arguments, name: str = "channel") -> Channel:
    """Find a channel the app is in and which is not archived; of archived ones the app was put out."""
    channel = channel_of(box, args, name)
    if channel.is_archived and channel.kind == "public":
        raise SlackError("is_archived")
    return joined_channel(box, args, name)


def message_of(box: Box, args: Arguments, channel: Channel, name: str = "timestamp") -> Message:
    """Find the message a call names."""
    if not args.given(name):
        raise missing_argument(name)
    return box.workspace.message(channel, args.required(name))


def page_of(items: list[Json], args: Arguments, most: int = 1000) -> tuple[list[Json], Json]:
    """Cut one page out of a list; the cursor is the place to go on from."""
    limit = min(max(args.number("limit", 100), 1), most)
    try:
        start = int(args.text("cursor") or "0")
    except ValueError:
        raise SlackError("invalid_cursor") from None
    following = str(start + limit) if start + limit < len(items) else ""
    return items[start : start + limit], {"response_metadata": {"next_cursor": following}}
