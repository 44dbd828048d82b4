"""conversations.setTopic and its like: what a channel is about, called, and whether it is over."""

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.channels import name_problem
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.methods import Method
from bot.emulator.methods.access import channel_of, joined_channel, open_channel
from bot.emulator.methods.needs import MANAGE, managing
from bot.emulator.workspace import Change

LONGEST_NOTE = 250
_TOPIC = {
    "public": "channels:manage|channels:write.topic",
    "private": "groups:write|groups:write.topic",
    "im": "im:write|im:write.topic",
    "mpim": "mpim:write|mpim:write.topic",
}


def set_topic(box: Box, args: Arguments) -> Json:
    """Set what a channel is about now."""
    channel = open_channel(box, args)
    if len(args.text("topic")) > LONGEST_NOTE:
        raise SlackError("too_long")
    channel.topic = args.text("topic")
    box.workspace.tell(Change("channel", channel))
    return {"topic": channel.topic, "channel": channel.payload(box.workspace.bot.id)}


def set_purpose(box: Box, args: Arguments) -> Json:
    """Set what a channel is for."""
    channel = open_channel(box, args)
    if len(args.text("purpose")) > LONGEST_NOTE:
        raise SlackError("too_long")
    channel.purpose = args.text("purpose")
    box.workspace.tell(Change("channel", channel))
    return {"purpose": channel.purpose, "channel": channel.payload(box.workspace.bot.id)}


def archive(box: Box, args: Arguments) -> Json:
    """Close a channel for good, or until a person opens it again."""
    channel = joined_channel(box, args)
    if channel.is_archived:
        raise SlackError("already_archived")
    if channel.name == "general":
        raise SlackError("cant_archive_general")
    box.workspace.archive(channel, box.workspace.bot.id)
    return {}


def unarchive(box: Box, args: Arguments) -> Json:
    """Refuse: a bot was put out of an archived channel and cannot come back (Slack's own docs; slack-go 1066)."""
    if not channel_of(box, args).is_archived:
        raise SlackError("not_archived")
    raise SlackError("not_in_channel")


def rename(box: Box, args: Arguments) -> Json:
    """Give a channel another name."""
    channel = open_channel(box, args)
    name = args.text("name").strip()
    if problem := name_problem(name):
        raise SlackError(problem)
    if box.workspace.channel_named(name) not in (None, channel):
        raise SlackError("name_taken")
    channel.name = name
    box.workspace.tell(Change("channel_rename", channel, user=box.workspace.bot.id))
    return {"channel": channel.payload(box.workspace.bot.id)}


METHODS = {
    "conversations.setTopic": Method(set_topic, managing(_TOPIC)),
    "conversations.setPurpose": Method(set_purpose, managing(_TOPIC)),
    "conversations.archive": Method(archive, managing(MANAGE)),
    "conversations.unarchive": Method(unarchive, managing(MANAGE)),
    "conversations.rename": Method(rename, managing(MANAGE)),
}
