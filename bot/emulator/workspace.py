"""The workspace: people, channels and messages in memory, and one door for every change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.emulator.channels import Channel
from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.files import StoredFile
from bot.emulator.identifiers import Identifiers
from bot.emulator.messages import Json, Message
from bot.emulator.people import User, UserGroup


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened; the page and the app's events are both made from it."""

    kind: str
    channel: Channel | None = None
    message: Message | None = None
    user: str = ""
    detail: Json = field(default_factory=dict)


Listener = Callable[[Change], None]


class Workspace:
    """State, and who is told when it changes."""

    def __init__(self, clock: Clock, ids: Identifiers, team_id: str, bot: User) -> None:
        self.clock = clock
        self.ids = ids
        self.team_id = team_id
        self.bot = bot
        self.users: dict[str, User] = {bot.id: bot}
        self.usergroups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, StoredFile] = {}
        self.listeners: list[Listener] = []

    def tell(self, change: Change) -> None:
        """Tell every listener what happened."""
        for listener in self.listeners:
            listener(change)

    # --- finding ---

    def user(self, user_id: str) -> User:
        """Find a user by id or refuse like Slack."""
        if user_id not in self.users:
            raise SlackError("user_not_found")
        return self.users[user_id]

    def channel(self, channel_id: str) -> Channel:
        """Find a channel by id; Slack also takes `#name` and, for messages, a user's id."""
        if channel_id in self.channels:
            return self.channels[channel_id]
        if channel_id.startswith("#") and (found := self.channel_named(channel_id[1:])):
            return found
        raise SlackError("channel_not_found")

    def channel_named(self, name: str) -> Channel | None:
        """Find a channel by name, archived ones included: their names stay taken."""
        return next((channel for channel in self.channels.values() if channel.name == name), None)

    def message(self, channel: Channel, ts: str) -> Message:
        """Find a message by ts or refuse like Slack."""
        if ts not in channel.messages:
            raise SlackError("message_not_found")
        return channel.messages[ts]

    def file(self, file_id: str) -> StoredFile:
        """Find a file by id or refuse like Slack."""
        if file_id not in self.files:
            raise SlackError("file_not_found")
        return self.files[file_id]

    def direct(self, users: list[str]) -> Channel:
        """Find or open the direct message between these users."""
        members = sorted(set(users))
        for channel in self.channels.values():
            if channel.is_direct and sorted(channel.members) == members:
                return channel
        kind = "im" if len(members) <= 2 else "mpim"  # noqa: PLR2004 - two people talk directly, more are a group
        channel = self._store_channel("", self.bot.id, kind)
        channel.members = members
        self.tell(Change("channel", channel))
        return channel

    # --- channels ---

    def create_channel(self, name: str, creator: str, *, private: bool = False) -> Channel:
        """Create a channel with its creator in it."""
        channel = self._store_channel(name, creator, "private" if private else "public")
        channel.members.append(creator)
        self.tell(Change("channel_created", channel, user=creator))
        return channel

    def _store_channel(self, name: str, creator: str, kind: str) -> Channel:
        channel_id = self.ids.next("D" if kind == "im" else "C")
        channel = Channel(channel_id, name, creator, int(self.clock.now()), kind)
        self.channels[channel.id] = channel
        return channel

    def join(self, channel: Channel, user: str, inviter: str = "") -> None:
        """Let somebody in; the second time nothing happens."""
        if user not in channel.members:
            channel.members.append(user)
            self.tell(Change("member_joined", channel, user=user, detail={"inviter": inviter}))

    def leave(self, channel: Channel, user: str) -> None:
        """Let somebody out."""
        if user in channel.members:
            channel.members.remove(user)
            self.tell(Change("member_left", channel, user=user))

    def archive(self, channel: Channel, user: str) -> None:
        """Close a channel; the app is put out of it and cannot come back before a person opens it again."""
        channel.is_archived = True
        self.tell(Change("channel_archive", channel, user=user))
        if self.bot.id in channel.members:
            channel.members.remove(self.bot.id)

    def unarchive(self, channel: Channel, user: str) -> None:
        """Open an archived channel again."""
        channel.is_archived = False
        self.tell(Change("channel_unarchive", channel, user=user))

    def drop_channel(self, channel: Channel, user: str) -> None:
        """Delete a channel with everything in it."""
        del self.channels[channel.id]
        self.tell(Change("channel_deleted", channel, user=user))

    # --- messages ---

    def post(self, channel: Channel, user: str, text: str, **fields: Any) -> Message:
        """Add a message; `fields` are those of `Message`."""
        thread = fields.get("thread_ts", "")
        parent = channel.messages.get(thread)
        message = Message(self.ids.timestamp(self.clock.now()), channel.id, user, text, **fields)
        channel.messages[message.ts] = message
        if parent is not None:
            parent.replies.append(message)
            self.tell(Change("message_redrawn", channel, parent))
        self.tell(Change("message_posted", channel, message, user))
        return message

    def show_ephemeral(self, channel: Channel, visible_to: str, text: str, **fields: Any) -> Message:
        """Show somebody a message that nobody else sees and history does not keep."""
        message = Message(
            self.ids.timestamp(self.clock.now()), channel.id, self.bot.id, text, visible_to=visible_to, **fields
        )
        channel.ephemerals[message.ts] = message
        self.tell(Change("ephemeral", channel, message, visible_to))
        return message

    def edit(self, channel: Channel, message: Message, editor: str, **fields: Any) -> None:
        """Change a message in place and mark it as edited."""
        previous = message.payload(self.team_id)
        for name, value in fields.items():
            setattr(message, name, value)
        if message.visible_to:
            self.tell(Change("ephemeral", channel, message, message.visible_to))
            return
        message.edited = {"user": editor, "ts": self.ids.timestamp(self.clock.now())}
        self.tell(Change("message_changed", channel, message, editor, {"previous": previous}))

    def delete(self, channel: Channel, message: Message) -> None:
        """Remove a message, and the note of it in its thread."""
        if message.visible_to:
            channel.ephemerals.pop(message.ts, None)
            self.tell(Change("ephemeral_deleted", channel, message, message.visible_to))
            return
        del channel.messages[message.ts]
        parent = channel.messages.get(message.thread_ts)
        if parent is not None and message in parent.replies:
            parent.replies.remove(message)
            self.tell(Change("message_redrawn", channel, parent))
        previous = message.payload(self.team_id)
        self.tell(Change("message_deleted", channel, message, message.user, {"previous": previous}))

    # --- reactions and pins ---

    def react(self, message: Message, user: str, name: str) -> None:
        """Add a reaction or refuse the second one of the same person."""
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise SlackError("already_reacted")
        users.append(user)
        self._tell_reaction("reaction_added", message, user, name)

    def unreact(self, message: Message, user: str, name: str) -> None:
        """Take a reaction back."""
        users = message.reactions.get(name, [])
        if user not in users:
            raise SlackError("no_reaction")
        users.remove(user)
        if not users:
            del message.reactions[name]
        self._tell_reaction("reaction_removed", message, user, name)

    def _tell_reaction(self, kind: str, message: Message, user: str, name: str) -> None:
        self.tell(Change(kind, self.channels[message.channel], message, user, {"reaction": name}))

    def pin(self, channel: Channel, message: Message, user: str) -> None:
        """Pin a message to its channel."""
        if message.pinned:
            raise SlackError("already_pinned")
        message.pinned = {"channel": channel.id, "pinned_by": user, "pinned_ts": int(self.clock.now())}
        self.tell(Change("pin_added", channel, message, user))

    def unpin(self, channel: Channel, message: Message, user: str) -> None:
        """Take a pin off."""
        if not message.pinned:
            raise SlackError("no_pin")
        message.pinned = None
        self.tell(Change("pin_removed", channel, message, user))
