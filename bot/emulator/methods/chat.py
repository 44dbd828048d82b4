"""chat.*: messages of the app."""

from typing import Any

from bot.emulator.accepted import accepted_blocks
from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError
from bot.emulator.messages import Json
from bot.emulator.methods import Method, Needs
from bot.emulator.methods.access import channel_of, joined_channel, message_of, open_channel
from bot.emulator.methods.needs import needs

LONGEST_POST = 40_000
LONGEST_UPDATE = 4_000


def post_message(box: Box, args: Arguments) -> Json:
    """Post into a channel, a thread, or somebody's direct messages."""
    channel = _destination(box, args)
    fields = _content(box, args)
    thread = args.text("thread_ts")
    if thread and thread not in channel.messages:
        raise SlackError("thread_not_found")
    text = fields.pop("text")[:LONGEST_POST]
    if username := args.text("username"):
        fields["username"] = username
    if metadata := args.structure("metadata", "invalid_metadata_format"):
        fields["metadata"] = metadata
    message = box.workspace.post(channel, box.workspace.bot.id, text, **fields, **_author(box), thread_ts=thread)
    return {"channel": channel.id, "ts": message.ts, "message": message.payload(box.settings.team_id, metadata=True)}


def update(box: Box, args: Arguments) -> Json:
    """Change a message of the app; blocks that are not sent again are lost, as in Slack."""
    channel = open_channel(box, args)
    message = message_of(box, args, channel, "ts")
    if message.user != box.workspace.bot.id:
        raise SlackError("cant_update_message")
    fields = _content(box, args)
    if len(fields["text"]) > LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    if metadata := args.structure("metadata", "invalid_metadata_format"):
        fields["metadata"] = metadata
    box.workspace.edit(channel, message, box.workspace.bot.id, **fields)
    payload = message.payload(box.settings.team_id, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": payload}


def delete(box: Box, args: Arguments) -> Json:
    """Delete a message of the app."""
    channel = joined_channel(box, args)
    message = message_of(box, args, channel, "ts")
    if message.user != box.workspace.bot.id:
        raise SlackError("cant_delete_message")
    box.workspace.delete(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(box: Box, args: Arguments) -> Json:
    """Show one person a message."""
    channel = open_channel(box, args)
    user = box.workspace.user(args.required("user"))
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    fields = _content(box, args)
    message = box.workspace.show_ephemeral(
        channel, user.id, fields.pop("text"), **fields, **_author(box), thread_ts=args.text("thread_ts")
    )
    return {"message_ts": message.ts}


def get_permalink(box: Box, args: Arguments) -> Json:
    """Return the address of a message on the page."""
    channel = channel_of(box, args)
    message = message_of(box, args, channel, "message_ts")
    link = f"{box.settings.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _posting(_box: Box, args: Arguments) -> list[str]:
    return ["chat:write", *(["chat:write.customize"] if args.given("username") else [])]


def _destination(box: Box, args: Arguments) -> Channel:
    wanted = args.required("channel")
    if wanted in box.workspace.users:
        return box.workspace.direct([wanted, box.workspace.bot.id])
    channel = channel_of(box, args)
    if channel.kind == "public" and not channel.is_archived and box.may("chat:write.public"):
        return channel
    return open_channel(box, args)


def _content(box: Box, args: Arguments) -> dict[str, Any]:
    text = args.text("text")
    blocks = accepted_blocks(args.structure("blocks", "invalid_blocks_format"), box.ids)
    attachments = args.structure("attachments", "invalid_attachments") or []
    for attachment in attachments:
        attachment["blocks"] = accepted_blocks(attachment.get("blocks"), box.ids)
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    return {"text": text, "blocks": blocks, "attachments": attachments}


def _author(box: Box) -> dict[str, str]:
    return {"bot_id": box.workspace.bot.bot_id, "app_id": box.settings.app_id}


METHODS = {
    "chat.postMessage": Method(post_message, Needs(("chat:write", "chat:write.customize"), _posting)),
    "chat.update": Method(update, needs("chat:write")),
    "chat.delete": Method(delete, needs("chat:write")),
    "chat.postEphemeral": Method(post_ephemeral, needs("chat:write")),
    "chat.getPermalink": Method(get_permalink, takes_json=False),
}
