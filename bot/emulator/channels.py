"""Channels, and what hangs in them: members, messages, pins, bookmarks."""

import re
from dataclasses import dataclass, field
from typing import Any

from bot.emulator.messages import Json, Message

NAME_LENGTH = 80


@dataclass(slots=True)
class Bookmark:
    """A link at the top of a channel."""

    id: str
    channel: str
    title: str
    link: str
    emoji: str
    created: int
    updated: int

    def payload(self) -> Json:
        """Render the bookmark object."""
        return {
            "id": self.id,
            "channel_id": self.channel,
            "title": self.title,
            "link": self.link,
            "emoji": self.emoji,
            "icon_url": "",
            "type": "link",
            "entity_id": None,
            "date_created": self.created,
            "date_updated": self.updated,
            "rank": "",
            "last_updated_by_user_id": "",
            "last_updated_by_team_id": "",
            "shortcut_id": None,
            "app_id": None,
        }


@dataclass(slots=True)
class Channel:
    """A public or private channel, or a direct message."""

    id: str
    name: str
    creator: str
    created: int
    kind: str = "public"
    topic: str = ""
    purpose: str = ""
    is_archived: bool = False
    members: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    ephemerals: dict[str, Message] = field(default_factory=dict)
    bookmarks: list[Bookmark] = field(default_factory=list)

    @property
    def is_direct(self) -> bool:
        """Tell a conversation between people from a channel with a name."""
        return self.kind in {"im", "mpim"}

    def pinned(self) -> list[Message]:
        """Return the pinned messages, the latest pin first."""
        pins = [message for message in self.messages.values() if message.pinned]
        return sorted(pins, key=lambda message: (message.pinned or {})["pinned_ts"], reverse=True)

    def top_level(self) -> list[Message]:
        """Return what the channel itself shows: no replies."""
        return [message for message in self.messages.values() if not message.is_reply]

    def payload(self, viewer: str) -> Json:
        """Render the channel object of conversations.info."""
        if self.is_direct:
            other = next((user for user in self.members if user != viewer), viewer)
            return {
                "id": self.id,
                "created": self.created,
                "is_im": self.kind == "im",
                "is_mpim": self.kind == "mpim",
                "is_archived": False,
                "user": other,
                "is_open": True,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "public",
            "is_group": self.kind == "private",
            "is_im": False,
            "is_mpim": False,
            "is_private": self.kind == "private",
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "created": self.created,
            "creator": self.creator,
            "unlinked": 0,
            "is_member": viewer in self.members,
            "num_members": len(self.members),
            "topic": _note(self.topic, self.creator),
            "purpose": _note(self.purpose, self.creator),
            "previous_names": [],
        }


def _note(value: str, creator: str) -> dict[str, Any]:
    return {"value": value, "creator": creator if value else "", "last_set": 0}


def name_problem(name: str) -> str:
    """Return Slack's error word for a channel name it refuses, or an empty string."""
    if not name:
        return "invalid_name_required"
    if len(name) > NAME_LENGTH:
        return "invalid_name_maxlength"
    if not re.search(r"\w", name):
        return "invalid_name_punctuation"
    if not all(char in "-_" or (char.isalnum() and char == char.lower()) for char in name):
        return "invalid_name_specials"
    return ""
