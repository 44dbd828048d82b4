"""Messages of people: said, changed, taken back; and the Home tab opened."""

from base64 import b64decode
from collections.abc import Mapping, Sequence

from bot.emulator.box import Box
from bot.emulator.channels import Channel
from bot.emulator.errors import SlackError
from bot.emulator.files import StoredFile
from bot.emulator.messages import Json, Message
from bot.emulator.people import User
from bot.emulator.typed_text import as_sent


def say(  # noqa: PLR0913 - who, where and what are all different things
    box: Box, user: User, channel: Channel, text: str, *, thread_ts: str = "", files: Sequence[Mapping[str, str]] = ()
) -> Json:
    """Say something in a channel; who is not in it joins by it. `files`: each a name and its content, base64."""
    if not text.strip() and not files:
        raise SlackError("no_text")
    if channel.is_archived:
        raise SlackError("is_archived")
    if thread_ts and thread_ts not in channel.messages:
        raise SlackError("thread_not_found")
    box.workspace.join(channel, user.id)
    shared = [_shared(box, user, channel, file) for file in files]
    fields = {"thread_ts": thread_ts, "files": shared, "subtype": "file_share" if shared else ""}
    message = box.workspace.post(channel, user.id, as_sent(text, box.workspace), **fields)
    return {"ts": message.ts, "channel": channel.id}


def rewrite(box: Box, user: User, channel: Channel, message: Message, text: str) -> Json:
    """Change what one said."""
    _own(user, message)
    box.workspace.edit(channel, message, user.id, text=as_sent(text, box.workspace))
    return {"ts": message.ts}


def take_back(box: Box, user: User, channel: Channel, message: Message) -> Json:
    """Delete what one said, or dismiss what only oneself sees."""
    if message.visible_to != user.id:
        _own(user, message)
    box.workspace.delete(channel, message)
    return {"ts": message.ts}


def open_home(box: Box, user: User) -> None:
    """Open the app's Home tab; the app is told each time."""
    event: Json = {
        "type": "app_home_opened",
        "user": user.id,
        "channel": box.workspace.direct([user.id, box.workspace.bot.id]).id,
        "tab": "home",
        "event_ts": box.ids.timestamp(box.clock.now()),
    }
    if user.id in box.views.homes:
        event["view"] = box.view_payload(box.views.homes[user.id])
    box.events.send(event)


def _shared(box: Box, user: User, channel: Channel, file: Mapping[str, str]) -> StoredFile:
    try:
        name, content = file["name"], b64decode(file["content"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise SlackError("invalid_arguments", ["a file is {name, content}, the content as base64"]) from None
    shared = StoredFile(
        id=box.ids.next("F"),
        name=name,
        title=name,
        user=user.id,
        created=int(box.clock.now()),
        base_url=box.settings.base_url,
        size=len(content),
        content=content,
        shared_in=[channel.id],
    )
    box.workspace.files[shared.id] = shared
    return shared


def _own(user: User, message: Message) -> None:
    if message.user != user.id:
        raise SlackError("cant_change_message_of_another")
